"""Imports PyTorch modules through `torch.export`: sub-modules become functions."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from drawloom.ir import DType, Function, Module, TensorType, UserError, Value, print_function, verify

from .draft import Draft
from .entries import BROKEN, Array, Constant, Entry
from .names import checked_name, function_name
from .problems import NO_OPERATION, Problems, Unsupported
from .rules import apply
from .tensors import tensor

try:
    import torch
    from torch import fx, nn
    from torch.utils import _pytree as pytree
except ModuleNotFoundError as error:
    if error.name != "torch":
        raise
    raise UserError("importing PyTorch modules needs PyTorch", 'pip install "drawloom[torch]"') from None

from .torch_graph import Functional, kind_of, operands, place_of
from .torch_nodes import RULES, Node

_LAYERS = "torch.nn.modules."
"""Where PyTorch's own layers live: they become operations, not functions."""

_CONTAINERS = "torch.nn.modules.container."


def from_torch(
    module: nn.Module, example: torch.Tensor | Sequence[torch.Tensor], name: str | None = None
) -> tuple[Module, dict[str, Array]]:
    """The network that a PyTorch module is, and its weights.

    The module is exported for inference by `torch.export`, which runs its ``forward`` once without computing.
    Modules of PyTorch's own become operations, all others functions; modules of one class that do the same
    are one function. Weights are named as in the ``state_dict``.

    Args:
        module: the module; its mode (training or evaluation) is left as it is.
        example: its inputs, float32, the batch first and of the same size in all. Two or more samples tell a
            batch from a dimension that is one.
        name: what to call the network; the name of the class unless given.

    Returns:
        A resolved module and float32 arrays by full name.

    Raises:
        UnsupportedError: listing all operations that the IR cannot express.
        UserError: when inputs do not fit, or the module cannot be exported.
    """
    inputs = (example,) if isinstance(example, torch.Tensor) else tuple(example)
    batch = _batch(inputs)
    origin = type(module).__name__
    with _evaluating(module):
        try:
            program = torch.export.export(module, inputs)
        except Exception as error:  # it runs the forward of the user, which may raise anything
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise UserError(f"torch.export cannot export {origin}: {reason}") from error
    return _Importer(program, batch, origin).module(_snake(origin) if name is None else checked_name(name))


_TOKENS = (torch.int32, torch.int64)
"""Element types of tokens, which are i32 in the IR."""


def _batch(inputs: Sequence[Any]) -> int:
    for value in inputs:
        kinds = (torch.float32, *_TOKENS)
        if not isinstance(value, torch.Tensor) or value.dtype not in kinds or value.dim() < 2:
            told = f"{value.dtype} {list(value.shape)}" if isinstance(value, torch.Tensor) else repr(value)
            raise UserError(f"example inputs are float32 tensors or tokens with the batch first, got {told}")
    sizes = {len(value) for value in inputs}
    if len(sizes) != 1:
        raise UserError(f"example inputs have one batch size, got {sorted(sizes) or 'no inputs'}")
    return int(sizes.pop())


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards for each module the mode that it had."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for part, mode in modes.items():
            part.training = mode


def _snake(name: str) -> str:
    """A class name in snake case."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return function_name(words.lower())


@dataclass(slots=True)
class _Region:
    """The operations of one call of a module.

    Attributes:
        path: of the module.
        kind: its class, with the Python module.
        items: operations, and calls of sub-modules.
    """

    path: str
    kind: str
    items: list[fx.Node | _Region] = field(default_factory=list)

    def nodes(self) -> Iterator[fx.Node]:
        """All operations, those of sub-modules included."""
        for item in self.items:
            if isinstance(item, fx.Node):
                yield item
            else:
                yield from item.nodes()

    @property
    def name(self) -> str:
        """What to call the function: the class or, for a container, the attribute that holds it."""
        attribute = next((part for part in reversed(self.path.split(".")) if not part.isdigit()), "")
        if self.kind.startswith(_CONTAINERS) and attribute:
            return function_name(attribute)
        return _snake(self.kind.rpartition(".")[2])


def _frames(node: fx.Node) -> list[tuple[str, str, str]]:
    """The calls of modules around an operation but the outermost: a key of the call, path and class."""
    stack = list((node.meta.get("nn_module_stack") or {}).items())[1:]
    frames = [(key, path, kind if isinstance(kind, str) else _qualified(kind)) for key, (path, kind) in stack]
    return [f for f in frames if not f[2].startswith(_LAYERS) or f[2].startswith(_CONTAINERS)]


def _qualified(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _regions(nodes: Sequence[fx.Node], kind: str) -> _Region:
    """Operations by the calls of modules that they belong to."""
    root = _Region("", kind)
    open_calls: list[tuple[str, _Region]] = [("", root)]
    for node in nodes:
        frames = _frames(node)
        depth = 1
        while (
            depth <= len(frames) and depth < len(open_calls) and open_calls[depth][0] == frames[depth - 1][0]
        ):
            depth += 1
        del open_calls[depth:]
        for key, path, name in frames[depth - 1 :]:
            region = _Region(path, name)
            open_calls[-1][1].items.append(region)
            open_calls.append((key, region))
        open_calls[-1][1].items.append(node)
    return root


class _Importer:
    """Reads one exported program."""

    def __init__(self, program: torch.export.ExportedProgram, batch: int, origin: str) -> None:
        self.program = program
        self.batch = batch
        self.origin = origin
        self.problems = Problems()
        self.graph = Functional(program.graph, self.problems)
        self.functions: dict[str, Function] = {}
        self.names: dict[tuple[str, str], str] = {}
        self.weights: dict[str, Array] = {}
        self.constants = _constants(program)

    def module(self, name: str) -> tuple[Module, dict[str, Array]]:
        """The module and its weights."""
        root = _regions(self.graph.living, self.origin)
        draft = Draft("network", self.batch)
        known: dict[fx.Node, Entry] = dict(self.constants)
        for node in self.program.graph.nodes:
            if node.op == "placeholder" and node not in known:
                self.bind(draft, known, node, draft.input(_type(node), node.name))
        self.functions[name] = draft.finish([], name)  # keeps the name from others
        self.build(root, draft, known)
        outputs = [self.output(draft, known.get(node), "the result") for node in self.graph.outputs]
        self.problems.raise_if_any(self.origin)
        del self.functions[name]
        entry = draft.finish(outputs, name)
        module = Module(name, {**self.functions, name: entry})
        verify(module)
        return module, {**self.weights, **draft.weights()}

    def bind(self, draft: Draft, known: dict[fx.Node, Entry], node: fx.Node, entry: Any) -> None:
        """Enter what an operation gave."""
        known[node] = entry
        if isinstance(entry, Value):
            draft.uses[entry] += self.graph.readers[node]

    def output(self, draft: Draft, entry: Any, place: str) -> Value:
        """An entry as a tensor that a function takes or gives."""
        return self.problems.attempt("tensor", place, lambda: tensor(draft, entry), Value(TensorType((1,))))

    def build(self, region: _Region, draft: Draft, known: dict[fx.Node, Entry]) -> None:
        """Append the operations of a call to a function."""
        for item in region.items:
            if isinstance(item, fx.Node):
                self.bind(draft, known, item, self.read(item, draft, known))
            elif self.foreign_weights(item):
                self.build(item, draft, known)
            else:
                self.call(item, draft, known)

    def foreign_weights(self, region: _Region) -> bool:
        """Whether a call uses weights of other modules, so that its function could not name them."""
        read = (operand for node in region.nodes() for operand in operands(node))
        names = (self.constants[node].name for node in read if node in self.constants)
        return not all(name.startswith(f"{region.path}.") for name in names)

    def call(self, region: _Region, draft: Draft, known: dict[fx.Node, Entry]) -> None:
        """Append the call of a module: of the function of one that does the same, or of a new one."""
        nodes = dict.fromkeys(region.nodes())
        below, inner = Draft("block", self.batch, region.path), dict[fx.Node, Entry]()
        passed: dict[Value, Value] = {}
        for node in dict.fromkeys(operand for n in nodes for operand in operands(n)):
            if node in nodes:
                continue
            if isinstance(known[node], Constant):
                inner[node] = known[node]
                continue
            value = self.output(draft, known[node], region.path)
            if value not in passed:
                passed[value] = below.input(value.type)
            self.bind(below, inner, node, passed[value])
        self.build(region, below, inner)
        read_outside = [node for node in nodes if not self.graph.users[node] <= nodes.keys()]
        constants = {node: inner[node] for node in read_outside if isinstance(inner[node], Constant)}
        known.update(constants)
        results = {
            node: self.output(below, inner[node], region.path)
            for node in read_outside
            if node not in constants
        }
        if self.problems.found:  # there will be no module: only what follows is still to be looked at
            results = {node: Value(_type(node)) for node in results}
        else:
            results = self.results(region, draft, below, passed, results)
        for node, value in results.items():
            self.bind(draft, known, node, value)

    def results(
        self,
        region: _Region,
        draft: Draft,
        below: Draft,
        passed: Mapping[Value, Value],
        inner: Mapping[fx.Node, Value],
    ) -> dict[fx.Node, Value]:
        """What a call gives, appended to `draft`; an input that comes back unchanged is not passed."""
        outer = {inside: outside for outside, inside in passed.items()}
        outputs = [value for value in dict.fromkeys(inner.values()) if value not in outer]
        if outputs:
            function = self.function(region, below, outputs)
            outer.update(zip(outputs, draft.call(function, list(passed), region.path), strict=True))
            self.weights.update((f"{region.path}.{path}", array) for path, array in below.weights().items())
        return {node: outer[value] for node, value in inner.items()}

    def function(self, region: _Region, draft: Draft, outputs: Sequence[Value]) -> Function:
        """The function of a call: the one that is there for the same class and operations, or a new one."""
        key = (region.kind, print_function(draft.finish(outputs, "draft")))
        if key not in self.names:
            self.names[key] = _free(region.name, self.functions)
            self.functions[self.names[key]] = draft.finish(outputs, self.names[key])
        return self.functions[self.names[key]]

    def read(self, node: fx.Node, draft: Draft, known: Mapping[fx.Node, Entry]) -> Any:
        """What an operation gives; what it would give when it cannot be imported."""
        kind, place = kind_of(node), place_of(node)
        found = self.problems.attempt(kind, place, lambda: self.entry(node, draft, known, place), BROKEN)
        if found is not BROKEN:
            return found
        given = node.meta.get("val")
        return tuple(map(_value, given)) if isinstance(given, (list, tuple)) else _value(given)

    def entry(self, node: fx.Node, draft: Draft, known: Mapping[fx.Node, Entry], place: str) -> Any:
        """What an operation gives.

        Raises:
            Unsupported: when the IR cannot express it.
        """
        entries: Any = fx.map_arg((node.args, node.kwargs), known.__getitem__)  # type: ignore[arg-type]  # entries for nodes
        if node.target is operator.getitem:
            return _item(*entries[0])
        name = kind_of(node).removeprefix("aten.")
        if not isinstance(node.target, torch._ops.OpOverload):
            raise Unsupported(NO_OPERATION)
        if _is_constant(node.target, entries, name in RULES):
            return _computed(node.target, entries)
        if name not in RULES:
            raise Unsupported(NO_OPERATION)
        operand = next((a for a in node.args if isinstance(a, fx.Node)), None)
        found = Node(_bound(node.target, *entries), _shape(operand), _shape(node))
        step = RULES[name](found)
        return _checked(node, self.batch, apply(draft, step))


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name, with a number behind it when it is taken."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    return candidate


def _type(node: fx.Node) -> TensorType:
    """The type of what an operation gives, the batch left out."""
    given = node.meta["val"]
    dtype = DType.I32 if given.dtype in _TOKENS else DType.F32
    return TensorType(tuple(int(d) for d in given.shape[1:]), dtype)


def _value(given: Any) -> Value:
    """A tensor as an operation that cannot be imported would give it."""
    shape = given.shape[1:] if isinstance(given, torch.Tensor) else ()
    return Value(TensorType(tuple(int(d) for d in shape)))


def _shape(node: fx.Node | None) -> tuple[int, ...] | None:
    given = None if node is None else node.meta.get("val")
    return tuple(int(d) for d in given.shape) if isinstance(given, torch.Tensor) else None


def _checked(node: fx.Node, batch: int, entry: Any) -> Any:
    """An entry, held against what PyTorch says of the operation.

    Raises:
        Unsupported: when the batch does not stay first, or the result is not float32.
    """
    given = node.meta.get("val")
    if isinstance(given, torch.Tensor) and given.dtype != torch.float32:
        raise Unsupported(f"it gives {given.dtype}; Drawloom computes in float32")
    if isinstance(given, torch.Tensor) and isinstance(entry, Value):
        shape = list(given.shape)
        if shape != [batch, *entry.type.shape]:
            raise Unsupported(f"its result of shape {shape} is no batch of {entry.type}")
    return entry


def _constants(program: torch.export.ExportedProgram) -> dict[fx.Node, Constant]:
    """The parameters, buffers and other tensors of the module by their node."""
    arrays = {**program.constants, **program.state_dict}
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    return {
        nodes[spec.arg.name]: Constant(_array(arrays[spec.target]), spec.target)
        for spec in program.graph_signature.input_specs
        if spec.target in arrays
    }


def _array(value: torch.Tensor) -> Array:
    found: Array = value.detach().cpu().numpy()
    return found


def _item(entries: Any, index: int) -> Any:
    """One of several results; of an operation with one that matters, that one."""
    if isinstance(entries, tuple):
        return entries[index]
    if index != 0:
        raise Unsupported("the positions of the maxima are used")
    return entries


def _bound(
    target: torch._ops.OpOverload, arguments: Sequence[Any], options: Mapping[str, Any]
) -> dict[str, Any]:
    """All arguments of an operation by name."""
    bound = {}
    for position, parameter in enumerate(target._schema.arguments):
        default = parameter.default_value if parameter.has_default_value() else None
        given = arguments[position] if position < len(arguments) else default
        bound[parameter.name] = options.get(parameter.name, given)
    return bound


def _is_constant(target: torch._ops.OpOverload, entries: Any, has_rule: bool) -> bool:
    """Whether an operation is one on weights alone, or makes a constant from nothing and has no rule."""
    leaves = [leaf for leaf in pytree.tree_leaves(entries) if not isinstance(leaf, _PLAIN)]
    fixed = target.namespace == "aten" and torch.Tag.nondeterministic_seeded not in target.tags
    return fixed and all(isinstance(leaf, Constant) for leaf in leaves) and (bool(leaves) or not has_rule)


_PLAIN = (int, float, str, torch.dtype, torch.device, torch.layout, torch.memory_format, type(None))


def _computed(target: torch._ops.OpOverload, entries: Any) -> Constant:
    """The result of an operation on weights alone, which is a weight again."""
    leaves = pytree.tree_leaves(entries)
    arguments, options = pytree.tree_map(
        lambda leaf: torch.from_numpy(leaf.array) if isinstance(leaf, Constant) else leaf, entries
    )
    result = target(*arguments, **options)
    if not isinstance(result, torch.Tensor):
        raise Unsupported("it gives several constants")
    names = [leaf.name for leaf in leaves if isinstance(leaf, Constant)]
    return Constant(_array(result), names[0] if names else "")
