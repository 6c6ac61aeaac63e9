"""NASNet, AmoebaNet, PNASNet and ENAS: published counts, published genotypes, reduction of odd images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from counting import count
from loom import operations

from drawloom import zoo
from drawloom.backends import initialise, weight_specs
from drawloom.backends.reference import run
from drawloom.catalogue import network
from drawloom.frontend import load
from drawloom.ir import Function, Module, Operation, Value

COUNTS = {
    # name: parameters, multiply-adds, the parameters in millions that the paper prints
    "nasnet_a": (5_289_978, 563_638_816, "5.3"),
    "nasnet_a_large": (88_753_150, 23_783_414_658, None),  # 88.9, with running statistics: see below
    "nasnet_a_cifar": (3_346_538, 544_333_312, "3.3"),
    "amoebanet_a": (5_086_930, 554_687_204, "5.1"),
    "amoebanet_a_large": (86_718_797, 23_133_663_507, "86.7"),
    "amoebanet_a_448": (468_151_184, 103_887_693_968, None),  # 469 with them
    "amoebanet_a_cifar": (2_567_754, 407_671_808, "2.6"),
    "amoebanet_a_cifar_36": (3_218_266, 509_668_992, "3.2"),
    "amoebanet_b": (5_258_700, 555_060_408, "5.3"),
    "amoebanet_b_cifar": (2_839_186, 454_925_952, "2.8"),
    "amoebanet_b_cifar_128": (34_874_506, 5_580_279_808, "34.9"),
    "amoebanet_c": (6_353_815, 676_936_592, "6.4"),
    "amoebanet_d": (84_003_048, 18_876_448_096, None),  # nothing was published
    "pnasnet5": (5_064_487, 587_293_200, "5.1"),
    "pnasnet5_large": (86_057_668, 24_937_395_792, "86.1"),
    "pnasnet5_cifar": (3_189_082, 574_891_392, "3.2"),
    "enas_micro": (3_894_372, 620_907_552, None),  # what came out, not what was published
    "enas_micro_18": (4_587_372, 727_702_560, "4.6"),
}
"""Where a factorized reduction has odd channels, its second half has one more, as in NASNet's program."""


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    parameters, multiply_adds, printed = COUNTS[name]
    assert count(network(name), {}) == (parameters, multiply_adds)
    assert printed in (None, f"{parameters / 1e6:.1f}")


@pytest.mark.parametrize(
    ("name", "total"),
    # what Keras says of NASNetMobile and NASNetLarge; it counts running statistics, as the paper's 88.9 M
    [("nasnet_a", 5_326_716), ("nasnet_a_large", 88_949_818)],
)
def test_counts_with_running_statistics(name: str, total: int) -> None:
    specs = weight_specs(network(name))
    assert sum(w.type.elements for path, w in specs.items() if "auxiliary" not in path) == total


GENOTYPES = {
    # cell: pairs of op(state), the states at the end; state 0 is the cell before, 1 the one before that
    ("nasnet_a", "nasnet_a_normal"): (
        "sep5(0)+sep3(1); sep5(1)+sep3(1); avg3(0)+skip(1); avg3(1)+avg3(1); sep3(0)+skip(0)",
        "1,2,3,4,5,6",
    ),
    ("nasnet_a", "nasnet_a_reduce"): (
        "sep5(0)+sep7(1); max3(0)+sep7(1); avg3(0)+sep5(1); skip(3)+avg3(2); sep3(2)+max3(0)",
        "3,4,5,6",
    ),
    ("amoebanet_a", "amoebanet_a_normal"): (
        "avg3(0)+max3(0); sep3(1)+skip(1); skip(0)+avg3(1); sep3(0)+sep5(2); avg3(5)+sep3(0)",
        "1,3,4,6",
    ),
    ("amoebanet_a", "amoebanet_a_reduce"): (
        "sep3(1)+avg3(0); max3(0)+sep7(2); max3(1)+max3(0); sep3(4)+conv1x7_7x1(0); avg3(1)+sep7(0)",
        "2,3,4,5,6",
    ),
    ("amoebanet_b", "amoebanet_b_normal"): (
        "conv1(1)+max3(1); skip(1)+sep3(0); conv1(1)+sep3(0); conv1(2)+skip(2); avg3(1)+conv1(5)",
        "0,3,4,6",
    ),
    ("amoebanet_b", "amoebanet_b_reduce"): (
        "max2(0)+max3(0); skip(2)+conv3(1); sep5(2)+max3(2); skip(3)+sep3(1); avg3(4)+conv1(3)",
        "5,6",
    ),
    ("amoebanet_c", "amoebanet_c_normal"): (
        "avg3(0)+sep3(0); skip(0)+sep3(0); avg3(2)+sep3(1); skip(0)+sep3(1); avg3(3)+sep3(0)",
        "1,2,4,5,6",
    ),
    ("amoebanet_c", "amoebanet_c_reduce"): (
        "max3(0)+max3(0); sep7(2)+sep3(0); sep7(0)+max3(1); sep5(4)+sep5(4); max3(1)+sep3(1)",
        "0,2,3,4,5,6",
    ),
    ("amoebanet_d", "amoebanet_d_normal"): (
        "conv1(1)+max3(1); skip(1)+conv1x7_7x1(0); conv1(0)+conv1x7_7x1(0); max3(2)+skip(2);"
        " avg3(1)+conv1(5)",
        "0,3,4,6",
    ),
    ("amoebanet_d", "amoebanet_d_reduce"): (
        "max2(0)+max3(0); skip(2)+conv3(1); conv1x7_7x1(2)+max3(2); skip(3)+max2(1); avg3(2)+conv1(3)",
        "4,5,6",
    ),
    ("pnasnet5", "pnasnet5_cell"): (
        "sep5(1)+max3(1); sep7(0)+max3(0); sep5(0)+sep3(0); sep3(4)+max3(0); sep3(1)+skip(0)",
        "2,3,4,5,6",
    ),
}
"""As in the released programs, with `skip` for "none" and `conv` for full convolutions."""


@pytest.mark.parametrize(("name", "cell"), GENOTYPES)
def test_cells_are_wired_as_published(name: str, cell: str) -> None:
    module = network(name, size=64, filters=16)
    found = [f for f in module.functions.values() if f.definition == cell]
    assert found
    for function in found:
        assert wiring(module, callee(module, function.operations[0])) == GENOTYPES[name, cell]


def callee(module: Module, call: Operation) -> Function:
    return module.functions[call.attributes["callee"]]


def wiring(module: Module, dag: Function) -> tuple[str, str]:
    """The genotype of a cell, read off its graph."""
    states: list[Value] = []
    pairs: list[str] = []

    def operand(value: Value) -> str:
        assert value.producer is not None
        operation = callee(module, callee(module, value.producer).operations[0])
        return f"{operation.definition}({states.index(value.producer.operands[0])})"

    for op in dag.operations:
        if op.param == "input":
            states.extend(op.results)
        if op.name == "add":
            pairs.append("+".join(map(operand, op.operands)))
            states.append(op.result)
    (concat,) = (op for op in dag.operations if op.name == "concat")
    outputs = [states.index(v.producer.operands[0]) for v in concat.operands if v.producer is not None]
    return "; ".join(pairs), ",".join(map(str, outputs))


@pytest.mark.parametrize(
    ("name", "cells", "largest"),
    [
        ("nasnet_a_large", 22, 0.3),
        ("nasnet_a_cifar", 20, 0.4),
        ("amoebanet_b_cifar", 20, 0.3),
        ("pnasnet5_large", 14, 0.4),
        ("pnasnet5_cifar", 9, 0.4),
        ("enas_micro", 17, 0.4),
    ],
)
def test_drop_path_grows_from_cell_to_cell(name: str, cells: int, largest: float) -> None:
    rates = {op.attributes["rate"] for op in operations(network(name), "drop_path")}
    assert sorted(rates) == pytest.approx([largest * (cell + 1) / cells for cell in range(cells)])


def test_what_keeps_its_operand_is_not_dropped() -> None:
    for name, keeping in (("nasnet_a_cifar", "skip"), ("enas_micro", "skip_or_reduce")):
        module = network(name)
        dropped = {
            callee(module, function.operations[0]).definition
            for function in module.functions.values()
            if any(op.name == "drop_path" for op in function.operations)
        }
        assert keeping not in dropped
        assert {"sep3", "sep5", "avg3"} < dropped


@pytest.mark.parametrize(
    ("name", "shape", "weight"),
    # the last cell before the second reduction; in ENAS the first one after it
    [
        ("nasnet_a", (528, 14, 14), 0.4),
        ("nasnet_a_cifar", (384, 16, 16), 0.4),
        ("amoebanet_a_cifar", (256, 16, 16), 0.5),
        ("pnasnet5", (540, 14, 14), 0.4),
        ("enas_micro", (720, 8, 8), 0.4),
    ],
)
def test_auxiliary_classifier(name: str, shape: tuple[int, ...], weight: float) -> None:
    (auxiliary,) = operations(network(name), "auxiliary")
    assert auxiliary.result.type.shape == shape
    assert auxiliary.attributes["weight"] == weight


@pytest.mark.parametrize("size", [(6, 6), (7, 7), (6, 7)])
def test_factorized_reduction_pads_and_crops(size: tuple[int, int], tmp_path: Path) -> None:
    part = Path(zoo.__file__).parent / "parts" / "nasnet.loom"
    (tmp_path / "nasnet.loom").write_text(part.read_text(encoding="utf-8"), encoding="utf-8")
    text = f"""import "nasnet.loom"
    network n(image: f32[3, {size[0]}, {size[1]}]) = factorized_reduce(image; 5)"""
    (tmp_path / "n.loom").write_text(text, encoding="utf-8")
    module = load(tmp_path / "n.loom")
    weights = initialise(module, 1)
    x = np.random.default_rng(1).standard_normal((2, 3, *size)).astype(np.float32)
    left, right = (w for name, w in weights.items() if ".conv" in name)
    assert (len(left), len(right)) == (2, 3)
    moved = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)))[:, :, 1:, 1:]
    halves = [
        np.einsum("nchw,oc->nohw", half[:, :, ::2, ::2], w[:, :, 0, 0])
        for half, w in ((x, left), (moved, right))
    ]
    expected = np.concatenate(halves, axis=1) / np.sqrt(1 + 1e-5)
    np.testing.assert_allclose(run(module, weights, [x])[0], expected, rtol=1e-5, atol=1e-6)
