"""Trials in an Optuna database: a SQLite file that Optuna, its samplers and its dashboard can read too.

Every decision is a categorical parameter whose choices are written as in assignments, validation accuracies
are intermediate values, and everything else is a user attribute.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import OptunaError
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from drawloom.ir import Decision, UserError, choice_text

from .objectives import Direction, Metric
from .trial import TrialRecord

_DIRECTIONS = {Direction.MAXIMIZE: StudyDirection.MAXIMIZE, Direction.MINIMIZE: StudyDirection.MINIMIZE}
_STATES = {
    TrialState.COMPLETE: "complete",
    TrialState.FAIL: "failed",
    TrialState.PRUNED: "failed",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "running",
}
_BUSY_SECONDS = 60
"""How long to wait while another program, such as the dashboard, writes to the file."""


class TrialStore:
    """The trials of one study.

    Only one process writes. Every method that reads or writes the file raises `UserError` when the file is
    damaged.
    """

    def __init__(
        self,
        path: Path,
        name: str,
        metrics: Sequence[Metric],
        decisions: Mapping[str, Decision],
        *,
        new: bool = False,
    ) -> None:
        """Open the database of a study, or make it.

        Args:
            path: the SQLite file.
            name: of the study in it.
            metrics: the objectives.
            decisions: of the space.
            new: whether the file is to be made; otherwise it must be there.

        Raises:
            UserError: when the file is missing, damaged, or holds another study.
        """
        self.path = path
        self.metrics = tuple(metrics)
        self.decisions = decisions
        self._distributions: dict[str, BaseDistribution] = {
            name: CategoricalDistribution([choice_text(value) for value in decision.domain])
            for name, decision in decisions.items()
        }
        if not new:
            _check_file(path)
        with self._damage_is_said(), _quiet():
            self._storage = RDBStorage(
                f"sqlite:///{path.absolute()}",
                engine_kwargs={"creator": self._connect},
                skip_table_creation=not new,
            )
            if new:
                self._study = self._storage.create_new_study(
                    [_DIRECTIONS[m.direction] for m in metrics], name
                )
            else:
                self._study = self._only_study()

    def close(self) -> None:
        """Let go of the file."""
        self._storage.engine.dispose()

    def start(self, record: TrialRecord) -> int:
        """Store a trial that begins to run; returns its number, for which the record's does not matter."""
        attributes = {
            "architecture": record.architecture,
            "origin": record.origin,
            "proposal": record.proposal,
            "parameters": record.parameters,
            "multiply_adds": record.multiply_adds,
        }
        template = FrozenTrial(
            number=-1,
            trial_id=-1,
            state=TrialState.RUNNING,
            value=None,
            datetime_start=datetime.now(),
            datetime_complete=None,
            params={name: choice_text(record.assignment[name]) for name in self.decisions},
            distributions=self._distributions,
            user_attrs=attributes,
            system_attrs={},
            intermediate_values={},
        )
        with self._damage_is_said():
            identity = self._storage.create_new_trial(self._study, template_trial=template)
            return self._storage.get_trial_number_from_id(identity)

    def epoch(self, number: int, results: Sequence[tuple[int, float, float]]) -> None:
        """Store the epochs so far of a running trial, of which the last is new."""
        epoch, _, accuracy = results[-1]
        with self._damage_is_said():
            identity = self._identity(number)
            self._storage.set_trial_intermediate_value(identity, epoch, accuracy)
            self._storage.set_trial_user_attr(identity, "epochs", [list(result) for result in results])

    def complete(self, number: int, values: Mapping[str, float], attributes: Mapping[str, Any]) -> None:
        """Store what a trial found; when this is interrupted, the trial is complete or still running."""
        with self._damage_is_said():
            identity = self._identity(number)
            for key, value in {"values": dict(values), **attributes}.items():
                self._storage.set_trial_user_attr(identity, key, value)
            costs = [float(values[metric.name]) for metric in self.metrics]
            self._storage.set_trial_state_values(identity, TrialState.COMPLETE, costs)

    def fail(self, number: int, reason: str, attributes: Mapping[str, Any]) -> None:
        """Store why a trial failed."""
        with self._damage_is_said():
            identity = self._identity(number)
            for key, value in {"reason": reason, **attributes}.items():
                self._storage.set_trial_user_attr(identity, key, value)
            self._storage.set_trial_state_values(identity, TrialState.FAIL)

    def records(self) -> list[TrialRecord]:
        """All trials, by number."""
        with self._damage_is_said():
            trials = self._storage.get_all_trials(self._study, deepcopy=False)
        return [self._record(trial) for trial in trials]

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        found = trial.user_attrs
        state = _STATES[trial.state]
        started, finished = trial.datetime_start, trial.datetime_complete
        try:
            return TrialRecord(
                number=trial.number,
                state=state,
                assignment={name: d.parse(trial.params[name]) for name, d in self.decisions.items()},
                architecture=found["architecture"],
                origin=found["origin"],
                proposal=found["proposal"],
                reason=found.get("reason", "stopped by another program") if state == "failed" else None,
                values=found["values"] if state == "complete" else {},
                parameters=found["parameters"],
                multiply_adds=found["multiply_adds"],
                measurement=found.get("measurement"),
                intermediate=tuple((int(e), float(loss), float(a)) for e, loss, a in found.get("epochs", ())),
                seconds=found.get("seconds"),
                started=started,
                finished=finished,
            )
        except (KeyError, TypeError, ValueError, UserError) as error:
            raise UserError(
                f"trial {trial.number} in '{self.path}' is not one of Drawloom's or is damaged: {error}"
            ) from None

    def _connect(self) -> sqlite3.Connection:
        """Write ahead, and let the system decide when to bring it to the disk.

        What was committed survives the death of this process at any moment, and the file stays whole even
        when the machine dies; a commit takes a tenth of the time that waiting for the disk would take.
        """
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _identity(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study, number)

    def _only_study(self) -> int:
        """The study in the file, checked against the objectives."""
        studies = self._storage.get_all_studies()
        if len(studies) != 1:
            raise UserError(f"'{self.path}' holds {len(studies)} studies where one is expected")
        wanted = [_DIRECTIONS[metric.direction] for metric in self.metrics]
        if list(studies[0].directions) != wanted:
            raise UserError(f"'{self.path}' has other objectives than the study it lies in")
        return studies[0]._study_id

    @contextmanager
    def _damage_is_said(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OptunaError, sqlite3.Error) as error:
            cause = getattr(error, "orig", None) or error.__cause__ or error
            raise UserError(
                f"the database '{self.path}' cannot be used: {str(cause).splitlines()[0]}"
            ) from error


def _check_file(path: Path) -> None:
    """Refuse what Optuna would silently replace (an empty file), and what it would stumble over later."""
    if not path.is_file():
        raise UserError(f"the database '{path}' is missing", "the study cannot be continued without it")
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_SECONDS)
        ) as file:
            (verdict,) = file.execute("PRAGMA quick_check(1)").fetchone()
            tables = {name for (name,) in file.execute("SELECT name FROM sqlite_master")}
    except sqlite3.Error as error:
        raise UserError(f"the database '{path}' is damaged: {error}", "restore it from a backup") from None
    if verdict != "ok":
        raise UserError(
            f"the database '{path}' is damaged: {verdict.splitlines()[-1]}", "restore it from a backup"
        )
    if not {"studies", "trials", "trial_params"} <= tables:
        raise UserError(f"the database '{path}' is damaged: it has no trials", "restore it from a backup")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's remark that a study was made."""
    logger = logging.getLogger("optuna.storages._rdb.storage")
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
