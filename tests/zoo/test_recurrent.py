"""Recurrent language models: published sizes, closed forms, and one set of weights for all steps."""

from typing import Any

import numpy as np
import pytest
from counting import count
from tiny_networks import random_weights

from drawloom.backends import weight_specs
from drawloom.backends.reference import run
from drawloom.catalogue import network
from drawloom.ir import (
    DType,
    FunctionBuilder,
    Module,
    TensorType,
    VerificationError,
    parse_module,
    print_module,
    structural_hash,
    structurally_equal,
    verify,
)
from drawloom.passes import PassManager, network_cost, price

NODES = {"darts_rnn_v1": 8, "darts_rnn_v2": 8, "enas_rnn": 11}


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _run(module: Module, tokens: list[int]) -> tuple[dict[str, Any], Any]:
    weights = {name: w.astype(np.float64) for name, w in random_weights(module).items()}
    return weights, run(module, weights, [np.array([tokens], np.int32)])[0][0]


@pytest.mark.parametrize(("units", "layers"), [(738, 2), (8, 1), (12, 3)])
def test_a_nas_cell_has_eight_products_with_input_and_state(units: int, layers: int) -> None:
    module = network("nascell", units=units, layers=layers, vocabulary=50, steps=3)
    outside = 50 * units + 50 * units + 50
    cell = 8 * units * (units + units)
    assert count(module, {}) == (layers * cell + outside, 3 * (layers * cell + 50 * units))


@pytest.mark.parametrize(("name", "nodes"), NODES.items())
@pytest.mark.parametrize("steps", [1, 4])
def test_a_gated_cell_has_a_matrix_for_each_node(name: str, nodes: int, steps: int) -> None:
    units, vocabulary = 6, 20
    module = network(name, units=units, vocabulary=vocabulary, steps=steps)
    cell = 2 * units * 2 * units + nodes * units * 2 * units
    outside = vocabulary * units + vocabulary
    assert count(module, {}) == (cell + outside, steps * (cell + vocabulary * units))


def test_a_nas_cell_computes_the_published_formulas() -> None:
    module = network("nascell", units=4, layers=1, vocabulary=9, steps=3)
    weights, found = _run(module, [3, 8, 3])
    table = weights["embedding.weight"]
    w, u = (weights[f"layer.0.nas.{name}.weight"].reshape(8, 4, 4) for name in ("input", "state"))
    h = c = np.zeros(4)
    for token, scores in zip([3, 8, 3], found, strict=True):
        i, m = w @ table[token], u @ h
        s0, s1, s2 = _sigmoid(i[0] + m[0]), np.maximum(i[1] + m[1], 0), _sigmoid(i[2] + m[2])
        s3, s4, s5 = np.maximum(i[3] * m[3], 0), np.tanh(i[4] + m[4]), _sigmoid(i[5] + m[5])
        s6, s7 = np.tanh(i[6] + m[6]), _sigmoid(i[7] + m[7])
        t0, t1, t2, t3 = np.tanh(s0 * s1), np.tanh(s2 + s3), np.tanh(s4 * s5), _sigmoid(s6 + s7)
        t0 = np.tanh(t0 + c)
        c = t0 * t1
        h = np.tanh(c * np.tanh(t2 + t3))
        wanted = weights["decoder.weight"] @ h + weights["decoder.bias"]
        np.testing.assert_allclose(scores, wanted, rtol=1e-9)


def test_published_size_of_darts_rnn() -> None:
    parameters, _ = count(network("darts_rnn_v2"), {})
    assert parameters == 10_000 * 850 + 10_000 + 1700 * 1700 + 8 * 850 * 1700
    assert round(parameters / 1e6) == 23


def test_a_tied_table_is_one() -> None:
    sizes = {"units": 8, "vocabulary": 20, "steps": 3}
    apart, tied = network("nascell", **sizes), network("nascell_tied", **sizes)
    assert count(apart, {})[0] - count(tied, {})[0] == 8 * 20
    assert count(apart, {})[1] == count(tied, {})[1]
    text = print_module(tied)
    assert text.count('param="embedding"') == 2
    renamed = parse_module(text.replace('param="embedding"', 'param="table"'))
    untied = parse_module(text.replace('vocabulary=20, param="embedding"', 'vocabulary=20, param="other"'))
    assert list(weight_specs(untied)) == [
        "embedding.weight",
        *list(weight_specs(tied))[1:-1],
        "other.weight",
        "decoder.bias",
    ]
    assert structural_hash(renamed) == structural_hash(tied) != structural_hash(untied)
    assert structurally_equal(renamed, tied)
    assert not structurally_equal(untied, tied)
    assert network_cost(untied).parameters == network_cost(tied).parameters + 8 * 20


@pytest.mark.parametrize("pipeline", ["canonicalize,dce", "inline", "fuse"])
@pytest.mark.parametrize(("name", "parameters"), [("nascell", 2388), ("nascell_tied", 2228)])
def test_passes_leave_one_price(name: str, parameters: int, pipeline: str) -> None:
    module = network(name, units=8, vocabulary=20, steps=2)
    done = PassManager.from_text(pipeline).run(module)
    assert network_cost(done).parameters == parameters
    assert price(done, {}).parameters.tolist() == [parameters]


def test_a_tied_table_is_trained_by_both_its_readers() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from drawloom.backends.torch import to_torch

    model = to_torch(network("nascell_tied", units=4, vocabulary=9, steps=2))
    model(torch.tensor([[3, 8]], dtype=torch.int32))[0, 1, 5].backward()
    touched = model.embedding.weight.grad.abs().sum(1) > 0
    assert touched.nonzero().ravel().tolist() == [3, 5, 8]


@pytest.mark.parametrize(("vocabulary", "out"), [(20, 8), (21, 8), (20, 7)])
def test_only_tables_of_one_size_are_tied(vocabulary: int, out: int) -> None:
    b = FunctionBuilder("m", "network")
    tokens, x = b.input(TensorType((3,), DType.I32), "tokens"), b.input(TensorType((3, 8)), "x")
    words = b.op("embedding", [tokens], {"vocabulary": vocabulary, "out": out, "param": "w"})
    scores = b.op("unembedding", [x], {"vocabulary": 20, "param": "w"})
    module = Module("m", {"m": b.finish([words, scores])})
    if (vocabulary, out) == (20, 8):
        verify(module)
        assert list(weight_specs(module)) == ["w.weight"]
        return
    with pytest.raises(VerificationError, match="belong to two different operations"):
        verify(module)


@pytest.mark.parametrize(
    ("name", "genotype", "output"),
    [
        ("darts_rnn_v2", "sigmoid0 relu1 relu1 identity1 tanh2 sigmoid5 tanh3 relu5", range(1, 9)),
        ("darts_rnn_v1", "relu0 relu1 tanh2 relu3 relu4 identity1 relu5 relu1", range(1, 9)),
        (
            "enas_rnn",
            "tanh0 tanh1 relu1 tanh3 tanh3 relu3 relu4 relu7 relu8 relu8 relu8",
            (2, 5, 6, 9, 10, 11),
        ),
    ],
)
def test_a_gated_cell_computes_the_published_formulas(name: str, genotype: str, output: Any) -> None:
    functions = {
        "sigmoid": _sigmoid,
        "relu": lambda x: np.maximum(x, 0),
        "identity": lambda x: x,
        "tanh": np.tanh,
    }
    weights, found = _run(network(name, units=4, vocabulary=9, steps=2), [3, 8])
    h = np.zeros(4)
    for token, scores in zip([3, 8], found, strict=True):
        x = np.concatenate([weights["embedding.weight"][token], h])
        gate, candidate = np.split(weights["rnn.first.weight"] @ x, 2)
        states = [h + _sigmoid(gate) * (np.tanh(candidate) - h)]
        for node, gene in enumerate(genotype.split()):
            s = states[int(gene[-1])]
            gate, candidate = np.split(weights[f"rnn.node.{node}.linear.weight"] @ s, 2)
            states.append(s + _sigmoid(gate) * (functions[gene[:-1]](candidate) - s))
        h = np.mean([states[i] for i in output], axis=0)
        wanted = weights["embedding.weight"] @ h + weights["decoder.bias"]
        np.testing.assert_allclose(scores, wanted, rtol=1e-9)
