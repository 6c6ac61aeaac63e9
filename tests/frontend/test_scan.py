"""``scan``: cells run over sequences, against PyTorch's own; tokens, gates and arithmetic on tensors."""

import numpy as np
import pytest
from loom import body_codes, domains, module, operations, weight_paths

from drawloom.backends import initialise
from drawloom.backends.reference import run
from drawloom.passes import price, resolve

LSTM = """
cell lstm(x, h, c; n) {
    i, f, g, o = chunk(linear(x; 4 * n) as input + linear(h; 4 * n) as state; 4)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return [sigmoid(o) * tanh(c), c]
}
"""
RUN = """
    ys, h, c = scan(image, zeros(n), zeros(n); body=lstm(; n))
    return [ys, h, c]
"""


def test_an_lstm_is_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    made = module(RUN.replace("n)", "6)"), LSTM, inputs="image: f32[7, 4]")
    weights = initialise(made, 0)
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(size=w.shape).astype(np.float32) for name, w in weights.items()}
    theirs = torch.nn.LSTM(4, 6, batch_first=True)
    names = {
        "weight_ih_l0": "lstm.input.weight",
        "bias_ih_l0": "lstm.input.bias",
        "weight_hh_l0": "lstm.state.weight",
        "bias_hh_l0": "lstm.state.bias",
    }
    assert set(names.values()) == set(weights)
    theirs.load_state_dict({name: torch.from_numpy(weights[path]) for name, path in names.items()})
    x = rng.normal(size=(3, 7, 4)).astype(np.float32)
    with torch.no_grad():
        ys, (h, c) = theirs(torch.from_numpy(x))
    for found, expected in zip(run(made, weights, [x]), (ys, h[0], c[0]), strict=True):
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)


def test_all_steps_share_weights_and_decisions() -> None:
    cell = """
    cell step(x, h; n) {
        f = choose act from [tanh, relu, sigmoid]
        return f(linear(x; n) as a + linear(h; n) as b)
    }
    """
    made = module("return scan(image, zeros(5); body=step(; 5))[0]", cell, inputs="image: f32[9, 4]")
    assert domains(made) == {"step.act": ("tanh", "relu", "sigmoid")}
    assert len(operations(made, "call")) == 9
    resolved = resolve(made, {"step.act": "relu"})
    assert set(initialise(resolved)) == {"step.a.weight", "step.a.bias", "step.b.weight", "step.b.bias"}
    prices = price(made, [{"step.act": "relu"}])
    assert prices["parameters"][0] == 4 * 5 + 5 + 5 * 5 + 5
    assert prices["multiply_adds"][0] == 9 * (4 * 5 + 5 * 5)


def test_tokens_become_vectors() -> None:
    body = "xs = image |> embedding(11, 4) return scan(xs, zeros(4); body=step)[1]"
    cell = "cell step(x, h) = tanh(x + h)"
    made = module(body, cell, inputs="image: i32[3]")
    weights = initialise(made, 0)
    tokens = np.array([[1, 5, 10], [0, 0, 3]], dtype=np.int32)
    (found,) = run(made, weights, [tokens])
    h = np.zeros((2, 4), dtype=np.float32)
    for t in range(3):
        h = np.tanh(weights["embedding.weight"][tokens[:, t]] + h)
    np.testing.assert_allclose(found, h, rtol=1e-6)
    assert weight_paths(made) == ["embedding"]


def test_arithmetic_with_numbers() -> None:
    body = "x = image y = 2 * x - 3 z = 1 - y w = -z / 4 return w + 5 - x * 0.5"
    made = module(body, inputs="image: f32[6]")
    x = np.linspace(-2, 2, 6, dtype=np.float32)[None]
    (found,) = run(made, {}, [x])
    np.testing.assert_allclose(found, -(1 - (2 * x - 3)) / 4 + 5 - x * 0.5, rtol=1e-6)
    assert {op.name for op in made.entry.operations} == {"affine", "sub"}


def test_a_decided_number_scales_a_tensor() -> None:
    made = module("return (choose scale from [0.5, 2.0]) * image", inputs="image: f32[6]")
    (scaled,) = operations(resolve(made, {"scale": 2.0}), "affine")
    assert scaled.attributes["scale"] == 2.0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return scan(image, zeros(4); body=relu)[0]", "E0501"),
        ("return scan(image, zeros(4); body=3)[0]", "E0501"),
        ("return scan(image |> global_avg_pool, zeros(4); body=one)[0]", "E0502"),
        ("return scan(image, 3; body=one)[0]", "E0501"),
        ("return scan(image; body=one)[0]", "E0104"),
        ("return scan(image, zeros(3, 8); body=one)[0]", "E0502"),
        ("return scan(image, zeros(8, 8); body=two)[0]", "E0502"),
        ("return scan(image, zeros(8, 8); body=narrow)[0]", "E0502"),
        ("return sum(chunk(image; 2))", "E0503"),
        ("return sum(chunk(image; 0))", "E0503"),
        ("return sum(chunk(image; 3, axis=5))", "E0503"),
        ("return sum(chunk(image; 3, axis=-3))", "E0503"),
        ("return zeros(0)", "E0503"),
        ("return zeros(true)", "E0501"),
        ("return 3 / image", "E0501"),
        ("return image // image", "E0501"),
        ("return image / 0", "E0504"),
        ("return image % 2", "E0501"),
        ("return image + [image]", "E0501"),
        ("return image < 3", "E0501"),
    ],
)
def test_mistakes(body: str, code: str) -> None:
    cells = """
    cell one(x, h) = x + h
    cell two(x, h) { return [x + h, h] }
    cell narrow(x, h) = slice(h; axis=0, begin=0, end=4)
    """
    assert body_codes(body, cells) == [code]
