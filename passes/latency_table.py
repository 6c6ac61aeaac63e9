"""Latency tables: measured times by signature, as a portable JSON file.

A file is one object:

    {"format": "drawloom latency table", "version": 1,
     "name": "pixel1", "device": "Google Pixel 1", "unit": "ms",
     "conditions": {"batch": 1, "runtime": "TF-Lite"},
     "base": 0, "included": ["global_avg_pool"],
     "entries": [{"name": "conv_bn", "arguments": {"out": 32, "k": 3, "s": 2}, "inputs": ["f32[3, 224, 224]"],
                  "time": 4.397, "deviation": 0.395, "samples": 949}]}

Arguments are all static arguments, those left to their defaults too. ``conditions`` is free: whatever one
must know to measure the same again. ``included`` names definitions and operations that take no time of
their own, since other entries were measured with them; ``base`` is a time that every network takes besides.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from drawloom.ir import UserError, unknown

from .signature import Signature

FORMAT = "drawloom latency table"
VERSION = 1

UNITS: Mapping[str, int] = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
"""Nanoseconds of each unit that a file may be written in."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_NEEDED = ("format", "version", "name", "device", "unit", "entries")
_FURTHER = ("conditions", "base", "included")
_ENTRY_NEEDED = ("name", "arguments", "inputs", "time")
_ENTRY_FURTHER = ("deviation", "samples")


@dataclass(frozen=True, slots=True)
class Entry:
    """What one unit takes, for one batch.

    Attributes:
        time: nanoseconds.
        deviation: standard deviation of the single measurements in nanoseconds, None where it is not known.
        samples: how many measurements there were, None where it is not known.
    """

    time: int
    deviation: int | None = None
    samples: int | None = None


@dataclass(frozen=True)
class LatencyTable:
    """Times of one device under one set of conditions.

    Attributes:
        name: what the price is called by: letters, digits, and ``_``, ``.`` or ``-`` within.
        device: what it was measured on, for people.
        entries: by signature.
        conditions: plain data: batch, threads, number format, runtime and whatever else matters.
        base: nanoseconds that every network takes besides its entries.
        included: names of definitions and operations without a time of their own.
    """

    name: str
    device: str
    entries: Mapping[Signature, Entry]
    conditions: Mapping[str, Any] = field(default_factory=dict)
    base: int = 0
    included: frozenset[str] = frozenset()

    @property
    def metric(self) -> str:
        """The name of its price, which is in nanoseconds."""
        return f"latency_ns_{self.name}"

    @cached_property
    def units(self) -> frozenset[str]:
        """Names of the definitions and operations that it has a time of, those included elsewhere too."""
        return self.included.union(signature.name for signature in self.entries)

    def time(self, signature: Signature) -> int:
        """Nanoseconds of a unit, 0 for what other entries include.

        Raises:
            UserError: when there is no entry, naming the signature and those of the same name.
        """
        entry = self.entries.get(signature)
        if entry is not None:
            return entry.time
        if signature.name in self.included:
            return 0
        raise UserError(f"latency table '{self.name}' has no entry for {signature}", self._nearest(signature))

    def _nearest(self, signature: Signature) -> str:
        same = [s for s in self.entries if s.name == signature.name]
        if not same:
            known = ", ".join(sorted(self.units)) or "nothing"
            return f"measure it, or name it in 'included' where other times include it; the table has {known}"
        near = max(same, key=lambda s: _likeness(s, signature))
        return f"measure it; nearest of {len(same)} entries: {near}"

    def document(self) -> dict[str, Any]:
        """The table as plain data, in nanoseconds."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "name": self.name,
            "device": self.device,
            "unit": "ns",
            "conditions": dict(self.conditions),
            "base": self.base,
            "included": sorted(self.included),
            "entries": [_entry_document(s, e) for s, e in self.entries.items()],
        }

    def write(self, path: Path | str) -> None:
        """Write the table as JSON, an entry a line.

        Raises:
            UserError: when the file cannot be written.
        """
        document = self.document()
        entries = ",\n  ".join(json.dumps(e, ensure_ascii=False) for e in document.pop("entries"))
        head = json.dumps(document, ensure_ascii=False, indent=1)[:-2]
        text = f'{head},\n "entries": [\n  {entries}\n ]\n}}\n'
        try:
            Path(path).write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError(f"'{path}' cannot be written: {error.strerror}") from None

    @staticmethod
    def of(document: Any, origin: str = "the latency table") -> LatencyTable:
        """Read a table from plain data; times become whole nanoseconds, rounded once, each.

        Args:
            document: the object that the file holds.
            origin: what to call it in messages.

        Raises:
            UserError: when something is missing, unknown, of a wrong type, negative or there twice.
        """
        _check_keys(document, _NEEDED, _FURTHER, origin)
        if document["format"] != FORMAT:
            raise UserError(f"{origin}: 'format' is {document['format']!r}", f'expected "{FORMAT}"')
        if document["version"] != VERSION:
            raise UserError(
                f"{origin}: this is version {document['version']} of the format",
                f"this version of Drawloom reads version {VERSION}",
            )
        name, unit = _string(document, "name", origin), _string(document, "unit", origin)
        if not _NAME.fullmatch(name):
            raise UserError(f"{origin}: 'name' is {name!r}", "use letters, digits, and _, . and - within")
        if unit not in UNITS:
            raise UserError(f"{origin}: 'unit' is {unit!r}", f"expected one of {', '.join(UNITS)}")
        factor = UNITS[unit]
        return LatencyTable(
            name,
            _string(document, "device", origin),
            _entries(_of_type(document, "entries", list, origin), factor, origin),
            _of_type(document, "conditions", dict, origin, {}),
            _nanoseconds(document.get("base", 0), factor, f"{origin}: 'base'"),
            frozenset(_strings(document, "included", origin)),
        )

    @staticmethod
    def read(path: Path | str) -> LatencyTable:
        """Read a table from a JSON file.

        Raises:
            UserError: when there is no such file, or it is no latency table; see `of`.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UserError(f"there is no file '{path}'") from None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"'{path}' cannot be read as text: {error}") from None
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise UserError(f"'{path}' is not JSON: {error}") from None
        return LatencyTable.of(document, f"'{path}'")


def _entry_document(signature: Signature, entry: Entry) -> dict[str, Any]:
    further = {n: v for n in _ENTRY_FURTHER if (v := getattr(entry, n)) is not None}
    return {
        "name": signature.name,
        "arguments": dict(signature.arguments),
        "inputs": list(signature.inputs),
        "time": entry.time,
        **further,
    }


def _entries(items: Iterable[Any], factor: int, origin: str) -> dict[Signature, Entry]:
    result: dict[Signature, Entry] = {}
    for position, item in enumerate(items):
        place = f"{origin}: entry {position}"
        _check_keys(item, _ENTRY_NEEDED, _ENTRY_FURTHER, place)
        arguments = _of_type(item, "arguments", dict, place)
        signature = Signature.of(_string(item, "name", place), arguments, _strings(item, "inputs", place))
        if signature in result:
            raise UserError(f"{place}: {signature} is there twice", "keep one time, such as the mean")
        deviation = item.get("deviation")
        samples = item.get("samples")
        if samples is not None and (isinstance(samples, bool) or not isinstance(samples, int) or samples < 1):
            raise UserError(f"{place}: 'samples' is {samples!r}", "expected a number of measurements")
        result[signature] = Entry(
            _nanoseconds(item["time"], factor, f"{place}: 'time'"),
            None if deviation is None else _nanoseconds(deviation, factor, f"{place}: 'deviation'"),
            samples,
        )
    return result


def _check_keys(data: Any, needed: Iterable[str], further: Iterable[str], place: str) -> None:
    if not isinstance(data, dict):
        raise UserError(f"{place} is no JSON object", f"got {type(data).__name__}")
    for key in needed:
        if key not in data:
            raise UserError(f"{place}: '{key}' is missing")
    for key in data:
        if key not in (known := (*needed, *further)):
            raise UserError(f"{place}: {unknown('key', key, known)}", f"known: {', '.join(known)}")


def _of_type(data: Mapping[str, Any], key: str, kind: type, place: str, default: Any = None) -> Any:
    value = data.get(key, default)
    if not isinstance(value, kind):
        raise UserError(f"{place}: '{key}' is {value!r}", f"expected {_KINDS[kind]}")
    return value


_KINDS: Mapping[type, str] = {str: "a text", list: "a list", dict: "an object"}


def _string(data: Mapping[str, Any], key: str, place: str) -> str:
    return str(_of_type(data, key, str, place))


def _strings(data: Mapping[str, Any], key: str, place: str) -> list[str]:
    values: list[Any] = _of_type(data, key, list, place, [])
    for value in values:
        if not isinstance(value, str):
            raise UserError(f"{place}: '{key}' holds {value!r}", "expected texts")
    return values


def _nanoseconds(value: Any, factor: int, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{what} is {value!r}", "expected a number")
    if not (math.isfinite(value) and value >= 0):
        raise UserError(f"{what} is {value}", "expected a time that is not negative")
    return round(value * factor)


def _likeness(a: Signature, b: Signature) -> int:
    """How many arguments and inputs agree."""
    inputs = sum(x == y for x, y in zip(a.inputs, b.inputs, strict=False))
    return len(set(a.arguments) & set(b.arguments)) + inputs
