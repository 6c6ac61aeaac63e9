"""A space as a set of assignments: how many there are, random ones, and small changes of one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from drawloom.ir import Assignment, Module, UserError, check_assignment, unknown

from .activity import active_decisions
from .batch import Batch, Positions, position_type
from .constraints import has_filters, satisfied

Seed = int | Sequence[int] | np.random.Generator

_TRIES = 200
"""Rounds of drawing after which a constraint is taken to be impossible to meet."""

_LARGEST_DRAW = 2**18
"""Most assignments that are drawn in one round for those among them that meet rare constraints."""


def space_size(module: Module) -> int:
    """The number of assignments of a module, constraints not counted; 1 for a resolved network."""
    return math.prod(len(d) for d in module.decisions.values())


def sample(module: Module, n: int, seed: Seed = 0, *, constrained: bool = True) -> Batch:
    """Draw assignments uniformly at random, independently, with repetition.

    Args:
        module: a space; of a resolved network all assignments are empty.
        n: how many.
        seed: a seed or a generator; equal seeds give equal batches.
        constrained: whether only assignments that meet the space's ``require`` constraints are given.

    Raises:
        UserError: when drawing many times does not find enough assignments that meet the constraints.
    """
    rng = np.random.default_rng(seed)
    if not constrained or not has_filters(module):
        return _draw(module, n, rng)
    found: list[Positions] = []
    missing, wanted, tried = n, n, 0
    for _ in range(_TRIES):
        drawn = _draw(module, wanted, rng)
        good = drawn.positions[:, satisfied(module, drawn)][:, :missing]
        found.append(good)
        missing -= good.shape[1]
        if missing == 0:
            return Batch(drawn.decisions, np.concatenate(found, axis=1))
        tried += wanted
        # as many as it took so far; at least a handful, so that a rare solution is found in few rounds
        likely = missing * tried // max(1, n - missing)
        wanted = max(missing * 2, 1024, min(likely, _LARGEST_DRAW))
    raise UserError(
        f"found {n - missing} of {n} candidates that meet the constraints of '{module.name}'",
        "relax a 'require' of the space",
    )


def _draw(module: Module, n: int, rng: np.random.Generator) -> Batch:
    decisions = tuple(module.decisions.values())
    kind = position_type(decisions)
    positions = np.empty((len(decisions), n), dtype=kind)
    for row, decision in zip(positions, decisions, strict=True):
        row[:] = rng.integers(len(decision), size=n, dtype=kind)
    return Batch(decisions, positions)


def mutate(
    module: Module,
    assignment: Mapping[str, object],
    rng: np.random.Generator,
    n: int = 1,
    active: bool = True,
) -> Assignment:
    """Change some decisions of an assignment to other values, all choices uniform.

    Args:
        module: the space.
        assignment: a value for every decision.
        rng: source of randomness.
        n: how many decisions change.
        active: whether only decisions change that matter in the assignment (`active_decisions`).

    Raises:
        UserError: when there are fewer than `n` such decisions, or no change that was tried meets the
            constraints.
    """
    values = check_assignment(module.decisions, assignment, partial=False)
    matter = active_decisions(module, values) if active else frozenset(module.decisions)
    names = [name for name in module.decisions if name in matter]
    if not 0 < n <= len(names):
        raise UserError(
            f"{n} decisions cannot change, only 1 to {len(names)}", "these are the decisions that matter"
        )
    for _ in range(_TRIES):
        changed = dict(values)
        for position in rng.choice(len(names), size=n, replace=False):
            decision = module.decisions[names[position]]
            step = int(rng.integers(1, len(decision)))
            changed[decision.name] = decision.domain[
                (decision.index(values[decision.name]) + step) % len(decision)
            ]
        if not has_filters(module) or satisfied(module, Batch.of(module, [changed]))[0]:
            return changed
    raise UserError(
        f"no change of {n} decisions that was tried meets the constraints of '{module.name}'",
        "relax a 'require' of the space, or change more decisions",
    )


def crossover(
    module: Module,
    first: Mapping[str, object],
    second: Mapping[str, object],
    rng: np.random.Generator,
    method: str = "uniform",
) -> Assignment:
    """A child of two assignments: each decision has its value in one of them.

    Only decisions that matter in both parents are mixed. One that matters in a single parent has that
    parent's value, since the other's means nothing (`active_decisions`); one that matters in neither, the
    first's.

    Args:
        module: the space.
        first: a value for every decision.
        second: another value for every decision.
        rng: source of randomness.
        method: ``uniform``: each decision comes from either parent with equal probability; ``one-point``:
            those before a random cut, in the order of the space, come from the first, the rest from the
            second.

    Raises:
        UserError: when an assignment does not fit, the method does not exist, or no child that was tried
            meets the constraints.
    """
    if method not in _METHODS:
        raise unknown("method of crossover", method, _METHODS)
    parents = tuple(check_assignment(module.decisions, p, partial=False) for p in (first, second))
    matter = tuple(active_decisions(module, p) for p in parents)
    origin = {name: int(name in matter[1] and name not in matter[0]) for name in module.decisions}
    mixed = [name for name in module.decisions if name in matter[0] and name in matter[1]]
    for _ in range(_TRIES):
        origin.update(zip(mixed, _METHODS[method](len(mixed), rng), strict=True))
        child = {name: parents[origin[name]][name] for name in module.decisions}
        if not has_filters(module) or satisfied(module, Batch.of(module, [child]))[0]:
            return child
    raise UserError(
        f"no child of the two assignments that was tried meets the constraints of '{module.name}'",
        "relax a 'require' of the space, or cross other parents",
    )


def _uniform(n: int, rng: np.random.Generator) -> list[int]:
    """The parent, 0 or 1, of each of n decisions."""
    origins: list[int] = rng.integers(2, size=n).tolist()
    return origins


def _one_point(n: int, rng: np.random.Generator) -> list[int]:
    cut = int(rng.integers(1, n)) if n > 1 else n
    return [0] * cut + [1] * (n - cut)


_METHODS = {"uniform": _uniform, "one-point": _one_point}
