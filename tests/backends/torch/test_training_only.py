"""What PyTorch networks do while training only: auxiliary heads and drop paths."""

import dataclasses
import inspect
from typing import Any

import numpy as np
import pytest
from networks import auxiliaries

from drawloom.backends import Recipe, initialise, weight_specs
from drawloom.backends.reference import run
from drawloom.backends.training import Data
from drawloom.ir import FunctionBuilder, Module, TensorType, UserError
from drawloom.passes import strip_training

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from drawloom.backends.torch import export_onnx, python_source, set_progress, to_torch, train  # noqa: E402
from drawloom.backends.torch.layers import DropPath  # noqa: E402


def images(count: int = 5) -> Any:
    return torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def quiet(network: Any) -> Any:
    """The network in training mode, with nothing random in it; it stays so when it is told to train."""
    change = network.train

    def train_quietly(mode: bool = True) -> Any:
        change(mode)
        for module in (m for m in network.modules() if "F.dropout(" in inspect.getsource(type(m).forward)):
            module.training = False
        return network

    network.train = train_quietly
    set_progress(network, 0.0)
    return network.train()


def test_heads_follow_the_outputs_in_training_mode() -> None:
    module = auxiliaries()
    weights = initialise(module, 3)
    network = quiet(to_torch(module, weights))
    x = images()
    scores, early, late = network(x)
    assert network.auxiliary_weights == (0.3, 0.4)
    plain = network.eval()(x)
    assert isinstance(plain, torch.Tensor)
    assert torch.equal(scores, plain)
    (expected,) = run(module, weights, [x.numpy()])
    np.testing.assert_allclose(scores.detach().numpy(), expected, atol=1e-5)
    # the heads, computed by hand from the weights
    stem = torch.nn.functional.conv2d(x, torch.tensor(weights["stem.weight"]))
    conv = torch.nn.functional.conv2d(
        stem.relu(), torch.tensor(weights["trunk.residual.conv.weight"]), padding=1
    )
    trunk = stem + conv
    for found, path, h in ((early, "trunk.early", trunk), (late, "late", trunk.tanh())):
        w, b = (torch.tensor(weights[f"{path}.linear.{n}"]) for n in ("weight", "bias"))
        np.testing.assert_allclose(
            found.detach().numpy(), (h.mean((2, 3)) @ w.T + b).numpy(), atol=1e-5, rtol=1e-5
        )


def test_heads_are_not_computed_in_inference() -> None:
    network = to_torch(auxiliaries()).eval()
    called: list[str] = []
    for name, module in network.named_modules():
        module.register_forward_hook(lambda *_, name=name: called.append(name))
    network(images())
    assert "linear" in called
    assert not [name for name in called if "early" in name or "late" in name]


def test_networks_of_stripped_modules_need_no_weights_of_heads() -> None:
    stripped = strip_training(auxiliaries())
    assert set(weight_specs(auxiliaries())) - set(weight_specs(stripped)) == {
        f"{path}.linear.{name}" for path in ("trunk.early", "late") for name in ("weight", "bias")
    }
    source = python_source(stripped)
    assert "auxiliary" not in source
    assert "DropPath(" not in source


def test_what_is_exported_has_no_heads(tmp_path: Any) -> None:
    onnx = pytest.importorskip("onnx")
    module = auxiliaries()
    export_onnx(module, initialise(module), tmp_path / "network.onnx")
    names = {i.name for i in onnx.load(tmp_path / "network.onnx").graph.initializer}
    assert names == set(weight_specs(strip_training(module)))


def test_training_mode_compiles_to_one_graph() -> None:
    network = quiet(to_torch(auxiliaries()))
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    for found, expected in zip(compiled(images()), network(images()), strict=True):
        assert torch.allclose(found, expected)
    assert compiled.auxiliary_weights == (0.3, 0.4)
    # the progress of training is data, not code: following it compiles nothing again
    torch._dynamo.config.error_on_recompile = True
    try:
        for progress in (0.25, 0.5):
            set_progress(compiled, progress)
            compiled(images())
    finally:
        torch._dynamo.config.error_on_recompile = False


@pytest.mark.parametrize("progress", [0.0, 0.5, 1.0])
def test_drop_path_drops_samples_at_the_scheduled_rate(progress: float) -> None:
    layer = DropPath(0.4)
    set_progress(layer, progress)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        y = layer(torch.ones(20_000, 2, 3))
    keep = 1 - 0.4 * progress
    values = y.flatten(1)
    assert (values == values[:, :1]).all(), "samples are dropped whole"
    kept = values[:, 0] != 0
    assert torch.allclose(values[kept], torch.tensor(1 / keep))
    # three standard deviations
    assert abs(kept.float().mean().item() - keep) <= 3 * (keep * (1 - keep) / 20_000) ** 0.5
    assert torch.equal(layer.eval()(torch.ones(4, 2)), torch.ones(4, 2))


def test_every_drop_path_has_its_rate() -> None:
    network = to_torch(auxiliaries())
    rates = {name: m.rate for name, m in network.named_modules() if isinstance(m, DropPath)}
    assert sorted(rates.values()) == [0.125, 0.25, 0.5]
    assert "DropPath(0.25)" in repr(network)


def test_a_part_named_like_a_layer_without_weights() -> None:
    b = FunctionBuilder("net", "network")
    x = b.op("linear", [b.input(TensorType((3,)), "x")], {"out": 3, "param": "drop_path.inner"})
    f = b.finish([b.op("drop_path", [x], {"rate": 0.5})])
    network = to_torch(Module("net", {f.name: f}))
    assert list(network.state_dict()) == ["drop_path.inner.weight", "drop_path.inner.bias"]


def test_a_head_that_nothing_reads_is_none() -> None:
    b = FunctionBuilder("net", "network")
    x = b.input(TensorType((3,)), "x")
    b.op("auxiliary", [x, b.op("relu", [x])])
    f = b.finish([b.op("tanh", [x])])
    network = to_torch(Module("net", {f.name: f}))
    assert isinstance(network(torch.zeros(1, 3)), torch.Tensor)


def data() -> Data:
    rng = np.random.default_rng(0)
    pictures = rng.normal(size=(16, 1, 8, 8)).astype(np.float32)
    labels = rng.integers(0, 3, 16)
    return Data(pictures, labels, pictures, labels)


RECIPE = Recipe(epochs=1, batch_size=16, flip=False, mean=(0.0,), std=(1.0,), label_smoothing=0.1)


def test_the_loss_has_those_of_the_heads_with_their_weights() -> None:
    network = quiet(to_torch(auxiliaries(), seed=1))
    x, labels = torch.from_numpy(data().train_images), torch.from_numpy(data().train_labels)
    losses = [
        torch.nn.functional.cross_entropy(scores, labels, label_smoothing=0.1).item() for scores in network(x)
    ]
    result = train(network, data(), dataclasses.replace(RECIPE, learning_rate=0.0))
    expected = losses[0] + 0.3 * losses[1] + 0.4 * losses[2]
    assert result.epochs[0].loss == pytest.approx(expected, rel=1e-5)
    assert abs(expected - losses[0]) > 0.1


def test_heads_are_trained() -> None:
    before = initialise(auxiliaries(), 1)
    network = to_torch(auxiliaries(), before)
    train(network, data(), RECIPE)
    after = network.state_dict()
    for path in ("trunk.early.linear.weight", "late.linear.weight", "linear.weight"):
        assert not np.array_equal(after[path].numpy(), before[path])


def test_progress_rises_with_the_steps() -> None:
    network = to_torch(auxiliaries())
    seen: list[float] = []
    layer = next(m for m in network.modules() if isinstance(m, DropPath))
    layer.register_forward_pre_hook(lambda m, _: seen.append(m.progress.item()) if m.training else None)
    train(network, data(), dataclasses.replace(RECIPE, epochs=4, batch_size=8))
    assert seen == [step / 8 for step in range(8)]


def test_a_head_of_other_classes_is_refused() -> None:
    b = FunctionBuilder("net", "network")
    x = b.op("flatten", [b.input(TensorType((1, 8, 8)), "x")])
    y = b.op("auxiliary", [x, b.op("linear", [x], {"out": 5, "param": "head"})])
    f = b.finish([b.op("linear", [y], {"out": 3, "param": "linear"})])
    with pytest.raises(UserError, match=r"a tensor of shape \[5\], the network one of \[3\]"):
        train(to_torch(Module("net", {f.name: f})), data(), RECIPE)
