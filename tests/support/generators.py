"""Hypothesis strategies for modules: random networks and search spaces made of real operations.

`modules()` draws valid modules (spaces unless `resolved=True`), `assignments(module)` full assignments.
Every module passes the verifier by construction, its weights have unique paths but for deliberate
sharing, and its images are small, so that the reference can run what is drawn.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from drawloom.ir import (
    Constraint,
    Decision,
    DType,
    Function,
    FunctionBuilder,
    Module,
    TensorType,
    Value,
    index_of,
    metric,
    value_of,
)
from drawloom.ir.expression import apply, where
from drawloom.ir.printer import subset_domain
from drawloom.ir.weight_paths import join_path

Draw = Callable[[st.SearchStrategy[Any]], Any]

IMAGES = (TensorType((4, 8, 8)), TensorType((2, 6, 6)), TensorType((8, 4, 4)))
"""Types of function inputs."""

NAMES = st.sampled_from(["x", "h", "y", "", "", "skip", "x_1", "3", "a b"])
"""Hints for values: clashing, missing, odd."""


def assignments(module: Module) -> st.SearchStrategy[dict[str, Any]]:
    """Full assignments of a module."""
    return st.fixed_dictionaries({name: st.sampled_from(d.domain) for name, d in module.decisions.items()})


@st.composite
def modules(
    draw: Draw,
    resolved: bool = False,
    max_functions: int = 3,
    max_operations: int = 8,
    sharing: bool = False,
) -> Module:
    """A valid module; without decisions if `resolved`; if `sharing`, calls have weights in common."""
    generator = _Generator(draw, resolved, max_operations, sharing)
    return generator.module(draw(st.integers(int(sharing), max_functions - 1)))


class _Generator:
    def __init__(self, draw: Draw, resolved: bool, max_operations: int, sharing: bool) -> None:
        self.draw = draw
        self.resolved = resolved
        self.max_operations = max_operations
        self.sharing = sharing
        self.decisions: dict[str, Decision] = {}
        self.functions: dict[str, Function] = {}

    def module(self, helpers: int) -> Module:
        for number in range(helpers):
            kind = self.draw(st.sampled_from(["op", "block", "cell"]))
            self.function(f"{kind}_{number}", kind)
        self.function("main", "network")
        constraints: tuple[Constraint, ...] = ()
        if not self.resolved and self.draw(st.booleans()):
            constraints = (Constraint(apply("<=", metric("parameters"), 5000), 'too "large"'),)
        return Module("generated", self.functions, self.decisions, constraints)

    def function(self, name: str, kind: str) -> None:
        builder = FunctionBuilder(name, kind)
        pool = [builder.input(IMAGES[0], "image")]
        if self.draw(st.booleans()):
            pool.append(builder.input(self.draw(st.sampled_from(IMAGES)), self.draw(NAMES)))
        for number in range(self.draw(st.integers(1, self.max_operations))):
            step = self.draw(st.sampled_from(_SHARING if self.sharing else _STEPS))
            pool += step(self, builder, pool, f"{step.__name__}{number}")
        outputs = pool[-self.draw(st.integers(1, 6 if self.sharing else 2)) :]
        arguments = self.draw(st.sampled_from([{}, {"out": 8}, {"k": (1, 0.5, "a"), "s": True, "f": None}]))
        definition = self.draw(st.sampled_from([name, "thing"]))
        self.functions[name] = builder.finish(outputs, arguments=arguments, definition=definition)

    # decisions

    def decision(self, name: str, domain: tuple[Any, ...], labels: tuple[str, ...] = ()) -> Decision:
        path = f"{name}.node[{len(self.decisions)}].{self.draw(st.sampled_from(['op', 'kernel']))}"
        self.decisions[path] = Decision(path, domain, labels)
        return self.decisions[path]

    def number(self, options: tuple[int, ...]) -> Any:
        """One of some numbers: a literal, or an expression over a new or an old decision."""
        if self.resolved or self.draw(st.booleans()):
            return self.draw(st.sampled_from(options))
        old = [d for d in self.decisions.values() if d.domain == options]
        decision = self.draw(st.sampled_from(old)) if old else self.decision("n", options)
        return value_of(decision)

    def selector(self, n: int) -> Any:
        """A position below n."""
        if self.resolved:
            return self.draw(st.integers(0, n - 1))
        return index_of(self.decision("c", tuple(f"arm{i}" for i in range(n))))

    def presences(self, n: int) -> list[Any]:
        """A condition for each of n list members, or none."""
        if self.resolved or n < 2 or self.draw(st.booleans()):
            return []
        low = self.draw(st.integers(0, n - 1))
        labels = tuple(f"m{i}" for i in range(n)) if self.draw(st.booleans()) else ()
        chosen = self.decision("s", subset_domain(low, n, n), labels)
        return [apply("has", value_of(chosen), i) for i in range(n)]


Step = Callable[[_Generator, FunctionBuilder, list[Value], str], list[Value]]


def _pick(g: _Generator, pool: list[Value], rank: int = 3) -> Value | None:
    fitting = [v for v in pool if v.type.rank == rank and v.type.dtype is DType.F32]
    return g.draw(st.sampled_from(fitting)) if fitting else None


def _alike(g: _Generator, pool: list[Value]) -> list[Value]:
    """One to three values of one type, repetition allowed."""
    first = g.draw(st.sampled_from(pool))
    same = [v for v in pool if v.type == first.type]
    return [first, *g.draw(st.lists(st.sampled_from(same), max_size=2))]


def conv(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    x = _pick(g, pool)
    if x is None:
        return []
    kernel = g.number((1, 3))
    out = g.number((4, 8))
    attributes = {
        "out": out,
        "kernel": kernel,
        "pad": kernel // 2,
        "bias": g.draw(st.booleans()),
        "param": name,
    }
    attributes["stride"] = g.draw(st.sampled_from([1, 2, (1, 2)]))
    results = [b.op("conv2d", [x], attributes, names=(g.draw(NAMES),))]
    again = _pick(g, [v for v in pool if v.type == x.type])
    if again is not None and g.draw(st.integers(0, 3)) == 0:
        # shared weights: the same operation with the same path, on the same or on another input
        results.append(b.op("conv2d", [again], attributes))
    return results


def norm(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    x = _pick(g, pool)
    return [] if x is None else [b.op("batch_norm", [x], {"param": f"{name}.norm"})]


def activation(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    op = g.draw(st.sampled_from(["relu", "relu6", "hswish", "sigmoid", "tanh", "identity", "zeros_like"]))
    return [b.op(op, [g.draw(st.sampled_from(pool))], names=(g.draw(NAMES),))]


def pooling(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    x = _pick(g, pool)
    op = g.draw(st.sampled_from(["max_pool", "avg_pool"]))
    return [] if x is None else [b.op(op, [x], {"kernel": 3, "stride": g.number((1, 2)), "pad": 1})]


def binary(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    values = _alike(g, pool)
    return [b.op(g.draw(st.sampled_from(["add", "mul"])), [values[0], values[-1]])]


def total(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    values = _alike(g, pool)
    return [b.op("sum", values, presence=g.presences(len(values)))]


def joined(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    values = _alike(g, [v for v in pool if v.type.static])
    presence = g.presences(len(values))
    if presence:
        presence[0] = True
    return [b.op("concat", values, presence=presence)]


def choice(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    values = [v for v in (_pick(g, pool) for _ in range(g.draw(st.integers(2, 3)))) if v is not None]
    if g.resolved or len(values) < 2:
        return []
    selector = g.selector(len(values))
    if g.draw(st.booleans()) and len(values) == 2:
        decision = g.decision("w", (True, False))
        selector = where(value_of(decision), selector, 1)
    return [b.op("choice", values, {"selector": selector}, names=(g.draw(NAMES),))]


def head(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    x = _pick(g, pool)
    if x is None:
        return []
    pooled = b.op("global_avg_pool", [x])
    return [pooled, b.op("linear", [pooled], {"out": g.number((5, 10)), "param": name})]


def training(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    x, other = g.draw(st.sampled_from(pool)), g.draw(st.sampled_from(pool))
    if g.draw(st.booleans()):
        return [b.op("auxiliary", [x, other], {"weight": 0.4})]
    return [b.op(g.draw(st.sampled_from(["dropout", "drop_path"])), [x], {"rate": 0.1})]


def call(g: _Generator, b: FunctionBuilder, pool: list[Value], name: str) -> list[Value]:
    if not g.functions:
        return []
    callee = g.draw(st.sampled_from(list(g.functions.values())))
    arguments = [next((v for v in reversed(pool) if v.type == wanted.type), None) for wanted in callee.inputs]
    if None in arguments:
        return []
    operands = [v for v in arguments if v is not None]
    results = list(b.call(callee, operands, param=f"{name}.layer.0"))
    if not g.draw(st.sampled_from([True] if g.sharing else [False, False, True])):
        return results
    again = g.draw(st.sampled_from([repeated, twin, inlined]))
    return results + again(g, b, callee, operands, f"{name}.layer.0")


def repeated(
    g: _Generator, b: FunctionBuilder, callee: Function, operands: list[Value], path: str
) -> list[Value]:
    """A second call with the weights of the first."""
    return list(b.call(callee, operands, param=path))


def twin(
    g: _Generator, b: FunctionBuilder, callee: Function, operands: list[Value], path: str
) -> list[Value]:
    """A call, with the weights of another, of another function, which may not need all of them."""
    other = FunctionBuilder(f"{callee.name}.{len(g.functions)}", callee.kind)
    inputs = [other.input(v.type, v.name) for v in callee.inputs]
    results = _copied(g, other, callee, inputs, "")
    some = g.draw(st.lists(st.sampled_from(results), min_size=1, max_size=2))
    g.functions[other.name] = other.finish(some, arguments=callee.arguments, definition=callee.definition)
    return list(b.call(g.functions[other.name], operands, param=path))


def inlined(
    g: _Generator, b: FunctionBuilder, callee: Function, operands: list[Value], path: str
) -> list[Value]:
    """What a call with the weights of another would compute, written out."""
    return _copied(g, b, callee, operands, path)


def _copied(
    g: _Generator, b: FunctionBuilder, callee: Function, operands: list[Value], path: str
) -> list[Value]:
    """Append the operations of a function below a path."""
    values = dict(zip(callee.inputs, operands, strict=True))
    for op in callee.operations:
        given = [values[v] for v in op.operands]
        param = join_path(path, op.param or "")
        if op.name == "call":
            results = b.call(g.functions[op.attributes["callee"]], given, param=param)
        else:
            attributes = {**op.attributes, "param": param} if "param" in op.attributes else op.attributes
            results = b.add(op.name, given, attributes, presence=op.presence).results
        values.update(zip(op.results, results, strict=True))
    return [values[v] for v in callee.outputs]


_STEPS: tuple[Step, ...] = (
    *(conv, norm, activation, pooling, binary, total, joined, choice, head),
    *(training, call),
)

_SHARING: tuple[Step, ...] = (conv, norm, head, total, choice, call, call, call)
