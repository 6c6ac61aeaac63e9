"""Imports ONNX files."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from drawloom.ir import DType, Module, TensorType, UserError, Value, verify

from .draft import Draft
from .entries import BROKEN, Array, Batch, Constant, Entry
from .folding import FOLDS, KEEPS_NAME, fold
from .names import checked_name, function_name
from .problems import NO_OPERATION, Problem, Problems, Unsupported
from .rules import apply
from .tensors import tensor

OLDEST_OPSET = 11
"""The oldest version of the operators that is understood (2019)."""

_DTYPES = {1: DType.F32, 6: DType.I32, 7: DType.I32}
"""What inputs of ONNX's float32, int32 and int64 are: tokens have 32 bits in the IR."""


def from_onnx(path: Path | str, name: str | None = None) -> tuple[Module, dict[str, Array]]:
    """The network in an ONNX file, and its weights.

    The graph becomes one function. Weights are named after initialisers where those are named like those of
    a ``state_dict``, else after nodes. The first dimension of inputs is the batch, open or of any size. Parts
    of the graph that are constant are computed.

    Args:
        path: the file; weights in files beside it are read too.
        name: what to call the network; the name of the file unless given.

    Returns:
        A resolved module and float32 arrays by full name.

    Raises:
        UnsupportedError: listing all nodes that the IR cannot express.
        UserError: when onnx is not installed, or the file is missing, corrupt, too old, or not for inference
            in float32.
    """
    path = Path(path)
    model = _read(path)
    reader = _GraphReader(model, _opset(model, path), str(path))
    return reader.module(checked_name(name) if name is not None else function_name(path.stem))


def _read(path: Path) -> Any:
    """The model in a file, checked, its weights loaded and its functions inlined."""
    if importlib.util.find_spec("onnx") is None:
        raise UserError("importing ONNX files needs onnx", 'pip install "drawloom[onnx]"')
    import onnx
    from google.protobuf.message import DecodeError
    from onnx.inliner import inline_local_functions

    if not path.is_file():
        raise UserError(f"no such file: '{path}'")
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise UserError(f"'{path}' is no ONNX file, or is cut off: {error}") from None
    if not model.HasField("graph") or not model.opset_import:
        raise UserError(f"'{path}' is no ONNX file: it holds no graph")
    _opset(model, path)
    _load_external(model, path)
    for value in model.graph.output:  # some programs leave out the shapes of outputs, which nobody needs
        value.type.tensor_type.shape.SetInParent()
    try:
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, ValueError) as error:
        raise UserError(f"'{path}' is no valid ONNX model: {' '.join(str(error).split())}") from None
    return inline_local_functions(model) if model.functions else model


def _opset(model: Any, path: Path) -> int:
    """The version of the standard operators.

    Raises:
        UserError: when it is too old.
    """
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    opset = max(versions, default=OLDEST_OPSET)
    if opset < OLDEST_OPSET:
        raise UserError(
            f"'{path}' uses version {opset} of the ONNX operators; {OLDEST_OPSET} and newer are understood",
            "convert it with onnx.version_converter.convert_version(model, 18)",
        )
    return int(opset)


def _load_external(model: Any, path: Path) -> None:
    """Read weights that lie in files beside the model, and nowhere else.

    Raises:
        UserError: when one would lie outside the model's folder, or cannot be read.
    """
    from onnx import TensorProto
    from onnx.external_data_helper import load_external_data_for_tensor

    folder = path.parent.resolve()
    for array in _tensors(model):
        if array.data_location != TensorProto.EXTERNAL:
            continue
        location = next((entry.value for entry in array.external_data if entry.key == "location"), "")
        target = (folder / location).resolve()
        if not location or Path(location).is_absolute() or not target.is_relative_to(folder):
            raise UserError(
                f"'{path}' takes the weights '{array.name}' from '{location}', outside its folder",
                "weights are read from the folder of the model only",
            )
        try:
            load_external_data_for_tensor(array, str(folder))
        except Exception as error:  # the library raises all kinds for a damaged file
            raise UserError(f"the weights '{array.name}' cannot be read from '{target}': {error}") from None
        array.data_location = TensorProto.DEFAULT
        del array.external_data[:]


def _tensors(model: Any) -> Iterable[Any]:
    """All arrays of a model: initialisers, and those in attributes of nodes."""
    yield from model.graph.initializer
    for node in (*model.graph.node, *(node for function in model.functions for node in function.node)):
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


class _GraphReader:
    """Reads one graph into a function."""

    def __init__(self, model: Any, opset: int, origin: str) -> None:
        self.model = model
        self.graph = graph = model.graph
        self.opset = opset
        self.origin = origin
        self.problems = Problems()
        self.inferred: dict[str, tuple[int, ...]] | None = None
        self.initializers = {array.name: array for array in graph.initializer}
        self.known: dict[str, Entry] = {"": None}
        inputs = [value for value in graph.input if value.name not in self.initializers]
        self.shapes = {value.name: self._shape(value) for value in inputs}
        self.dtypes = {value.name: _DTYPES[value.type.tensor_type.elem_type] for value in inputs}
        self.draft = Draft("network", self._batch())
        self.nodes = _living(graph)
        self.readers = Counter(name for _, node in self.nodes for name in node.input)
        self.readers.update(value.name for value in graph.output)

    def module(self, name: str) -> tuple[Module, dict[str, Array]]:
        """The module and its weights."""
        for input_name, shape in self.shapes.items():
            hint = input_name if re.fullmatch(r"[A-Za-z_]\w*", input_name, re.ASCII) else ""
            self.bind(input_name, self.draft.input(TensorType(shape[1:], self.dtypes[input_name]), hint))
        for index, node in self.nodes:
            self.read(index, node)
        outputs = [self._output(value.name) for value in self.graph.output]
        self.problems.raise_if_any(f"'{self.origin}'")
        if not outputs or not self.shapes:
            raise UserError(f"'{self.origin}' has no {'inputs' if outputs else 'outputs'}")
        function = self.draft.finish([v for v in outputs if isinstance(v, Value)], name)
        module = Module(name, {name: function})
        verify(module)
        return module, self.draft.weights()

    def bind(self, name: str, entry: Entry) -> None:
        """Enter what a name stands for."""
        self.known[name] = entry
        if isinstance(entry, Value):
            self.draft.uses[entry] += self.readers[name]

    def entry(self, name: str) -> Entry:
        """What a name stands for; initialisers are read when they are needed."""
        if name not in self.known:
            self.known[name] = Constant(_array(self.initializers[name]), name)
        return self.known[name]

    def read(self, index: int, proto: Any) -> None:
        """Append what a node is."""
        place = f"node {index}" + (f" '{proto.name}'" if proto.name else "")
        operands = [self.entry(name) for name in proto.input]
        self.draft.hint = _hint(proto)
        results = self.results(proto, place, operands)
        if results is BROKEN:
            results = tuple(map(self.guess, proto.output))
        given = results if isinstance(results, tuple) else (results,)
        for name, entry in zip(proto.output, given, strict=False):
            self.bind(name, entry)

    def results(self, proto: Any, place: str, operands: list[Entry]) -> Any:
        """What a node gives."""
        from .onnx_nodes import RULES, Node

        kind = proto.op_type
        attributes = _attributes(proto)
        if not self._known_kind(proto):
            full = f"{proto.domain}.{kind}".lstrip(".")
            self.problems.found.append(Problem(full, place, NO_OPERATION))
            return BROKEN
        if any(operand is BROKEN for operand in operands):
            return BROKEN
        if kind == "Shape" and not isinstance(operands[0], Constant):
            shape = partial(self._shape_array, operands[0], attributes)
            return self.problems.attempt(kind, place, shape, BROKEN)
        if _is_constant(kind, operands):
            return self.problems.attempt(kind, place, partial(_folded, kind, operands, attributes), BROKEN)
        outputs = sum(1 for name in proto.output if name and (self.readers[name] or kind == "Split"))
        if kind not in RULES:
            self.problems.found.append(Problem(kind, place, "the IR has it on constants only"))
            return BROKEN
        node = Node(kind, operands, attributes, self.opset, outputs)
        return self.problems.attempt(kind, place, lambda: apply(self.draft, RULES[kind](node)), BROKEN)

    def _known_kind(self, proto: Any) -> bool:
        """Whether there is a rule for a kind of node, or it may be folded."""
        from .onnx_nodes import RULES

        kinds = RULES.keys() | FOLDS.keys() | {"Constant"}
        return proto.op_type in kinds and proto.domain in ("", "ai.onnx")

    def guess(self, name: str) -> Entry:
        """What a node that cannot be imported would give, so that what follows is looked at too."""
        if self.inferred is None:
            self.inferred = _inferred_shapes(self.model)
        shape = self.inferred.get(name)
        return BROKEN if shape is None else Value(TensorType(shape))

    def _shape_array(self, entry: Entry, attributes: dict[str, Any]) -> Constant:
        """The shape of a computed tensor, the batch first, as a constant."""
        shape = (self.draft.batch or Batch.SIZE, *tensor(self.draft, entry).type.shape)
        part = shape[attributes.get("start", 0) : attributes.get("end")]
        return Constant(np.array(part, dtype=object if Batch.SIZE in part else np.int64))

    def _output(self, name: str) -> Entry:
        entry = self.entry(name)
        if entry is BROKEN:
            return entry
        return self.problems.attempt("output", f"'{name}'", partial(tensor, self.draft, entry), BROKEN)

    def _shape(self, value: Any) -> tuple[int, ...]:
        """The shape of an input, the batch first: its size, or 0 when it is open."""
        kind = value.type.tensor_type
        if kind.elem_type not in _DTYPES:
            raise UserError(
                f"input '{value.name}' of '{self.origin}' is not float32; Drawloom computes in float32",
                "tokens are int32 or int64",
            )
        sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in kind.shape.dim]
        if len(sizes) < 2 or any(d < 1 for d in sizes[1:]):
            told = ", ".join(d.dim_param or str(d.dim_value or "?") for d in kind.shape.dim)
            raise UserError(
                f"input '{value.name}' of '{self.origin}' has the shape [{told}]; only the batch may be open",
                "export the network with inputs of fixed size",
            )
        return tuple(sizes)

    def _batch(self) -> int | None:
        sizes = {shape[0] for shape in self.shapes.values()}
        if len(sizes) > 1:
            raise UserError(f"the inputs of '{self.origin}' have batches of different sizes: {sorted(sizes)}")
        return next(iter(sizes), 0) or None


def _living(graph: Any) -> list[tuple[int, Any]]:
    """The nodes that outputs depend on, with their positions in the file."""
    needed = {value.name for value in graph.output}
    living = []
    for index, node in reversed(list(enumerate(graph.node))):
        if not needed.isdisjoint(node.output):
            needed.update(node.input)
            living.append((index, node))
    return living[::-1]


def _inferred_shapes(model: Any) -> dict[str, tuple[int, ...]]:
    """The shape of a sample by the name of the tensor, as ONNX infers it; unknown ones are left out."""
    import onnx

    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except (onnx.shape_inference.InferenceError, ValueError):  # too large, or not consistent
        return {}
    found = {}
    for value in graph.value_info:
        sizes = [d.dim_value for d in value.type.tensor_type.shape.dim]
        if len(sizes) > 1 and all(sizes[1:]):
            found[value.name] = tuple(sizes[1:])
    return found


def _array(proto: Any) -> Array:
    from onnx import numpy_helper

    return np.asarray(numpy_helper.to_array(proto))


def _attributes(proto: Any) -> dict[str, Any]:
    """Attributes of a node as Python values, arrays as NumPy's."""
    from onnx import AttributeProto, helper

    found: dict[str, Any] = {}
    for attribute in proto.attribute:
        value = helper.get_attribute_value(attribute)
        if attribute.type == AttributeProto.TENSOR:
            value = _array(value)
        found[attribute.name] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return found


def _is_constant(kind: str, operands: list[Entry]) -> bool:
    if kind == "Constant":
        return True
    # an open batch makes a tensor for each sample of a shape, not a constant
    open_batch = kind == "ConstantOfShape" and isinstance(operands[0], Constant) and operands[0].has_batch
    return not open_batch and _all_constant(operands)


def _all_constant(operands: list[Entry]) -> bool:
    return bool(operands) and all(operand is None or isinstance(operand, Constant) for operand in operands)


def _folded(kind: str, operands: list[Entry], attributes: dict[str, Any]) -> Constant:
    """The result of a node that has to do with constants only."""
    if kind == "Constant":
        return Constant(_literal(attributes))
    if kind not in FOLDS:
        raise Unsupported("it is not computed on constants")
    arrays = [operand.array if isinstance(operand, Constant) else None for operand in operands]
    first = operands[0]
    name = first.name if kind in KEEPS_NAME and isinstance(first, Constant) else ""
    return Constant(fold(kind, arrays, attributes), name)


def _literal(attributes: dict[str, Any]) -> Array:
    """The value of a ``Constant`` node."""
    types: dict[str, Any] = {
        "value": None,
        "value_float": np.float32,
        "value_floats": np.float32,
        "value_int": np.int64,
        "value_ints": np.int64,
    }
    for name, dtype in types.items():
        if name in attributes:
            return np.asarray(attributes[name], dtype=dtype)
    raise Unsupported("a constant that is no array")


def _hint(proto: Any) -> str:
    """The path that the name of a node suggests: ``/layer1/layer1.0/conv/Conv`` is ``layer1.0.conv``."""
    parts: list[str] = []
    for part in proto.name.split("/"):
        if parts and part.startswith(f"{parts[-1]}."):
            parts.pop()
        if part and not re.fullmatch(rf"{re.escape(proto.op_type)}(_\d+)?", part):
            parts.append(part)
    return ".".join(parts)
