"""Which pictures a module needs: the network as a skeleton, and each different cell and block once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from drawloom.ir import Function, Module, UserError, unknown
from drawloom.passes import inline_level, network_cost, resolve

from .beliefs import Beliefs
from .picture import Picture, merged
from .selection import selection
from .sketch import sketch

LIMIT = 2000
"""Most operations of a function that is drawn."""
PICTURES = 24
"""Most pictures of cells and blocks under a network."""

_PARTS = ("cell", "block")


def whole(
    module: Module,
    beliefs: Beliefs | None = None,
    *,
    depth: int = 1,
    heat: bool = False,
    only_selected: bool = False,
) -> list[Picture]:
    """The pictures of a network or a space: the network itself, then its cells and blocks.

    Args:
        module: what to draw.
        beliefs: what is known of its decisions.
        depth: levels of calls that are drawn in place; 1 draws each call of the network as a box.
        only_selected: whether what is certainly not in the network is left out.
        heat: whether boxes are coloured by their share of the multiply-adds; the module is resolved then.

    Raises:
        UserError: when a function is too large to be drawn.
    """
    for _ in range(depth - 1):
        module = inline_level(module)
    known = beliefs or Beliefs()
    total = network_cost(module).multiply_adds if heat else 0
    skeleton = sketch(module, _fitting(module.entry), known, module.name, total)
    first = selection(skeleton) if only_selected else skeleton
    return [first, *_different(module, _called(module, known), known, only_selected)]


def of_function(
    module: Module, name: str, beliefs: Beliefs | None = None, *, only_selected: bool = False
) -> list[Picture]:
    """The pictures of one function, or of all different instances of one definition.

    Raises:
        UserError: when there is none of that name, or it is too large to be drawn.
    """
    if name in (module.name, module.entry.name):
        return whole(module, beliefs, only_selected=only_selected)[:1]
    found = [f for f in module.functions.values() if f.definition == name]
    found = found or [f for f in module.functions.values() if f.name == name]
    if not found:
        raise unknown(
            "function", name, {n for f in module.functions.values() for n in (f.name, f.definition)}
        )
    return _different(module, Counter(found), beliefs or Beliefs(), only_selected)


def _called(module: Module, beliefs: Beliefs) -> Counter[Function]:
    """The cells and blocks that the network calls, directly or not, in order, with the number of calls.

    Under an assignment of all decisions, those that the resolved network calls.
    """
    if module.decisions and len(beliefs.decided) == len(module.decisions):
        chosen = {d.name: value for d, value in beliefs.decided.items()}
        names = {f.name: n for f, n in _called(resolve(module, chosen), Beliefs()).items()}
        return Counter({module.function(n): count for n, count in names.items() if n in module.functions})
    counts: Counter[Function] = Counter({module.entry: 1})
    for function in reversed(module.functions.values()):
        for call in function.calls() if counts[function] else ():
            counts[module.function(call.attributes["callee"])] += counts[function]
    order = dict.fromkeys(_in_order(module, module.entry))
    return Counter({f: counts[f] for f in order if f.kind in _PARTS})


def _in_order(module: Module, function: Function) -> Iterator[Function]:
    """Callees in the order of their calls, each before what it calls."""
    seen = {function}
    waiting = [function]
    while waiting:
        here = waiting.pop(0)
        yield here
        for call in here.calls():
            callee = module.function(call.attributes["callee"])
            if callee not in seen:
                seen.add(callee)
                waiting.append(callee)


def _different(
    module: Module, functions: Counter[Function], beliefs: Beliefs, only_selected: bool
) -> list[Picture]:
    """A picture of each function that does not look like one before, with how often it is called."""
    groups: dict[tuple[object, ...], list[Picture]] = {}
    counts: Counter[tuple[object, ...]] = Counter()
    inner = {_body(module, f) for f in functions if _body(module, f) is not f}
    for function in functions:
        if function in inner:
            continue
        picture = sketch(module, _fitting(_body(module, function)), beliefs, function.definition)
        picture = selection(picture) if only_selected else picture
        groups.setdefault(picture.form, []).append(picture)
        counts[picture.form] += functions[function]
    shown = [merged(group, _note(group, counts[form])) for form, group in groups.items()]
    left = len(shown) - PICTURES
    if left > 0:
        note = f"{shown[PICTURES - 1].note}; {left} further pictures are left out: see --function"
        shown = [*shown[: PICTURES - 1], replace(shown[PICTURES - 1], note=note)]
    return shown


def _note(group: list[Picture], times: int) -> str:
    """How often what is shown is called, and its types where they are the same everywhere."""
    types = {picture.note for picture in group}
    words = [f"×{times}"] if times > 1 else []
    return "   ".join([*words, *(types if len(types) == 1 else ())])


def _body(module: Module, function: Function) -> Function:
    """What a function that only passes its inputs on to another one does."""
    while len(function.operations) == 1 and function.operations[0].name == "call":
        (call,) = function.operations
        if call.operands != function.inputs or call.results != function.outputs:
            break
        function = module.function(call.attributes["callee"])
    return function


def _fitting(function: Function) -> Function:
    if len(function.operations) > LIMIT:
        raise UserError(
            f"'{function.name}' has {len(function.operations)} operations, and at most {LIMIT} are drawn",
            "draw it with a smaller --depth, or one of its parts with --function",
        )
    return function
