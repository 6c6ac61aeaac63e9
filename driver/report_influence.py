"""Which decisions seem to matter: the mean of each objective by the value of each decision."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drawloom.ir import Choice, choice_text

if TYPE_CHECKING:
    from .report_run import Run
    from .trial import TrialRecord


@dataclass(frozen=True, slots=True)
class Group:
    """The complete trials that took one value of a decision.

    Attributes:
        value: as text.
        trials: how many.
        on_front: how many of them are on the front.
        means: the mean of each objective, in the order of the run's.
    """

    value: str
    trials: int
    on_front: int
    means: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Influence:
    """The effect of one decision.

    Attributes:
        decision: its name.
        groups: by value, in the order of the domain; values nobody took are left out.
        effects: for each objective, the largest difference between means, as a share of the objective's
            range.
    """

    decision: str
    groups: tuple[Group, ...]
    effects: tuple[float, ...]


def influences(run: Run) -> list[Influence]:
    """The decisions that made a difference, the most influential first.

    A trial counts for a decision only where the decision is active in it. Decisions that took one value, or
    of which no two values were tried at least twice, are left out: nothing can be said about them.
    """
    active = [(t, _active(run, t)) for t in run.complete]
    front, widths = set(run.front), _widths(run)
    found = []
    for name in run.module.decisions if run.module is not None else ():
        by_value: dict[Choice, list[TrialRecord]] = defaultdict(list)
        for trial, names in active:
            if name in names:
                by_value[_key(trial.assignment, name)].append(trial)
        influence = _influence(run, name, by_value, front, widths)
        if influence is not None:
            found.append(influence)
    return sorted(found, key=lambda i: -max(i.effects))


def _active(run: Run, trial: TrialRecord) -> frozenset[str]:
    from drawloom.passes import active_decisions

    assert run.module is not None
    return active_decisions(run.module, trial.assignment)


def _key(assignment: Mapping[str, Choice], name: str) -> Choice:
    value = assignment[name]
    return tuple(value) if isinstance(value, list) else value


def _widths(run: Run) -> tuple[float, ...]:
    columns = ([t.values[m.name] for t in run.complete] for m in run.measures)
    return tuple((max(c) - min(c)) or 1.0 for c in columns) if run.complete else ()


def _influence(
    run: Run,
    name: str,
    by_value: Mapping[Choice, list[TrialRecord]],
    front: set[int],
    widths: tuple[float, ...],
) -> Influence | None:
    assert run.module is not None
    domain = [v for v in run.module.decisions[name].domain if v in by_value]
    groups = tuple(_group(run, v, by_value[v], front) for v in domain)
    solid = [g for g in groups if g.trials >= 2]
    if len(solid) < 2:
        return None
    spans = (max(g.means[i] for g in solid) - min(g.means[i] for g in solid) for i in range(len(widths)))
    return Influence(name, groups, tuple(span / width for span, width in zip(spans, widths, strict=True)))


def _group(run: Run, value: Choice, trials: list[TrialRecord], front: set[int]) -> Group:
    means = tuple(sum(t.values[m.name] for t in trials) / len(trials) for m in run.measures)
    return Group(choice_text(value), len(trials), sum(t.number in front for t in trials), means)
