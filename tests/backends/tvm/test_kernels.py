"""Emitted kernels against NumPy in float64: odd sizes, all epilogues, every vector width of this machine."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tvm", reason="TVM is not installed")

from tvm_kernels import KernelLibrary, convolved, epilogue, epilogue_operands, error, pooled

from drawloom.backends.tvm import Target, find_target, target_entries
from drawloom.backends.tvm.emit_convolution import convolution_tiling
from drawloom.backends.tvm.packing import pack_convolution, pack_depthwise
from drawloom.backends.tvm.workload import (
    BIAS,
    Convolution,
    Depthwise,
    Elementwise,
    Fill,
    GlobalPool,
    Pool,
    Resize,
    Softmax,
    Step,
    Window,
    Workload,
    move,
)
from drawloom.ir import UserError

TOLERANCE = 3e-6
RELU, ADD, GATE = Step("relu"), Step("add", "full"), Step("mul", "gate")
SAME = Window((3, 3), padding=(1, 1, 1, 1))

CONVOLUTIONS = [
    Convolution(1, 7, 9, 3, 5, SAME, epilogue=(BIAS, Step("relu6"))),
    Convolution(
        2, 8, 5, 10, 19, Window((3, 5), (2, 1), (1, 2, 1, 2), (2, 1)), epilogue=(BIAS, Step("swish"), ADD)
    ),
    Convolution(1, 5, 6, 20, 37, epilogue=(BIAS, Step("sigmoid"), GATE)),
    Convolution(3, 5, 6, 20, 37, epilogue=(BIAS, Step("sigmoid"), GATE)),
    Convolution(1, 9, 8, 72, 24, Window((1, 1), (2, 2)), epilogue=(RELU,)),
    Convolution(2, 11, 23, 3, 20, Window((5, 5), (2, 2), (2, 2, 2, 2)), planar=True, epilogue=(BIAS,)),
    Convolution(1, 1, 1, 5, 3, SAME, epilogue=(BIAS, Step("tanh"))),
    Convolution(1, 6, 7, 20, 40, SAME, groups=4, epilogue=(BIAS, Step("hswish"))),
    Convolution(2, 6, 7, 6, 12, SAME, groups=6),
    Convolution(1, 30, 45, 16, 70, Window((3, 3), (1, 1), (2, 2, 2, 2), (2, 2)), epilogue=(BIAS,)),
    Convolution(1, 4, 90, 3, 16, Window((7, 7), (2, 2), (3, 3, 3, 3)), epilogue=(BIAS,)),
    Convolution(3, 1, 1, 37, 72, epilogue=(BIAS, Step("hsigmoid"))),
    Convolution(1, 1, 1, 300, 1001, epilogue=(BIAS,)),
    Convolution(1, 7, 7, 160, 200, epilogue=(BIAS, ADD)),
    Convolution(1, 14, 14, 64, 64, SAME, epilogue=(BIAS, RELU)),
]
WINDOWS = [
    Depthwise(2, 7, 9, 37, Window((3, 5), (2, 2), (1, 2, 2, 1), (2, 1)), (BIAS, Step("relu6"), ADD, GATE)),
    Depthwise(1, 28, 30, 24, SAME, (BIAS, Step("hswish"))),
    Depthwise(1, 1, 1, 5, SAME),
    Depthwise(1, 13, 9, 72, Window((7, 7), (2, 2), (3, 3, 3, 3)), (BIAS,)),
    Depthwise(1, 8, 5, 256, SAME, (BIAS, RELU)),
    Pool("max", 2, 9, 7, 19, Window((3, 2), (2, 1), (1, 1, 1, 1))),
    Pool("max", 1, 8, 8, 24, SAME, epilogue=(ADD,)),
    Pool("avg", 2, 9, 7, 19, Window((3, 2), (2, 1), (1, 1, 0, 1), (2, 1)), include_padding=True),
    Pool(
        "avg", 2, 9, 7, 19, Window((3, 2), (2, 1), (1, 1, 0, 1), (2, 1)), epilogue=(Step("mul", "channel"),)
    ),
    Pool("avg", 1, 6, 6, 16, Window((2, 2), (2, 2))),
]
OTHERS: list[Workload] = [
    *(Elementwise(2, 3, 5, 37, (Step(kind),)) for kind in ("hswish", "sigmoid", "swish", "tanh")),
    Elementwise(2, 3, 5, 37, (GATE, ADD, RELU, Step("mul", "channel"))),
    Elementwise(1, 1, 1, 3, (ADD,)),
    GlobalPool(2, 3, 5, 37, (RELU,)),
    Fill(1, 2, 3, 7),
    Softmax(2, 3, 5, 37),
    Softmax(1, 1, 1, 3),
    *(Resize(kind, 2, 3, 5, 20, size) for kind in ("nearest", "bilinear") for size in ((7, 6), (2, 3))),
]
MOVE = move((2, 5, 3, 4), (60, 12, 4, 1), (60, 1, 20, 5), (120, 120))
PART = move((6, 4), (7, 1), (9, 1), (42, 54), 2, 3)


@pytest.fixture(scope="module", params=list(target_entries()))
def target(request: pytest.FixtureRequest) -> Target:
    try:
        return find_target(request.param)
    except UserError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def library(target: Target, tmp_path_factory: pytest.TempPathFactory) -> KernelLibrary:
    workloads = [*CONVOLUTIONS, *WINDOWS, *OTHERS, MOVE, PART]
    return KernelLibrary(workloads, target, tmp_path_factory.mktemp("kernels"))


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def _input(w: Any, rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal((w.batch, w.height, w.width, w.channels)).astype(np.float32)


@pytest.mark.parametrize("w", CONVOLUTIONS, ids=str)
def test_convolution(
    w: Convolution, library: KernelLibrary, target: Target, rng: np.random.Generator
) -> None:
    x = _input(w, rng)
    weight = rng.standard_normal((w.out, w.channels // w.groups, *w.window.kernel)).astype(np.float32)
    weight /= np.sqrt(weight[0].size)
    packed = pack_convolution(weight, w.groups, convolution_tiling(w, target.machine).panels)
    operands = epilogue_operands(w, rng)
    found = library.run(w, [x.transpose(0, 3, 1, 2) if w.planar else x, packed, *operands])
    expected = epilogue(convolved(x, weight, w.window, w.groups), w.epilogue, operands)
    assert error(found, expected) < TOLERANCE


@pytest.mark.parametrize("w", WINDOWS, ids=str)
def test_window(w: Depthwise | Pool, library: KernelLibrary, rng: np.random.Generator) -> None:
    x = _input(w, rng)
    operands = epilogue_operands(w, rng)
    if isinstance(w, Depthwise):
        weight = rng.standard_normal((w.channels, 1, *w.window.kernel)).astype(np.float32)
        found = library.run(w, [x, pack_depthwise(weight), *operands])
        plain = convolved(x, weight, w.window, w.channels)
    else:
        found = library.run(w, [x, *operands])
        plain = pooled(x, w)
    assert error(found, epilogue(plain, w.epilogue, operands)) < TOLERANCE


@pytest.mark.parametrize("w", [w for w in OTHERS if isinstance(w, Elementwise)], ids=str)
def test_elementwise(w: Elementwise, library: KernelLibrary, rng: np.random.Generator) -> None:
    x, operands = 5 * _input(w, rng), epilogue_operands(w, rng)
    found = library.run(w, [x, *operands])
    expected = epilogue(x.astype(np.float64), w.epilogue, operands)
    # Each element by itself: small results must be as exact as large ones.
    np.testing.assert_allclose(found, expected, rtol=3e-6, atol=1e-30 if not w.operands else 1e-6)


def test_activations_saturate(library: KernelLibrary) -> None:
    w = next(w for w in OTHERS if isinstance(w, Elementwise) and w.epilogue == (Step("sigmoid"),))
    x = np.resize(np.array([-1e30, -200.0, -88.0, 88.0, 200.0, 1e30], np.float32), w.output)
    found = library.run(w, [x])
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found, (x > 0).astype(np.float32), atol=1e-30 + 1.3e-38)


def test_global_pool(library: KernelLibrary, rng: np.random.Generator) -> None:
    (w,) = (w for w in OTHERS if isinstance(w, GlobalPool))
    x = _input(w, rng)
    expected = np.maximum(x.astype(np.float64).mean(axis=(1, 2), keepdims=True), 0)
    assert error(library.run(w, [x]), expected) < TOLERANCE


def test_fill(library: KernelLibrary) -> None:
    (w,) = (w for w in OTHERS if isinstance(w, Fill))
    assert not library.run(w, []).any()


@pytest.mark.parametrize("w", [w for w in OTHERS if isinstance(w, Softmax)], ids=str)
def test_softmax(w: Softmax, library: KernelLibrary, rng: np.random.Generator) -> None:
    x = 20 * _input(w, rng)
    raised = np.exp(x.astype(np.float64) - x.max(axis=-1, keepdims=True))
    assert error(library.run(w, [x]), raised / raised.sum(axis=-1, keepdims=True)) < TOLERANCE


@pytest.mark.parametrize("w", [w for w in OTHERS if isinstance(w, Resize)], ids=str)
def test_resize(w: Resize, library: KernelLibrary, rng: np.random.Generator) -> None:
    x = _input(w, rng)
    rows, columns = (_sources(w.kind, s, t) for s, t in zip((w.height, w.width), w.size, strict=True))
    expected = np.einsum("ih,nhwc,jw->nijc", rows, x.astype(np.float64), columns)
    assert error(library.run(w, [x]), expected) < TOLERANCE


def _sources(kind: str, size: int, wanted: int) -> np.ndarray:
    """The share of each source row in each row of the result."""
    shares = np.zeros((wanted, size))
    for i in range(wanted):
        at = i * size / wanted if kind == "nearest" else max((i + 0.5) * size / wanted - 0.5, 0)
        low = int(at)
        share = 0.0 if kind == "nearest" else at - low
        shares[i, low] += 1 - share
        shares[i, min(low + 1, size - 1)] += share
    return shares


def test_transposition(library: KernelLibrary, rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 5, 3, 4)).astype(np.float32)
    assert (library.run(MOVE, [x]).ravel() == x.transpose(0, 2, 3, 1).ravel()).all()


def test_a_part_is_copied_and_the_rest_left_alone(library: KernelLibrary, rng: np.random.Generator) -> None:
    x = rng.standard_normal((6, 7)).astype(np.float32)
    found = library.run(PART, [x]).reshape(6, 9)
    assert (found[:, 3:7] == x[:, 2:6]).all()
    assert (found[:, :3] == 12345.0).all()
    assert (found[:, 7:] == 12345.0).all()
