"""PyTorch modules as IR: the same outputs, the structure of the modules, and what is refused."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch_networks
from imported import check_outputs
from torch import Tensor, nn

from drawloom.frontend import from_torch
from drawloom.frontend.importers.problems import UnsupportedError
from drawloom.ir import Module, UserError
from drawloom.passes import network_cost


def outputs(module: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    with torch.no_grad():
        found = module(*inputs)
    return list(found) if isinstance(found, tuple) else [found]


def made_of(forward: Callable[[Tensor], Tensor]) -> nn.Module:
    """A module that computes a function."""

    class Made(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return forward(x)

    return Made()


def names(module: Module) -> list[str]:
    return [op.name for op in module.entry.operations]


@pytest.mark.parametrize("name", torch_networks.NETWORKS)
def test_computes_the_same_with_the_same_weights(name: str) -> None:
    original, inputs = torch_networks.made(name), torch_networks.inputs_of(name, batch=3)
    module, weights = from_torch(original, torch_networks.inputs_of(name, batch=2))

    check_outputs(module, weights, inputs, outputs(original, inputs))
    state = {k: v for k, v in original.state_dict().items() if not k.endswith("num_batches_tracked")}
    assert weights.keys() == state.keys()
    assert all(np.array_equal(weights[k], v) for k, v in state.items())
    assert network_cost(module).parameters == sum(p.numel() for p in original.parameters())


@pytest.mark.parametrize(
    ("forward", "kinds"),
    [
        (lambda x: torch.erf(torch.abs(x)), ["abs", "erf"]),
        (lambda x: torch.log(torch.sqrt(torch.exp(x))), ["exp", "sqrt", "log"]),
        (lambda x: torch.cos(torch.sin(x)), ["sin", "cos"]),
        (lambda x: torch.sinh(x) / torch.cosh(x), ["sinh", "cosh", "div"]),
        (lambda x: torch.arcsinh(torch.atan(x)), ["atan", "asinh"]),
        (lambda x: torch.sinc(F.softplus(x)), ["softplus", "affine", "sinc"]),
        (lambda x: torch.max(torch.minimum(x, x * x), torch.tanh(x)), ["mul", "minimum", "tanh", "maximum"]),
    ],
)
def test_functions_of_elements(forward: Callable[[Tensor], Tensor], kinds: list[str]) -> None:
    x = torch.linspace(-2, 2, 12).reshape(2, 6)
    module, weights = from_torch(made_of(forward), x)
    assert names(module) == kinds
    check_outputs(module, weights, [x], [forward(x)])


class Swish(nn.Module):
    """Swish with a beta for each channel, and a factor and a term after it."""

    def __init__(self) -> None:
        super().__init__()
        self.beta = nn.Parameter(torch.tensor([0.5, 1.5, 2.0]))
        self.gain = nn.Parameter(torch.tensor([[[2.0]], [[3.0]], [[4.0]]]))
        self.term = nn.Parameter(torch.tensor([[[0.1]], [[0.2]], [[0.3]]]))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.beta.view(-1, 1, 1) * x) * self.gain + self.term


def test_factors_and_terms_of_channels() -> None:
    original, x = Swish(), torch.randn(2, 3, 4, 4)
    module, weights = from_torch(original, x)
    assert names(module) == ["channel_affine", "sigmoid", "mul", "channel_affine"]
    assert [weights[name].tolist() for name in sorted(weights)] == [
        [0.5, 1.5, 2.0],
        pytest.approx([0.1, 0.2, 0.3]),
        [2.0, 3.0, 4.0],
    ]
    check_outputs(module, weights, [x], [original(x).detach()])


def test_tokens_are_looked_up() -> None:
    original = nn.Sequential(nn.Embedding(7, 4), nn.Linear(4, 3))
    tokens = torch.randint(7, (2, 5))
    module, weights = from_torch(original, tokens)
    assert names(module) == ["embedding", "linear"]
    assert weights.keys() == original.state_dict().keys()
    check_outputs(module, weights, [tokens], [original(tokens).detach()])


@pytest.mark.parametrize(
    "forward", [lambda x: x.float() * 2, lambda x: x / 2, lambda x: torch.cat([x, x], 1).to(torch.float32)]
)
def test_integers_are_for_look_ups_only(forward: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(UnsupportedError, match=r"computes with integers|it gives torch\.int64"):
        from_torch(made_of(forward), torch.randint(7, (2, 5)))


def test_modules_are_functions_and_equal_ones_are_one() -> None:
    module, _ = from_torch(torch_networks.made("res_net"), torch.randn(2, 3, 33, 33))
    assert list(module.functions) == [
        *("basic_block", "layer1", "downsample", "basic_block_2", "basic_block_3", "layer2"),
        *("downsample_2", "basic_block_4", "basic_block_5", "layer3", "res_net"),
    ]
    calls = [(op.attributes["callee"], op.param) for op in module.function("layer1").calls()]
    assert calls == [("basic_block", "0"), ("basic_block", "1")]
    assert {f.kind for f in module.functions.values()} == {"block", "network"}


def test_prices_are_those_by_hand() -> None:
    """By hand: a 3x3 convolution from 4 to 6 channels, 5x5 positions, and a linear layer."""
    original = nn.Sequential(nn.Conv2d(4, 6, 3), nn.Flatten(), nn.Linear(150, 2)).eval()
    module, _ = from_torch(original, torch.randn(2, 4, 7, 7))
    cost = network_cost(module)
    assert (cost.parameters, cost.multiply_adds) == (6 * 36 + 6 + 302, 6 * 36 * 25 + 300)


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = torch_networks.BasicBlock(4, 4)
        self.embedded = nn.Conv2d(4, 4, 1)
        self.other = Borrower(self.embedded)

    def forward(self, x: Tensor) -> Tensor:
        return self.other(self.block(self.block(self.embedded(x))))


class Borrower(nn.Module):
    def __init__(self, lent: nn.Conv2d) -> None:
        super().__init__()
        self.lent = [lent]

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(F.conv2d(x, self.lent[0].weight, self.lent[0].bias))


def test_shared_and_borrowed_weights_stay_one() -> None:
    torch.manual_seed(0)
    original, x = Shared().eval(), torch.randn(2, 4, 6, 6)
    module, weights = from_torch(original, x)
    assert [op.param for op in module.entry.calls()] == ["block", "block"]
    assert [op.param for op in module.entry.operations if op.name == "conv2d"] == ["embedded", "embedded"]
    check_outputs(module, weights, [x], outputs(original, (x,)))


def test_computed_weights_are_folded() -> None:
    torch.manual_seed(0)
    layer = nn.utils.parametrizations.weight_norm(nn.Linear(6, 3))
    original, x = nn.Sequential(layer, nn.ReLU()).eval(), torch.randn(2, 6)
    module, weights = from_torch(original, x)
    check_outputs(module, weights, [x], outputs(original, (x,)))


def test_arithmetic_with_numbers() -> None:
    class Numbers(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            scaled = (2 * x - 1) / 4 + x * 0.5
            return 1 - scaled - x + F.relu6(x + 3) * 2 - F.relu6(x - 3) / 6 + (-x)

    x = torch.randn(3, 4, 2) * 4
    module, weights = from_torch(Numbers(), x)
    check_outputs(module, weights, [x], outputs(Numbers(), (x,)))


def test_a_hard_swish_is_recognised_however_it_is_written() -> None:
    class Written(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (
                (x * F.relu6(x + 3) / 6) + (x * (F.relu6(x + 3) / 6)) + F.hardtanh(3 + x, 0, 6) * x * (1 / 6)
            )

    module, _ = from_torch(Written(), torch.randn(2, 4))
    assert names(module) == ["hswish", "hswish", "add", "hswish", "add"]


def test_a_shuffle_a_swish_and_a_global_mean_are_one_operation() -> None:
    class Written(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            n, c, h, w = x.shape
            x = x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)
            return torch.flatten(F.adaptive_avg_pool2d(torch.sigmoid(x) * x, 1), 1)

    module, _ = from_torch(Written(), torch.randn(2, 6, 4, 4))
    assert names(module) == ["channel_shuffle", "swish", "global_avg_pool"]
    assert module.entry.outputs[0].type.shape == (6,)


def test_a_border_goes_into_the_convolution_where_it_can() -> None:
    even = nn.Sequential(nn.ZeroPad2d(2), nn.Conv2d(3, 4, 5, padding=1))
    module, _ = from_torch(even, torch.randn(2, 3, 8, 8))
    assert names(module) == ["conv2d"]
    assert module.entry.operations[0].attributes["pad"] == (3, 3)


def test_a_window_that_begins_beyond_the_image_is_none() -> None:
    # Of 7 rows the third window would begin in the border behind them; of 5 columns too.
    original, x = nn.MaxPool2d(2, stride=(4, 3), padding=1, ceil_mode=True), torch.randn(2, 3, 7, 5)
    module, weights = from_torch(original, x)
    assert module.entry.outputs[0].type.shape == (3, 2, 2)
    check_outputs(module, weights, [x], outputs(original, (x,)))


def changed(x: Tensor) -> Tensor:
    y = x - 0.5
    before = torch.tanh(y)
    same = y.relu_()
    y.mul_(2)
    return before + same + torch.sigmoid(y)


def given_as_out(x: Tensor) -> Tensor:
    y = x - 0.5
    z = torch.tanh(y)
    torch.add(x, y, out=z)
    return z + x * 2 + torch.sigmoid(y)


def seen_through_views(x: Tensor) -> Tensor:
    y = x - 0.5
    first, second = y[:, :2], y[:, 2:4]
    before = torch.tanh(first) + second
    y.relu_()
    return before + y[:, 1:3]


@pytest.mark.parametrize("forward", [changed, given_as_out, seen_through_views])
def test_what_is_read_after_a_change_in_place_is_the_result(forward: Callable[[Tensor], Tensor]) -> None:
    x = torch.randn(3, 5)
    module, weights = from_torch(made_of(forward), x)
    check_outputs(module, weights, [x], [forward(x)])


def through_a_view(x: Tensor) -> Tensor:
    y = x + 1
    part = y[:, 1:3]
    part.relu_()
    return y


def view_read_later(x: Tensor) -> Tensor:
    y = x + 1
    part = y[:, 1:3]
    y.relu_()
    return part


def view_of_a_result(x: Tensor) -> Tensor:
    y = (x + 1).relu_()
    parts = y.split(2, 1)
    y.mul_(2)
    return parts[0] + parts[1]


def view_as_out(x: Tensor) -> Tensor:
    y = x + 1
    part = y[:, 1:3]
    torch.add(x[:, :2], 1, out=part)
    return y


@pytest.mark.parametrize("forward", [through_a_view, view_read_later, view_of_a_result, view_as_out])
def test_in_place_changes_of_views_are_refused(forward: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(UnsupportedError, match=r"aten\.\w+ \(\d\): it changes in place"):
        from_torch(made_of(forward), torch.randn(2, 4))


class Foreign(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.gelu(self.norm(x))
        return torch.cumsum(x, 1) + F.gelu(x)  # the line that is looked for


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.parts = nn.Sequential(nn.Linear(5, 5), Foreign())
        self.shifted = nn.Conv1d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.shifted(self.parts(x))


def test_everything_unsupported_is_listed_with_its_place() -> None:
    with pytest.raises(UnsupportedError) as caught:
        from_torch(Outer(), torch.randn(2, 4, 5))
    assert [p.kind.removeprefix("aten.") for p in caught.value.problems] == [
        *("layer_norm", "gelu", "cumsum", "gelu", "conv1d"),
    ]
    text = str(caught.value)
    line = (
        Path(__file__)
        .read_text()
        .splitlines()
        .index("        return torch.cumsum(x, 1) + F.gelu(x)  # the line that is looked for")
    )
    assert text.startswith("5 operations of Outer cannot be imported\n")
    assert "aten.gelu (2): the IR has no such operation" in text
    assert f"parts.1: {__file__}:{line + 1}: return torch.cumsum" in text
    assert "drawloom ops" in text


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (lambda x: x.mean(0, keepdim=True), "along the batch"),
        (lambda x: torch.cat([x, x], 0), "along the batch"),
        (lambda x: x.reshape(-1, 3), "keep the batch"),
        (lambda x: x.transpose(0, 1), "keep the batch first"),
        (lambda x: x[:1], "along the batch"),
        (lambda x: x.unsqueeze(0), "keep the batch"),
        (lambda x: x.flatten(0, 1), "keep the batch"),
        (lambda x: x.mean(), "the batch among them"),
        (lambda x: x.view(-1, 2, 3) * torch.arange(6.0).view(1, 2, 3), "several numbers"),
        (lambda x: x.clamp(-1, 1), "limits of -1 and 1"),
        (lambda x: x.argmax(1), "no such operation"),
        (lambda x: x.double(), "float64"),
        (lambda x: x @ x.transpose(0, 1), "computed by the network"),
        (lambda x: F.softplus(x, beta=2.0), "beta=2"),
        (lambda x: x / 0.0, "its divisor is zero"),
        (lambda x: F.pad(x, (1, 1), value=2.0), "a border that is not zero"),
    ],
)
def test_refused(forward: Callable[[Tensor], Tensor], message: str) -> None:
    with pytest.raises(UnsupportedError, match=re.escape(message)):
        from_torch(made_of(forward), torch.randn(2, 6))


def test_training_mode_is_left_as_it_was() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    module[1].eval()
    imported, _ = from_torch(module, torch.randn(2, 4))
    assert [part.training for part in module.modules()] == [True, True, False, True]
    assert names(imported) == ["linear", "batch_norm", "dropout"]
    assert imported.entry.operations[2].attributes["rate"] == 0.5


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (torch.randn(3), "float32 tensors or tokens with the batch first"),
        (torch.ones(2, 3, dtype=torch.bool), "torch.bool"),
        ((torch.randn(2, 3), torch.randn(4, 3)), "one batch size"),
        ((), "one batch size"),
    ],
)
def test_inputs_that_do_not_fit(example: object, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        from_torch(nn.Linear(3, 3), example)  # type: ignore[arg-type]


def test_a_module_that_cannot_be_exported() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(UserError, match=r"torch\.export cannot export Branching"):
        from_torch(Branching(), torch.randn(2, 3))


def test_the_front_end_imports_neither_library() -> None:
    probe = "import sys, drawloom.frontend.importers; print({'torch', 'onnx'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", probe], text=True).strip() == "set()"
