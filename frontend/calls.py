"""Elaborates calls of primitives, built-in functions and definitions (each once for the same arguments)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drawloom.ir import DType, Expr, Label, Scalar, Span, TensorType, Value
from drawloom.ir.expression import any_of, equal

from . import limits
from .arguments import Given, as_tensor, bind, evaluate_arguments
from .evaluate import evaluate, evaluate_forbidding, evaluates, presences
from .frame import ERROR, Blame, Elaboration, Fault, Frame, Instance
from .merge import merge
from .proof import implied
from .scalars import as_integer, is_whole
from .statements import run_body
from .syntax import Call, Definition, Name, TypeSyntax
from .values import (
    Builtin,
    DecidedCallable,
    Defined,
    ListValue,
    Parameter,
    Partial,
    Placed,
    Primitive,
    Template,
    argument_text,
    describe,
    is_callable,
    is_scalar,
    key_of,
    kind_of,
    replace_tensors,
    tensors_in,
)


@evaluates(Call)
def _call(frame: Frame, node: Call) -> Any:
    callee = evaluate(frame, node.callee)
    if not is_callable(callee):
        note = f"a variable hides the built-in '{node.name}'"
        hides = isinstance(node.callee, Name) and is_callable(frame.globals.get(node.name))
        notes = (note,) if hides else ()
        frame.fail(
            "E0109",
            f"'{node.name}' is {describe(callee)} and cannot be called",
            node.callee.span,
            notes=notes,
        )
    given = evaluate_arguments(frame, node, named=isinstance(callee, Builtin) and bool(callee.names))
    if node.semicolon and not given.tensors and not isinstance(callee, Builtin):
        keywords = tuple((name, placed) for name, (placed, _) in given.keywords.items())
        return Partial(callee, given.positional, keywords)
    return apply_callee(frame, callee, given)


def apply_callee(frame: Frame, callee: Any, given: Given) -> Any:
    """The value of calling something with evaluated arguments.

    Raises:
        Fault: when it cannot be called so; the error has been reported.
    """
    value: Any = _APPLY[type(callee)](frame, callee, given)
    return value


def _apply_partial(frame: Frame, callee: Partial, given: Given) -> Any:
    return apply_callee(frame, callee.callee, given.after(callee.positional, callee.keywords))


def _apply_decided(frame: Frame, callee: DecidedCallable, given: Given) -> Any:
    """A choice of calls; a label of the call prefixes the options' own names."""
    values: list[Any] = []
    label = given.call.label.name if given.call.label is not None else ""
    unlabelled = Call(given.span, given.call.callee, (), (), True, None)
    each = Given(unlabelled, given.tensors, given.positional, given.keywords)
    for position, option in enumerate(callee.options):
        with frame.component(label, label), frame.guard(callee.choice.guard(position)):
            try:
                values.append(apply_callee(frame, option, each))
            except Fault:
                values.append(ERROR)
    if any(v is ERROR for v in values):
        raise Fault
    return merge(frame, callee.choice, values, (given.span,) * len(values), given.span)


def _apply_builtin(frame: Frame, callee: Builtin, given: Given) -> Any:
    if callee.names:
        return callee.compute(frame, _named_arguments(frame, callee, given), given.span)
    if given.positional or given.keywords:
        placed = next(iter([*given.positional, *(p for p, _ in given.keywords.values())]))
        repair = f"write `{callee.name}(a, b)`"
        frame.fail("E0105", f"'{callee.name}' takes its arguments without ';'", placed.span, help=repair)
    _check_count(frame, callee, given, "argument")
    return callee.compute(frame, list(given.tensors), given.span)


def _named_arguments(frame: Frame, callee: Builtin, given: Given) -> list[Placed]:
    """The arguments of a built-in function that may be given by name, all of them and in order."""
    everything = Given(given.call, (), (*given.tensors, *given.positional), given.keywords)
    bound = bind(frame, everything, callee.name, callee.names)
    _check_given(frame, callee.name, callee.names, bound, given.span)
    return [bound[name] for name in callee.names]


def _apply_template(frame: Frame, callee: Template, given: Given) -> Any:
    bound = bind(frame, given, callee.name, callee.parameters)
    _check_count(frame, callee, given, "tensor")
    _check_given(frame, callee.name, callee.parameters[: callee.required], bound, given.span)
    return callee.expand(frame, given, bound)


def _check_count(frame: Frame, callee: Builtin | Template, given: Given, what: str) -> None:
    count = len(given.tensors)
    if count < callee.least or (callee.most is not None and count > callee.most):
        wanted = str(callee.least) if callee.most == callee.least else f"at least {callee.least}"
        message = f"'{callee.name}' takes {wanted} {what}{'s' * (wanted != '1')}, got {count}"
        frame.fail("E0104", message, given.span)


def _check_given(
    frame: Frame, name: str, wanted: Iterable[str], bound: Mapping[str, Placed], span: Span
) -> None:
    for parameter in wanted:
        if parameter not in bound:
            frame.fail("E0104", f"'{name}' needs '{parameter}'", span)


def _apply_primitive(frame: Frame, callee: Primitive, given: Given) -> Any:
    bound = bind(frame, given, callee.name, [p.name for p in callee.parameters])
    operands, presence, places = _operands(frame, callee, given)
    if callee.operation == "identity":
        return operands[0]  # an operation that computes nothing would only cost activation memory
    _check_given(frame, callee.name, (p.name for p in callee.parameters if p.required), bound, given.span)
    attributes: dict[str, Any] = {}
    for parameter in callee.parameters:
        if parameter.name in bound:
            attributes[parameter.name] = _attribute(frame, callee, parameter, bound[parameter.name])
    for parameter in callee.parameters:
        if parameter.name not in attributes and parameter.default is not None:
            attributes[parameter.name] = parameter.default(attributes)
    if callee.weighted:
        label = given.call.label
        attributes["param"] = frame.param_path(label.name if label is not None else callee.name)
    blame = Blame(tuple(places), bound)
    if callee.operation == "concat":
        _check_not_empty(frame, presence, given.span)
    return frame.operation(callee.operation, operands, attributes, given.span, blame, tuple(presence))


def _check_not_empty(frame: Frame, presence: list[Scalar], span: Span) -> None:
    """Refuse a concatenation that some candidate leaves without members."""
    present = implied(frame.guards, any_of(*presence))
    if present is not True and getattr(present, "table", True) is not None:
        repair = "choose at least one: `choose 1..=n`"
        frame.fail("E0509", "this concatenation can be empty", span, help=repair)


def _attribute(frame: Frame, callee: Primitive, parameter: Parameter, placed: Placed) -> Any:
    """A static argument as an attribute: a scalar, or a tuple of scalars."""
    value = placed.value
    if isinstance(value, ListValue) and not value.presence:
        value = value.items
    many = parameter.kind in ("ints", "shape") and isinstance(value, tuple)
    if parameter.kind == "ints" and many and len(value) != 2:
        message = f"'{parameter.name}' of '{callee.name}' is a number or a pair, not {len(value)} numbers"
        frame.fail("E0501", message, placed.span)
    for item in value if many else (value,):
        _check_kind(frame, f"'{parameter.name}' of '{callee.name}'", parameter.kind, item, placed.span)
    return value


_SCALAR_KINDS = {
    "bool": ("bool", "true or false"),
    "string": ("text", "a text"),
    "float": ("number", "a number"),
}


def _check_kind(frame: Frame, what: str, kind: str, value: Any, span: Span) -> None:
    wanted, words = _SCALAR_KINDS.get(kind, ("number", "a whole number"))
    if not is_scalar(value) or kind_of(value) != wanted:
        frame.fail("E0501", f"{what} is {words}, not {describe(value)}", span)
    if words == "a whole number" and not is_whole(value):
        shown = "this can have a fraction" if isinstance(value, Expr) else f"this is {value}"
        frame.fail("E0501", f"{what} is {words}", span, shown, help="use round, floor, ceil or round8")


def _operands(frame: Frame, callee: Primitive, given: Given) -> tuple[list[Value], list[Scalar], list[Span]]:
    """The tensor operands of a primitive, with presence and place; lists are spread for variadic ones."""
    operands: list[Value] = []
    presence: list[Scalar] = []
    places: list[Span] = []
    for placed in given.tensors:
        spread = callee.variadic and isinstance(placed.value, (ListValue, tuple))
        items = placed.value.items if isinstance(placed.value, ListValue) and spread else placed.value
        flags = presences(placed.value) if isinstance(placed.value, ListValue) and spread else ()
        for i, item in enumerate(items if spread else (items,)):
            repair = _STATIC_HINT.format(callee.name, placed.span.text) if is_scalar(item) else None
            operands.append(as_tensor(frame, Placed(item, placed.span), callee.name, repair))
            presence.append(flags[i] if flags else True)
            places.append(placed.span)
    wanted = len(callee.tensors)
    if callee.variadic and not operands:
        frame.fail("E0509", f"'{callee.name}' of no tensors", given.span)
    if not callee.variadic and len(operands) != wanted:
        frame.fail(
            "E0104",
            f"'{callee.name}' takes {wanted} tensor{'s' * (wanted > 1)}, got {len(operands)}",
            given.span,
        )
    kept = [i for i, flag in enumerate(presence) if flag is not False]
    return [operands[i] for i in kept], [presence[i] for i in kept], [places[i] for i in kept]


_STATIC_HINT = "static arguments stand after ';': `{}(x; {})`"


def _apply_defined(frame: Frame, callee: Defined, given: Given) -> Any:
    definition = callee.definition
    _check_callable(frame, definition, given)
    tensors = _tensor_arguments(frame, definition, given)
    statics = static_arguments(
        frame, definition, bind_parameters(frame, definition, given), tensors, given.span
    )
    if definition.kind == "network":
        return _continue_in(frame, definition, tensors, statics, given)
    label = given.call.label.name if given.call.label is not None else definition.name.name
    scope = {"block": frame.decision_path(label), "cell": definition.name.name}.get(definition.kind, "")
    instance = instantiate(frame.shared, definition, tensors, statics, scope, given.span)
    if instance is None:
        raise Fault
    if definition.kind == "block" and instance.decides:
        if frame.forbidden is not None:
            frame.fail(
                "E0301",
                f"nothing can be chosen here: {frame.forbidden}",
                given.span,
                "this call decides something",
            )
        frame.claim_call(scope, given.span)
        frame.decides = True
    frame.inherit(instance)
    operands = [v for t in tensors.values() for v in tensors_in(t)]
    param = frame.param_path(label)
    results = frame.emit(
        given.span, Blame(), lambda: frame.builder.call(instance.function, operands, param, span=given.span)
    )
    return replace_tensors(instance.result, iter(results))


def _continue_in(
    frame: Frame, definition: Definition, tensors: dict[str, Any], statics: dict[str, Any], given: Given
) -> Any:
    """What another network returns: its body takes the place of the call, so paths get no prefix from it."""
    label = given.call.label.name if given.call.label is not None else ""
    frame.shared.stack.append((definition, given.span))
    try:
        with frame.component(label, label), frame.environment({**tensors, **statics}, definition):
            for parameter in definition.tensors:
                if parameter.type is not None:
                    _check_type(frame, parameter.type, frame.env[parameter.name.name])
            return run_body(frame, definition)
    finally:
        frame.shared.stack.pop()


def _check_callable(frame: Frame, definition: Definition, given: Given) -> None:
    name = definition.name.name
    if definition.kind == "network" and frame.kind != "network":
        message = f"'{name}' is a network: only a network can call it, a {frame.kind} cannot"
        frame.fail("E0109", message, given.call.callee.span)
    if frame.kind == "op" and definition.kind != "op":
        note = "an op is a leaf: it is measured and timed as one unit"
        frame.fail(
            "E0111",
            f"an op cannot call the {definition.kind} '{name}'",
            given.call.callee.span,
            notes=(note,),
        )
    for active, call in frame.shared.stack:
        if active is definition:
            others = [] if call is None else [Label(call, "it was called here before")]
            frame.fail("E0110", f"'{name}' calls itself", given.call.callee.span, others=others)
    if len(frame.shared.functions) >= limits.FUNCTIONS:
        frame.shared.too_much(f"more than {limits.FUNCTIONS} different calls", given.span)
    if len(frame.shared.stack) >= limits.CALL_DEPTH:
        frame.shared.too_much(f"calls nested more than {limits.CALL_DEPTH} deep", given.span)


def _tensor_arguments(frame: Frame, definition: Definition, given: Given) -> dict[str, Any]:
    """The values of the parameters before the ``;``."""
    name, wanted = definition.name.name, len(definition.tensors)
    scalars = [p for p in given.tensors if not any(True for _ in tensors_in(p.value))]
    if scalars:
        hint = _STATIC_HINT.format(name, scalars[0].span.text) if is_scalar(scalars[0].value) else None
        frame.fail(
            "E0501", f"'{name}' needs a tensor, not {describe(scalars[0].value)}", scalars[0].span, help=hint
        )
    if len(given.tensors) != wanted:
        label = Label(definition.name.span, "defined here")
        message = f"'{name}' takes {wanted} tensor{'s' * (wanted != 1)}, got {len(given.tensors)}"
        frame.fail("E0104", message, given.span, others=[label])
    pairs = zip(definition.tensors, given.tensors, strict=True)
    return {parameter.name.name: placed.value for parameter, placed in pairs}


def bind_parameters(frame: Frame, definition: Definition, given: Given) -> dict[str, Placed]:
    """The static arguments given for a definition, by parameter."""
    return bind(frame, given, definition.name.name, [p.name.name for p in definition.statics])


def static_arguments(
    frame: Frame, definition: Definition, bound: dict[str, Placed], tensors: dict[str, Any], span: Span
) -> dict[str, Any]:
    """The values of all static parameters; defaults may use tensors and parameters before them.

    Raises:
        Fault: when one without default is missing, or a default has no value.
    """
    values: dict[str, Any] = {}
    for parameter in definition.statics:
        name = parameter.name.name
        if name in bound:
            values[name] = bound[name].value
        elif parameter.default is None:
            label = Label(parameter.span, "declared here")
            frame.fail("E0104", f"'{definition.name.name}' needs '{name}'", span, others=[label])
        else:
            with frame.environment({**tensors, **values}, definition):
                values[name] = evaluate_forbidding(frame, parameter.default, "a default is not a decision")
            if any(True for _ in tensors_in(values[name])):
                frame.fail("E0501", "a default must not be a tensor", parameter.default.span)
    return values


def instantiate(
    shared: Elaboration,
    definition: Definition,
    tensors: dict[str, Any],
    statics: dict[str, Any],
    scope: str,
    call: Span | None,
) -> Instance | None:
    """A definition elaborated for its arguments, made or found; None when its body has errors.

    What decides something is one instance for each scope; what does not is one for all.
    """
    key = (definition, *(key_of(v) for v in tensors.values()), *(key_of(v) for v in statics.values()))
    for known in ((key, None), (key, scope)):
        if known in shared.instances:
            return shared.instances[known]
    shared.stack.append((definition, call))
    try:
        instance = _elaborate(shared, definition, tensors, statics, scope)
    except Fault:
        instance = None
    finally:
        shared.stack.pop()
    shared.instances[key, scope if instance is not None and instance.decides else None] = instance
    return instance


def _elaborate(
    shared: Elaboration, definition: Definition, tensors: dict[str, Any], statics: dict[str, Any], scope: str
) -> Instance:
    frame = Frame(shared, definition, scope)
    for name, value in tensors.items():
        flat = list(tensors_in(value))
        hints = [name] if len(flat) == 1 else [f"{name}_{i}" for i in range(len(flat))]
        inputs = [frame.builder.input(t.type, hint) for t, hint in zip(flat, hints, strict=True)]
        frame.env[name] = replace_tensors(value, iter(inputs))
    frame.env.update(statics)
    for parameter in definition.tensors:
        if parameter.type is not None:
            _check_type(frame, parameter.type, frame.env[parameter.name.name])
    result = run_body(frame, definition)
    outputs = list(tensors_in(result))
    frame.builder.name = shared.function_name(definition.name.name)
    arguments = {name: argument_text(value) for name, value in statics.items()}
    function = frame.builder.finish(
        outputs, arguments=arguments, definition=definition.name.name, span=definition.span
    )
    shared.functions[function.name] = function
    return Instance(function, result, frame.decides, tuple(frame.obligations), tuple(frame.requirements))


def declared_type(frame: Frame, syntax: TypeSyntax) -> TensorType:
    """The tensor type that a text declares.

    Raises:
        Fault: when the element type is unknown or a dimension is not a whole number.
    """
    try:
        dtype = DType(syntax.dtype.name)
    except ValueError:
        known = ", ".join(d.value for d in DType)
        frame.fail(
            "E0101", f"unknown element type '{syntax.dtype.name}'", syntax.dtype.span, help=f"known: {known}"
        )
    dimensions: list[Scalar] = []
    for node in syntax.dimensions:
        value = evaluate_forbidding(frame, node, "a type is not a decision")
        if not isinstance(value, Expr):
            size = as_integer(frame, value, node.span, "a dimension")
            if not 1 <= size <= limits.DIMENSION:
                frame.fail("E0503", f"a dimension of {size}", node.span, f"from 1 to {limits.DIMENSION}")
        dimensions.append(value)
    return TensorType(tuple(dimensions), dtype)


def _check_type(frame: Frame, syntax: TypeSyntax, value: Any) -> None:
    """Compare an argument with the type its parameter declares."""
    wanted = declared_type(frame, syntax)
    if syntax.many != isinstance(value, (ListValue, tuple)):
        kind = "a list of tensors" if syntax.many else "a tensor"
        frame.fail("E0501", f"this parameter is {kind}, not {describe(value)}", syntax.span)
    for tensor in tensors_in(value):
        same = tensor.type.rank == wanted.rank and tensor.type.dtype == wanted.dtype
        pairs = zip(tensor.type.shape, wanted.shape, strict=False)
        if not same or any(equal(a, b) is False for a, b in pairs):
            frame.fail("E0502", f"expected a tensor {wanted}, got {tensor.type}", syntax.span)


_APPLY: dict[type, Callable[[Frame, Any, Given], Any]] = {
    Builtin: _apply_builtin,
    Primitive: _apply_primitive,
    Defined: _apply_defined,
    Partial: _apply_partial,
    DecidedCallable: _apply_decided,
    Template: _apply_template,
}
"""How each kind of callable is applied."""

__all__ = ["apply_callee", "bind_parameters", "declared_type", "evaluate", "instantiate", "static_arguments"]
