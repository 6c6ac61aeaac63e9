"""Small networks built by hand, for tests of backends."""

from drawloom.ir import Decision, Function, FunctionBuilder, Module, TensorType, Value, index_of


def conv_bn(
    functions: dict[str, Function], x: TensorType, out: int, kernel: int, stride: int, groups: int
) -> Function:
    """An `op`: convolution, batch normalisation, relu6; made once for each signature."""
    name = f"conv_bn_{x.shape[0]}_{x.shape[1]}_{out}_{kernel}_{stride}_{groups}"
    if name not in functions:
        b = FunctionBuilder(name, "op")
        h = b.op(
            "conv2d",
            [b.input(x, "x")],
            {
                "out": out,
                "kernel": kernel,
                "stride": stride,
                "pad": kernel // 2,
                "groups": groups,
                "param": "conv",
            },
        )
        h = b.op("relu6", [b.op("batch_norm", [h], {"param": "batch_norm"})])
        functions[name] = b.finish(
            [h], arguments={"out": out, "k": kernel, "s": stride}, definition="conv_bn"
        )
    return functions[name]


def inverted_residual(functions: dict[str, Function], x: TensorType, out: int, stride: int) -> Function:
    """A `block` with squeeze-and-excite and, where shapes allow, a shortcut."""
    name = f"inverted_residual_{x.shape[0]}_{x.shape[1]}_{out}_{stride}"
    if name in functions:
        return functions[name]
    b = FunctionBuilder(name, "block")
    image = b.input(x, "x")
    mid = 2 * x.shape[0]

    def call(h: Value, width: int, kernel: int, stride: int, groups: int, path: str) -> Value:
        return b.call(conv_bn(functions, h.type, width, kernel, stride, groups), [h], path)[0]

    h = call(image, mid, 1, 1, 1, "expand")
    h = call(h, mid, 3, stride, mid, "depthwise")
    gate = b.op("global_avg_pool", [h], {"keep": True})
    gate = b.op("relu", [b.op("conv2d", [gate], {"out": 4, "kernel": 1, "bias": True, "param": "squeeze"})])
    gate = b.op(
        "hsigmoid", [b.op("conv2d", [gate], {"out": mid, "kernel": 1, "bias": True, "param": "excite"})]
    )
    h = call(b.op("mul", [h, gate]), out, 1, 1, 1, "project")
    h = b.op("add", [image, h]) if stride == 1 and out == x.shape[0] else h
    functions[name] = b.finish([h], arguments={"out": out, "s": stride}, definition="inverted_residual")
    return functions[name]


def mobile(size: int = 12, classes: int = 10, dropout: float = 0.0) -> Module:
    """A mobile network of three inverted residuals for images f32[1, size, size]."""
    functions: dict[str, Function] = {}
    b = FunctionBuilder("mobile", "network")
    x = b.input(TensorType((1, size, size)), "image")
    (x,) = b.call(conv_bn(functions, x.type, 8, 3, 2, 1), [x], "stem")
    for stage, (out, stride, depth) in enumerate([(8, 1, 1), (12, 2, 2)]):
        for layer in range(depth):
            block = inverted_residual(functions, x.type, out, stride if layer == 0 else 1)
            (x,) = b.call(block, [x], f"stage.{stage}.layer.{layer}.inverted_residual")
    x = b.op("global_avg_pool", [x])
    x = b.op("dropout", [x], {"rate": dropout}) if dropout else x
    entry = b.finish([b.op("linear", [x], {"out": classes, "param": "linear"})])
    return Module("mobile", {f.name: f for f in [*functions.values(), entry]})


def branches() -> Module:
    """A network with two inputs and two outputs, of concatenations, pools, shuffles, slices and sums."""
    b = FunctionBuilder("branches", "network")
    x, y = b.input(TensorType((4, 8, 8)), "left"), b.input(TensorType((4, 8, 8)), "right")
    pooled = b.op("max_pool", [x], {"kernel": 3, "stride": 2, "pad": 1})
    mean = b.op("avg_pool", [y], {"kernel": 3, "stride": 2, "pad": 1})
    none = b.op("zeros_like", [x], {"stride": 2})
    joined = b.op("concat", [pooled, mean, none], presence=[True, True, True])
    joined = b.op("channel_shuffle", [joined], {"groups": 3})
    half = b.op("slice", [joined], {"axis": 0, "begin": 3, "end": 9})
    half = b.op("swish", [b.op("conv2d", [half], {"out": 4, "kernel": 3, "pad": 1, "param": "mix"})])
    both = b.op("sum", [pooled, mean, half, none], presence=[True, False, True, True])
    large = b.op("resize", [both], {"height": 8, "width": 8, "mode": "bilinear"})
    image = b.op("add", [b.op("tanh", [large]), b.op("identity", [x])])
    flat = b.op("linear", [b.op("flatten", [both])], {"out": 6, "param": "head"})
    entry = b.finish([image, b.op("softmax", [flat])])
    return Module("branches", {entry.name: entry})


def cells() -> Module:
    """Three calls of one cell with two results: two share their weights, one has its own."""
    c = FunctionBuilder("cell", "cell")
    s0, s1 = c.input(TensorType((4, 6, 6)), "s0"), c.input(TensorType((4, 6, 6)), "s1")
    h = c.op("conv2d", [c.op("relu", [s0])], {"out": 4, "kernel": 3, "pad": 1, "param": "edge.0.conv"})
    cell = c.finish([s1, c.op("add", [h, s1])])
    b = FunctionBuilder("cells", "network")
    x = b.input(TensorType((4, 6, 6)), "x")
    p, q = b.call(cell, [x, x], "shared")
    p, q = b.call(cell, [p, q], "shared")
    p, q = b.call(cell, [p, q], "own")
    entry = b.finish([b.op("linear", [b.op("global_avg_pool", [q])], {"out": 3, "param": "linear"})])
    return Module("cells", {"cell": cell, "cells": entry})


def two_armed_space() -> tuple[Module, dict[str, Module]]:
    """A space of one choice between a convolution and a pooling, and its two networks by value."""
    arm = Decision("arm", ("conv", "pool"))

    def build(arms: tuple[str, ...]) -> Function:
        b = FunctionBuilder("two_armed", "network")
        x = b.input(TensorType((4, 6, 6)), "x")
        made = {
            "conv": lambda: b.op("conv2d", [x], {"out": 4, "kernel": 3, "pad": 1, "param": "conv"}),
            "pool": lambda: b.op("max_pool", [x], {"kernel": 3, "pad": 1}),
        }
        y = b.choice([made[name]() for name in arms], index_of(arm) if len(arms) > 1 else 0)
        return b.finish([b.op("global_avg_pool", [y])])

    space = Module("two_armed", {"two_armed": build(arm.domain)}, {"arm": arm})  # type: ignore[arg-type]
    return space, {str(v): Module("two_armed", {"two_armed": build((str(v),))}) for v in arm.domain}


def auxiliaries() -> Module:
    """A network for f32[1, 8, 8] with drop paths and two auxiliary heads, one of them inside a block."""
    h = FunctionBuilder("head", "block")
    pooled = h.op("global_avg_pool", [h.input(TensorType((4, 8, 8)), "h")])
    scores = h.op("linear", [h.op("dropout", [pooled], {"rate": 0.5})], {"out": 3, "param": "linear"})
    head = h.finish([scores])
    s = FunctionBuilder("residual", "block")
    x = s.input(TensorType((4, 8, 8)), "x")
    y = s.op("conv2d", [s.op("relu", [x])], {"out": 4, "kernel": 3, "pad": 1, "param": "conv"})
    residual = s.finish([s.op("add", [x, s.op("drop_path", [y], {"rate": 0.25})])])
    t = FunctionBuilder("trunk", "block")
    x = t.input(TensorType((4, 8, 8)), "x")
    (y,) = t.call(residual, [x], "residual")
    (scores,) = t.call(head, [y], "early")
    trunk = t.finish([t.op("tanh", [t.op("auxiliary", [y, scores], {"weight": 0.3})])])
    b = FunctionBuilder("auxiliaries", "network")
    x = b.op("conv2d", [b.input(TensorType((1, 8, 8)), "image")], {"out": 4, "kernel": 1, "param": "stem"})
    x = b.op("drop_path", [x], {"rate": 0.125})
    (x,) = b.call(trunk, [x], "trunk")
    (scores,) = b.call(head, [x], "late")
    x = b.op("auxiliary", [x, scores])
    x = b.op("drop_path", [x], {"rate": 0.5})
    entry = b.finish([b.op("linear", [b.op("global_avg_pool", [x])], {"out": 3, "param": "linear"})])
    return Module("auxiliaries", {f.name: f for f in [head, residual, trunk, entry]})


NETWORKS = {"mobile": mobile, "branches": branches, "cells": cells, "auxiliaries": auxiliaries}
"""The resolved networks by name."""
