"""PyTorch networks: agreement with the reference, names, printed form, and the tools users apply to them."""

import copy
import inspect
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from generators import modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from networks import NETWORKS, branches, cells, mobile, two_armed_space

from drawloom.backends import initialise, weight_specs
from drawloom.backends.reference import run
from drawloom.ir import FunctionBuilder, Module, TensorType, UserError, Value
from drawloom.passes import dce, price, strip_training

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from drawloom.backends.torch import python_source, skeleton, to_torch, weights_of  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def lively(module: Module, seed: int = 0) -> dict[str, np.ndarray]:
    """Weights under which every part of a network shows: no zero biases, no unit scales."""
    rng = np.random.default_rng(seed)
    weights = initialise(module, seed)
    for name, w in weights.items():
        if w.ndim == 1:
            noise = rng.normal(scale=0.3, size=w.shape).astype(np.float32)
            weights[name] = w + (np.abs(noise) if name.endswith("var") else noise)
    return weights


def images(module: Module, batch: int = 3) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=(batch, *v.type.shape)).astype(np.float32) for v in module.entry.inputs]


def outputs(network: object, inputs: list[np.ndarray]) -> list[np.ndarray]:
    with torch.no_grad():
        result = network(*map(torch.from_numpy, inputs))  # type: ignore[operator]
    results = result if isinstance(result, tuple) else (result,)
    return [r.float().numpy() for r in results]


def error(found: list[np.ndarray], expected: list[np.ndarray]) -> float:
    assert [f.shape for f in found] == [e.shape for e in expected]
    return max(
        float(np.abs(f - e).max() / max(np.abs(e).max(), 1e-6)) for f, e in zip(found, expected, strict=True)
    )


@pytest.mark.parametrize("name", NETWORKS)
def test_same_weights_same_outputs_as_the_reference(name: str) -> None:
    module = NETWORKS[name]()
    weights = lively(module)
    network = to_torch(module, weights).eval()
    assert error(outputs(network, images(module)), run(module, weights, images(module))) < 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_state_dict_has_the_names_of_the_weights(name: str) -> None:
    module = NETWORKS[name]()
    network = to_torch(module)
    specs = weight_specs(module)
    assert {n: tuple(t.shape) for n, t in network.state_dict().items()} == {
        n: w.type.shape for n, w in specs.items()
    }
    trainable = {n for n, w in specs.items() if w.trainable}
    assert {n for n, p in network.named_parameters() if p.requires_grad} == trainable
    assert {n for n, _ in network.named_buffers() if n in specs} == set(specs) - trainable


@given(modules(resolved=True, sharing=True, max_operations=5))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_it_has_as_many_parameters_as_are_priced(module: Module) -> None:
    network = skeleton(dce(strip_training(module)))
    assert sum(p.numel() for p in network.parameters()) == price(module, {}).parameters[0]


@given(modules(resolved=True), st.integers(0, 3))
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
def test_generated_networks_agree_with_the_reference(module: Module, seed: int) -> None:
    weights = lively(module, seed)
    network = to_torch(module, weights).eval()
    assert list(network.state_dict()) == list(weights) or set(network.state_dict()) == set(weights)
    found, expected = outputs(network, images(module)), run(module, weights, images(module))
    assert error(found, expected) < 1e-4


def test_weights_come_back() -> None:
    module = mobile()
    weights = lively(module)
    back = weights_of(to_torch(module, weights))
    assert list(back) == list(weights)
    assert all(np.array_equal(back[n], w) and back[n].dtype == np.float32 for n, w in weights.items())
    back["linear.bias"][:] = 7
    assert not np.array_equal(back["linear.bias"], weights["linear.bias"])


def test_the_given_weights_are_not_changed_by_training() -> None:
    module = mobile()
    weights = lively(module)
    before = {n: w.copy() for n, w in weights.items()}
    network = to_torch(module, weights)
    network(torch.zeros(2, 1, 12, 12)).sum().backward()
    with torch.no_grad():
        for p in network.parameters():
            p.add_(1)
    assert all(np.array_equal(w, before[n]) for n, w in weights.items())


def test_fresh_weights_are_those_of_the_seed_and_leave_torch_alone() -> None:
    torch.manual_seed(0)
    state = torch.get_rng_state()
    network = to_torch(mobile(), seed=4)
    assert torch.equal(torch.get_rng_state(), state)
    expected = initialise(mobile(), 4)
    assert all(np.array_equal(w, expected[n]) for n, w in weights_of(network).items())


def test_printed_form() -> None:
    text = repr(to_torch(mobile()))
    assert text.startswith("Mobile(\n  (stem): ConvBn")
    assert "(inverted_residual): InvertedResidual" in text
    assert "(depthwise): ConvBn" in text
    assert "Conv2d(16, 16, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), groups=16, bias=False)" in text


def test_sub_modules_are_reached_as_in_handwritten_networks() -> None:
    network = to_torch(mobile())
    block = network.stage[1].layer[0].inverted_residual  # type: ignore[index, union-attr]
    assert isinstance(block.depthwise.conv, torch.nn.Conv2d)
    assert "def forward(self, x: Tensor) -> Tensor:" in inspect.getsource(type(block).forward)


def test_shared_calls_share_one_module() -> None:
    network = to_torch(cells())
    assert [n for n, _ in network.named_parameters()] == list(weight_specs(cells()))
    assert inspect.getsource(type(network).forward).count("self.shared(") == 2


def test_source_is_a_file_of_its_own() -> None:
    module = mobile()
    source = python_source(module)
    namespace: dict[str, object] = {"__name__": "written"}
    exec(source, namespace)
    network = namespace["Mobile"]()  # type: ignore[operator]
    weights = lively(module)
    network.load_state_dict({n: torch.from_numpy(w) for n, w in weights.items()})
    assert error(outputs(network.eval(), images(module)), run(module, weights, images(module))) < 1e-5


def test_training_mode() -> None:
    module = mobile(dropout=0.5)
    network = to_torch(module)
    x = torch.randn(8, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    assert network.training
    before = network.stem.batch_norm.running_mean.clone()  # type: ignore[union-attr, operator]
    with torch.random.fork_rng():
        assert not torch.equal(network(x), network(x)), "dropout drops in training"
    assert not torch.equal(network.stem.batch_norm.running_mean, before)  # type: ignore[union-attr]
    network.eval()
    before = network.stem.batch_norm.running_mean.clone()  # type: ignore[union-attr, operator]
    assert torch.equal(network(x), network(x))
    assert torch.equal(network.stem.batch_norm.running_mean, before)  # type: ignore[union-attr]


@pytest.mark.parametrize("make", [mobile, branches])
def test_gradients_reach_every_parameter(make: object) -> None:
    module = make()  # type: ignore[operator]
    network = to_torch(module, lively(module))
    result = network(*map(torch.from_numpy, images(module)))
    results = result if isinstance(result, tuple) else (result,)
    sum((r * torch.randn_like(r)).sum() for r in results).backward()  # type: ignore[union-attr]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_deep_copies_are_independent() -> None:
    network = to_torch(mobile()).eval()
    twin = copy.deepcopy(network)
    x = torch.ones(1, 1, 12, 12)
    assert torch.equal(network(x), twin(x))
    with torch.no_grad():
        twin.linear.bias.add_(1)  # type: ignore[union-attr, operator]
    assert not torch.equal(network(x), twin(x))


def test_channels_last() -> None:
    module = mobile()
    network = to_torch(module, lively(module)).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    x = torch.from_numpy(images(module)[0]).contiguous(memory_format=torch.channels_last)
    h = network.stem(x)
    assert h.is_contiguous(memory_format=torch.channels_last)
    expected = run(module, lively(module), images(module))
    assert error(outputs(network, images(module)), expected) < 1e-5


def test_autocast() -> None:
    module = mobile()
    network = to_torch(module, lively(module)).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = network(torch.from_numpy(images(module)[0]))
    assert result.dtype == torch.bfloat16
    assert error([result.detach().float().numpy()], run(module, lively(module), images(module))) < 0.1


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_export_with_a_free_batch(name: str) -> None:
    module = NETWORKS[name]()
    weights = lively(module)
    examples = tuple(torch.from_numpy(x) for x in images(module, batch=2))
    shapes = tuple({0: torch.export.Dim("batch")} for _ in examples)
    program = torch.export.export(to_torch(module, weights).eval(), examples, dynamic_shapes=shapes)
    assert error(outputs(program.module(), images(module, 5)), run(module, weights, images(module, 5))) < 1e-5


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_compile_sees_one_graph(name: str) -> None:
    module = NETWORKS[name]()
    weights = lively(module)
    compiled = torch.compile(to_torch(module, weights).eval(), backend="eager", fullgraph=True)
    assert error(outputs(compiled, images(module)), run(module, weights, images(module))) < 1e-5
    assert list(weights_of(compiled)) == list(weights)


class TestPlacesOfWeights:
    """Paths that are awkward as attributes, and calls that cannot be sub-modules."""

    def check(self, module: Module) -> torch.nn.Module:
        weights = lively(module)
        network = to_torch(module, weights).eval()
        assert set(network.state_dict()) == set(weight_specs(module))
        assert error(outputs(network, images(module)), run(module, weights, images(module))) < 1e-5
        assert error(outputs(copy.deepcopy(network), images(module)), outputs(network, images(module))) == 0
        return network

    @pytest.mark.parametrize(
        "path",
        [
            "type",
            "half",
            "forward",
            "lambda",
            "a-b",
            "0",
            "3.x",
            "stage.2.conv",
            "keys",
            "a.keys.b",
            "self",
        ],
    )
    def test_awkward_paths(self, path: str) -> None:
        b = FunctionBuilder("net", "network")
        x = b.op("linear", [b.input(TensorType((3,)))], {"out": 4, "param": path})
        f = b.finish([b.op("linear", [x], {"out": 2, "param": "last"})])
        self.check(Module("net", {f.name: f}))

    def layer(self, name: str, param: str, size: int = 3) -> tuple[Module, FunctionBuilder, Value]:
        c = FunctionBuilder(name, "block")
        callee = c.finish([c.op("linear", [c.input(TensorType((size,)))], {"out": 3, "param": param})])
        b = FunctionBuilder("net", "network")
        return Module("net", {name: callee}), b, b.input(TensorType((3,)), "x")

    def finish(self, module: Module, b: FunctionBuilder, y: Value) -> Module:
        return module.with_functions([*module.functions.values(), b.finish([y])])

    def test_calls_without_a_path_are_written_out(self) -> None:
        module, b, x = self.layer("block", "inner")
        (y,) = b.call(module.functions["block"], [x], "")
        network = self.check(self.finish(module, b, b.op("linear", [y], {"out": 3, "param": "outer"})))
        assert set(network._modules) == {"inner", "outer"}

    def test_weights_without_a_path_below_their_call(self) -> None:
        module, b, x = self.layer("block", "")
        (y,) = b.call(module.functions["block"], [x], "path.to")
        network = self.check(self.finish(module, b, y))
        assert list(network.state_dict()) == ["path.to.weight", "path.to.bias"]

    def test_a_call_beside_a_weight_below_its_path(self) -> None:
        module, b, x = self.layer("block", "inner")
        (y,) = b.call(module.functions["block"], [x], "here")
        self.check(self.finish(module, b, b.op("linear", [y], {"out": 3, "param": "here.too"})))

    def test_two_callees_at_one_path_share_what_they_have_in_common(self) -> None:
        functions = []
        for name in ("one", "two"):
            c = FunctionBuilder(name, "block")
            h = c.op("linear", [c.input(TensorType((3,)))], {"out": 3, "param": "common"})
            functions.append(c.finish([c.op("relu" if name == "one" else "tanh", [h])]))
        b = FunctionBuilder("net", "network")
        (y,) = b.call(functions[0], [b.input(TensorType((3,)))], "here")
        f = b.finish(b.call(functions[1], [y], "here"))
        network = self.check(Module("net", {g.name: g for g in [*functions, f]}))
        assert list(network.state_dict()) == ["here.common.weight", "here.common.bias"]

    def test_different_layers_with_the_same_weights_are_refused(self) -> None:
        b = FunctionBuilder("net", "network")
        x = b.input(TensorType((4, 8, 8)))
        common = {"out": 4, "kernel": 3, "pad": 1, "param": "same"}
        x = b.op("conv2d", [x], common)
        f = b.finish([b.op("conv2d", [x], {**common, "stride": 2})])
        with pytest.raises(UserError, match="shares weights between equal layers only"):
            to_torch(Module("net", {f.name: f}))

    def test_weights_without_any_path_are_refused(self) -> None:
        b = FunctionBuilder("net", "network")
        f = b.finish([b.op("linear", [b.input(TensorType((3,)))], {"out": 3, "param": ""})])
        with pytest.raises(UserError, match="have no path"):
            to_torch(Module("net", {f.name: f}))

    @pytest.mark.parametrize("path", ["training", "stage.training.conv"])
    def test_the_one_name_that_torch_needs_is_refused(self, path: str) -> None:
        b = FunctionBuilder("net", "network")
        f = b.finish([b.op("linear", [b.input(TensorType((3,)))], {"out": 3, "param": path})])
        with pytest.raises(UserError, match=f"'{path}': PyTorch keeps 'training' for itself"):
            to_torch(Module("net", {f.name: f}))

    def test_weights_inside_a_layer_are_refused(self) -> None:
        b = FunctionBuilder("net", "network")
        x = b.op("linear", [b.input(TensorType((3,)))], {"out": 3, "param": "a"})
        f = b.finish([b.op("linear", [x], {"out": 3, "param": "a.b"})])
        with pytest.raises(UserError, match="live inside the layer 'a'"):
            to_torch(Module("net", {f.name: f}))

    def test_functions_without_weights_have_no_class(self) -> None:
        c = FunctionBuilder("shape", "op")
        callee = c.finish([c.op("relu", [c.input(TensorType((3,)), "x")])])
        b = FunctionBuilder("net", "network")
        (y,) = b.call(callee, [b.input(TensorType((3,)), "x")], "shape")
        (y,) = b.call(callee, [y], "shape_1")
        module = Module("net", {"shape": callee, "net": b.finish([y, y])})
        self.check(module)
        assert python_source(module).count("class ") == 1

    def test_names_of_values(self) -> None:
        b = FunctionBuilder("net", "network")
        x = b.input(TensorType((3,)), "self")
        y = b.op("relu", [x], names=("class",))
        z = b.op("add", [y, x], names=("torch",))
        w = b.op("mul", [z, y], names=("a b",))
        f = b.finish([w, b.op("add", [w, x], names=("x",)), x])
        self.check(Module("net", {f.name: f}))


def test_names_of_functions() -> None:
    b = FunctionBuilder("net", "network")
    x = b.input(TensorType((3,)), "x")
    functions = []
    for name in ("linear", "Linear", "nn", "tensor", "3d", "a.b c"):
        c = FunctionBuilder(name, "block")
        functions.append(
            c.finish([c.op("linear", [c.input(TensorType((3,)))], {"out": 3, "param": "layer"})])
        )
        (x,) = b.call(functions[-1], [x], f"call_{len(functions)}")
    module = Module("net", {f.name: f for f in [*functions, b.finish([x])]})
    weights = lively(module)
    assert (
        error(outputs(to_torch(module, weights), images(module)), run(module, weights, images(module))) < 1e-5
    )


def test_open_spaces_and_other_weights_are_refused() -> None:
    with pytest.raises(UserError, match="1 open decisions"):
        to_torch(two_armed_space()[0])
    weights = initialise(mobile())
    del weights["linear.bias"]
    with pytest.raises(UserError, match=r"no 'linear\.bias'"):
        to_torch(mobile(), weights)


def test_without_torch_the_backend_says_what_to_install() -> None:
    code = """
import sys
sys.modules["torch"] = None
import drawloom.backends as backends
try:
    backends.load_backend("torch")
except backends.weights.UserError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == 'the torch backend needs PyTorch (pip install "drawloom[torch]")', (
        done.stderr
    )


def test_backends_are_imported_without_frameworks() -> None:
    code = "import sys, drawloom.backends; print([m for m in ('torch', 'tvm', 'onnx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
