"""Latency tables out of published ones, which name the parts of networks in ways of their own.

A published table was measured for one space. So an importer takes a space, finds the units that it may need,
and gives each the time that the published table has under its own name for it. What the published table does
not have stays without an entry, so that pricing it is an error.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from drawloom.ir import Decision, Module, Operation, UserError, choice_text, unknown

from .latency import timed_units
from .latency_table import UNITS, Entry, LatencyTable
from .signature import Signature, signatures


def import_proxylessnas(
    document: Mapping[str, Mapping[str, float]], module: Module, name: str = "pixel1"
) -> LatencyTable:
    """The table of ProxylessNAS (Cai, Zhu, Han, ICLR 2019), measured on a Pixel 1 phone.

    It has the stem, whole inverted residuals, the last convolution, and pooling and classifier as one, which
    `linear` gets. Its keys are such as
    ``expanded_conv-input:56x56x24-output:28x28x40-expand:3-kernel:5-stride:2-idskip:0``.

    Args:
        document: by key the ``mean`` in milliseconds, the ``var`` and the ``count`` of measurements.
        module: a space or network of `conv_bn` and `inverted_residual` as in ``zoo/parts/mobile.loom``.
        name: what the table is called.

    Raises:
        UserError: when a measurement lacks one of its three numbers.
    """
    entries: dict[Signature, Entry] = {}
    for unit in timed_units(module, ("inverted_residual",)):
        for signature in signatures(module, unit).values:
            key_of = _PROXYLESSNAS.get(signature.name)
            key = key_of(signature) if key_of else None
            if key is not None and key in document:
                entries[signature] = _measured(document[key], key)
    source = "mobile_trim.yaml of mit-han-lab/proxylessnas"
    conditions = {"source": source}
    return LatencyTable(name, "Google Pixel 1", entries, conditions, included=frozenset({"global_avg_pool"}))


def _measured(data: Mapping[str, float], key: str) -> Entry:
    try:
        mean, var, count = data["mean"], data["var"], data["count"]
    except KeyError as error:
        raise UserError(f"'{key}' has no {error}", "expected mean, var and count") from None
    factor = UNITS["ms"]
    return Entry(round(mean * factor), round(math.sqrt(var) * factor), round(count))


def _convolution_key(signature: Signature) -> str | None:
    given = dict(signature.arguments)
    kind = {(3, 2): "Conv", (1, 1): "Conv_1"}.get((given["k"], given["s"]))
    if kind is None or not _plain(given):
        return None
    return f"{kind}-{_sizes(signature, given['out'], given['s'])}"


def _block_key(signature: Signature) -> str | None:
    given = dict(signature.arguments)
    channels = _shape(signature)[0]
    if not _plain(given) or given["excite"] != "identity" or given["mid"] != given["t"] * channels:
        return None
    sizes = _sizes(signature, given["out"], given["s"])
    kernel = f"expand:{given['t']}-kernel:{given['k']}-stride:{given['s']}"
    return f"expanded_conv-{sizes}-{kernel}-idskip:{int(given['residual'])}"


def _plain(given: Mapping[str, Any]) -> bool:
    """Whether convolutions are what was measured: neither grouped nor dilated, with ReLU6."""
    return (given["groups"], given["dilation"], given["act"]) == (1, 1, "relu6")


def _classifier_key(signature: Signature) -> str:
    return f"Logits-input:7x7x{_shape(signature)[0]}-output:{dict(signature.arguments)['out']}"


def _sizes(signature: Signature, out: int, stride: int) -> str:
    channels, height, width = _shape(signature)
    rows, columns = -(-height // stride), -(-width // stride)
    return f"input:{height}x{width}x{channels}-output:{rows}x{columns}x{out}"


def _shape(signature: Signature) -> list[int]:
    """The shape of the only input."""
    return [int(size) for size in re.findall(r"\d+", signature.inputs[0].partition("[")[2])]


_PROXYLESSNAS: Mapping[str, Callable[[Signature], str | None]] = {
    "conv_bn": _convolution_key,
    "inverted_residual": _block_key,
    "linear": _classifier_key,
}
"""The published key of each kind of unit."""


def import_additive(
    times: Mapping[str, Mapping[str, float]],
    module: Module,
    name: str,
    device: str,
    conditions: Mapping[str, Any] | None = None,
) -> LatencyTable:
    """A table out of one time for each alternative of each decision, as for FBNet's space (Wu et al., 2019).

    Such a table is one of sums: it tells what networks take, and of the parts only how they differ; fitted
    ones give some parts negative times. So each decision has an alternative whose time goes to the base of
    the table and is taken off the others: the one that computes nothing, as where a block is left out, or
    else the fastest, whose entry is zero then. All that no decision chooses has entries of zero too, for the
    base contains it.

    Args:
        times: milliseconds by decision and by alternative as written in assignments.
        module: a space in which each decision chooses among calls and, at most, what comes in.
        name: what the table is called.
        device: what was measured, for people.
        conditions: how it was measured.

    Raises:
        UserError: when the decisions or alternatives are not those of the space, when an alternative is no
            call, when two places give one signature times that differ by more than a part in a million, or
            when a unit or the base would have a negative time.
    """
    found: dict[Signature, list[float]] = defaultdict(list)
    base = 0.0
    for decision, calls in _alternatives(module, times):
        given = _complete(times, decision)
        idle = next((given[arm] for arm, call in calls.items() if call is None), min(given.values()))
        base += idle
        for arm, call in calls.items():
            if call is not None:
                (signature,) = signatures(module, call).values
                found[signature].append(given[arm] - idle)
    factor = UNITS["ms"]
    entries = {s: Entry(_whole(_agreed(s, values) * factor, str(s))) for s, values in found.items()}
    for unit in timed_units(module, {s.name for s in entries}):
        entries.update((s, Entry(0)) for s in signatures(module, unit).values if s not in entries)
    return LatencyTable(name, device, entries, dict(conditions or {}), _whole(base * factor, "the base"))


def _alternatives(
    module: Module, times: Mapping[str, Any]
) -> Iterator[tuple[Decision, dict[str, Operation | None]]]:
    """Each decision with its alternatives: a call, or None for what comes in as it is."""
    places: dict[Decision, Operation] = {}
    for function in module.functions.values():
        for op in function.operations:
            if op.name == "choice":
                for expr in op.expressions():
                    places.update((d, op) for d in expr.decisions)
    for name in times:
        if name not in module.decisions:
            raise unknown("decision", name, module.decisions)
    for decision in module.decisions.values():
        if decision not in places or len(places[decision].operands) != len(decision):
            raise UserError(f"decision '{decision.name}' does not choose among calls")
        selector = places[decision].attributes["selector"]
        calls: dict[str, Operation | None] = {}
        for position, value in enumerate(decision.domain):
            producer = places[decision].operands[int(selector.at({decision: position}))].producer
            if producer is not None and producer.name != "call":
                raise UserError(f"'{choice_text(value)}' of decision '{decision.name}' is no call")
            calls[choice_text(value)] = producer
        yield decision, calls


def _complete(times: Mapping[str, Mapping[str, float]], decision: Decision) -> dict[str, float]:
    if decision.name not in times:
        raise UserError(f"there are no times for decision '{decision.name}'")
    given = {arm: float(time) for arm, time in times[decision.name].items()}
    arms = [choice_text(value) for value in decision.domain]
    if set(given) != set(arms):
        raise UserError(
            f"decision '{decision.name}' has times for {', '.join(sorted(given))}",
            f"its alternatives are {', '.join(arms)}",
        )
    return given


def _agreed(signature: Signature, values: list[float]) -> float:
    low, high = min(values), max(values)
    if high - low > 1e-6 * max(abs(low), abs(high)):
        raise UserError(
            f"{signature} takes {low:g} ms in one place and {high:g} ms in another",
            "only a table in which equal parts take equal times can be told by signatures",
        )
    return math.fsum(values) / len(values)


def _whole(nanoseconds: float, what: str) -> int:
    whole = round(nanoseconds)
    if whole < 0:
        raise UserError(f"{what} would take {whole} ns", "times are not negative")
    return whole
