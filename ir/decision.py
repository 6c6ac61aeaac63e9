"""Decisions: the symbols that a search space leaves open, their domains and assignments to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .diagnostic import UserError, suggest, unknown
from .source import Span

Choice: TypeAlias = "int | float | bool | str | tuple[int, ...]"
"""A value of a decision: a literal, the name of an arm or operation, or the positions of a k-of-n choice."""

Assignment: TypeAlias = "dict[str, Choice]"
"""Decision names to values."""


@dataclass(frozen=True)
class Decision:
    """One open decision of a search space.

    Two decisions are the same symbol when their names, domains and labels are equal.

    Attributes:
        name: stable path, such as ``normal.node[2].edge[1].op``; unique in a module.
        domain: the possible values in order, at least two, all different. A k-of-n decision has tuples of
            ascending positions.
        labels: for k-of-n and for choices between tensors, what each position stands for; empty otherwise.
        span: where the source text makes the decision.
    """

    name: str
    domain: tuple[Choice, ...]
    labels: tuple[str, ...] = ()
    span: Span | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.name, self.domain)))
        object.__setattr__(self, "_index", {(type(v), v): i for i, v in enumerate(self.domain)})

    def __hash__(self) -> int:
        return self._hash  # type: ignore[attr-defined, no-any-return]

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Decision) and self._identity == other._identity

    @property
    def _identity(self) -> tuple[object, ...]:
        # the index tells 1 from 1.0 and True, which compare equal in the domain
        return self.name, self._index, self.labels  # type: ignore[attr-defined]

    def __len__(self) -> int:
        return len(self.domain)

    def index(self, value: Choice) -> int:
        """The position of a value in the domain.

        Raises:
            UserError: when the value is not in the domain.
        """
        found: int | None = self._index.get((type(value), value))  # type: ignore[attr-defined]
        if found is None:
            near = self._by_text().get(choice_text(value))
            if near is None:
                raise UserError(
                    f"'{choice_text(value)}' is not a value of decision '{self.name}'",
                    self._way_out(choice_text(value)),
                )
            found = near
        return found

    def parse(self, text: str) -> Choice:
        """The domain's value that is written `text`.

        Raises:
            UserError: when no value is written so.
        """
        return self.domain[self.index(text)]

    def _way_out(self, text: str) -> str:
        """All values of a few, else the one nearest to a misspelt one."""
        near = suggest(text, self._by_text()) if len(self) > 6 else None
        if near is not None:
            return f"did you mean '{near}'?"
        return "expected one of " + ", ".join(choice_text(v) for v in self.domain[:20])

    def _by_text(self) -> dict[str, int]:
        return {choice_text(v): i for i, v in enumerate(self.domain)}


def choice_text(value: Choice) -> str:
    """How a value is written in assignments and databases: ``3``, ``0.25``, ``sep3``, ``true``, ``0+2``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "+".join(str(i) for i in value) if value else "none"
    return str(value)


def check_assignment(
    decisions: Mapping[str, Decision], assignment: Mapping[str, object], *, partial: bool
) -> Assignment:
    """Check an assignment against the decisions of a module and bring its values to their domain's form.

    JSON lists stand for tuples and texts for the values they write, so that assignments can come from files
    and flags.

    Args:
        decisions: the module's decisions by name.
        assignment: names to values.
        partial: whether decisions may be left out.

    Raises:
        UserError: on an unknown decision, a value outside its domain, or a missing decision.
    """
    result: Assignment = {}
    for name, value in assignment.items():
        if name not in decisions:
            raise unknown("decision", name, decisions)
        decision = decisions[name]
        given = tuple(value) if isinstance(value, list) else value
        result[name] = decision.domain[decision.index(given)]  # type: ignore[arg-type]
    if not partial and len(result) < len(decisions):
        missing = next(name for name in decisions if name not in result)
        raise UserError(
            f"decision '{missing}' is not assigned",
            f"{len(decisions) - len(result)} of {len(decisions)} are missing",
        )
    return {name: result[name] for name in decisions if name in result}


def load_assignment(text: str, origin: str = "the assignment") -> dict[str, object]:
    """Read an assignment from JSON text: an object of decision names to values.

    A record that holds one as its ``assignment``, such as a line of ``drawloom sample --json``, will do too.

    Args:
        text: JSON.
        origin: what to call it in messages.

    Raises:
        UserError: when the text is not such an object.
    """
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UserError(f"{origin} is not JSON: {error}") from None
    if not isinstance(data, dict):
        raise UserError(
            f"{origin} is no JSON object of decision names to values", f"got {type(data).__name__}"
        )
    inner = data.get("assignment")
    return inner if isinstance(inner, dict) else data
