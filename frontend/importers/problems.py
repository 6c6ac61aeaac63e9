"""What cannot be imported: collected over the whole network and told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from drawloom.ir import InferenceError, UserError

T = TypeVar("T")
F = TypeVar("F")

NO_OPERATION = "the IR has no such operation"
"""The reason where a kind of operation is not in the table of its format."""


class Unsupported(Exception):
    """An operation that the IR cannot express; the text says why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One operation that cannot be imported.

    Attributes:
        kind: its name in the foreign format.
        place: where it stands.
        reason: why it cannot be expressed.
    """

    kind: str
    place: str
    reason: str


class UnsupportedError(UserError):
    """A network with operations that the IR cannot express.

    Attributes:
        problems: all of them, in the order of the network.
    """

    def __init__(self, origin: str, problems: Iterable[Problem]) -> None:
        """Wrap the problems, which must not be empty, of the network called `origin`."""
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = [f"{count} operation{'s' * (count > 1)} of {origin} cannot be imported"]
        for (kind, reason), places in _grouped(self.problems).items():
            lines.append(f"  {kind} ({len(places)}): {reason}")
            lines += [f"    {place}" for place in places]
        lines.append("Replace them in the network and import it again; `drawloom ops` lists what there is.")
        super().__init__("\n".join(lines))


def _grouped(problems: Iterable[Problem]) -> dict[tuple[str, str], list[str]]:
    groups: dict[tuple[str, str], list[str]] = {}
    for problem in problems:
        groups.setdefault((problem.kind, problem.reason), []).append(problem.place)
    return groups


class Problems:
    """Collects problems, so that all of a network are reported at once."""

    def __init__(self) -> None:
        """Start with none."""
        self.found: list[Problem] = []

    def attempt(self, kind: str, place: str, work: Callable[[], T], failed: F) -> T | F:
        """The result of `work`; `failed` when it cannot be expressed, which is noted."""
        try:
            return work()
        except (Unsupported, InferenceError) as error:
            self.found.append(Problem(kind, place, str(error)))
            return failed

    def raise_if_any(self, origin: str) -> None:
        """Raise everything collected.

        Raises:
            UnsupportedError: when there is at least one problem.
        """
        if self.found:
            raise UnsupportedError(origin, self.found)
