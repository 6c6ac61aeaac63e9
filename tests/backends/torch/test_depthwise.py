"""Depthwise convolutions trained by pieces: the same numbers as PyTorch's own, and no trace afterwards."""

import copy

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from drawloom.backends.torch.depthwise import is_large_depthwise, quick_depthwise  # noqa: E402

nn = torch.nn


@pytest.mark.parametrize("kernel", [5, 7, 9, (3, 5), (4, 6)])
@pytest.mark.parametrize(("stride", "dilation"), [(1, 1), (2, 1), (1, 2), ((2, 3), 1)])
def test_gradients_are_those_of_torch(kernel: object, stride: object, dilation: int) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(
        4, 4, kernel, stride=stride, padding=3, dilation=dilation, groups=4, bias=kernel == 5
    ).double()
    assert is_large_depthwise(plain)
    pieced = copy.deepcopy(plain)
    x = torch.randn(2, 4, 19, 16, dtype=torch.float64, requires_grad=True)
    y = torch.randn(2, 4, 19, 16, dtype=torch.float64, requires_grad=True)
    y.data.copy_(x.data)
    expected = plain(x)
    grad = torch.randn_like(expected)
    expected.backward(grad)
    with quick_depthwise(pieced):
        found = pieced(y)
        found.backward(grad)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(y.grad, x.grad, rtol=1e-12, atol=1e-12)
    for a, b in zip(pieced.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-12, atol=1e-12)


def test_only_large_depthwise_layers_are_taken_and_given_back() -> None:
    layers = {
        "large": nn.Conv2d(4, 4, 5, groups=4),
        "small": nn.Conv2d(4, 4, 3, groups=4),
        "narrow": nn.Conv2d(4, 4, (1, 7), groups=4),
        "dense": nn.Conv2d(4, 4, 5),
        "single": nn.Conv2d(1, 1, 5),
        "wider": nn.Conv2d(4, 8, 5, groups=4),
    }
    network = nn.ModuleDict(layers)
    with quick_depthwise(network):
        assert [name for name, layer in layers.items() if "forward" in vars(layer)] == ["large"]
    assert not any("forward" in vars(layer) for layer in layers.values())


def test_frozen_weights_and_inputs() -> None:
    layer = nn.Conv2d(4, 4, 5, groups=4)
    layer.weight.requires_grad_(False)
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    with quick_depthwise(layer):
        layer(x).sum().backward()
    assert layer.weight.grad is None
    assert x.grad is not None
