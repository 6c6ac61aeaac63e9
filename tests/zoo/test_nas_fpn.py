"""RetinaNet with NAS-FPN: counted by hand, its levels, and the two features that are added to outputs."""

import pytest

from drawloom.catalogue import network
from drawloom.ir import Module, Value
from drawloom.passes import price

BACKBONE = 25_557_032 - 2_049_000  # ResNet-50 of torchvision without its classifier


def conv_bn(inputs: int, outputs: int, kernel: int, norms: int = 1) -> int:
    """Weights of a convolution with bias, and of the batch normalisations that follow it."""
    return outputs * inputs * kernel**2 + outputs + 2 * outputs * norms


def head(outputs: int) -> int:
    """Four convolutions for all levels, each normalised for five levels on its own, and one that predicts."""
    return 4 * conv_bn(256, 256, 3, norms=5) + conv_bn(256, outputs, 3, norms=0)


@pytest.mark.parametrize(("name", "cells"), [("retinanet_nas_fpn", 7), ("retinanet_nas_fpn_5", 5)])
def test_weights_of_heads_are_those_of_all_levels(name: str, cells: int) -> None:
    pyramid = sum(conv_bn(c, 256, 1) for c in (512, 1024, 2048)) + 7 * cells * conv_bn(256, 256, 3)
    assert price(network(name), [{}])["parameters"][0] == BACKBONE + pyramid + head(9 * 91) + head(9 * 4)


def test_scores_and_boxes_of_five_levels() -> None:
    shapes = [v.type.shape for v in network("retinanet_nas_fpn").entry.outputs]
    assert shapes == [(c, s, s) for c in (9 * 91, 9 * 4) for s in (80, 40, 20, 10, 5)]


def merged(module: Module) -> list[tuple[int, ...]]:
    """For each merge of the cell, which members of the pool it reads: 0 to 4 enter the cell."""
    (cell,) = (f for f in module.functions.values() if f.definition == "mix")
    pool = [
        *cell.inputs,
        *(
            op.result
            for op in cell.operations
            if op.name == "call" and str(op.param).endswith("relu_conv_bn")
        ),
    ]
    found: dict[Value, frozenset[int]] = {value: frozenset([i]) for i, value in enumerate(pool)}
    reads = []
    for op in cell.operations:
        below = frozenset[int]().union(*(found[v] for v in op.operands))
        if op.result in pool:
            reads.append(tuple(sorted(below)))
        else:
            found[op.result] = below
    return reads


def test_levels_that_are_not_read_are_added_to_the_outputs() -> None:
    # merges 4 and 5, the outputs of levels 5 and 7, get what enters the cell at these levels: members 2 and 4
    assert merged(network("retinanet_nas_fpn", size=128, cells=1)) == [
        (1, 3),
        (1, 5),
        (0, 6),
        (6, 7),
        (2, 7, 8),
        (4, 6, 9),
        (9, 10),
    ]
