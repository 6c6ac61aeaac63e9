"""What is shown while a search runs."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from drawloom.commands import progress
from drawloom.commands.progress import SearchDisplay
from drawloom.events import (
    EpochFinished,
    Event,
    Remeasuring,
    SearchStarted,
    SpaceExhausted,
    StageStarted,
    TrialEnded,
    TrialStarted,
)
from drawloom.report_run import measure
from drawloom.trial import TrialRecord

GOOD = TrialRecord(
    0,
    "complete",
    {"k": 3},
    "hash",
    values={"accuracy": 0.875, "latency": 3.6e-5},
    parameters=1234,
    multiply_adds=56789,
    measurement={"median": 3.6e-5, "lower_quartile": 3.5e-5, "upper_quartile": 4e-5},
    seconds=12.0,
)
BAD = replace(GOOD, number=1, state="failed", reason="used 5.0 GiB of memory", values={})

EVENTS: list[Event] = [
    SearchStarted(budget=3, finished=1, workers=2),
    TrialStarted(GOOD),
    StageStarted(0, "training"),
    EpochFinished(0, epoch=1, epochs=2, loss=0.5, accuracy=0.8),
    TrialEnded(GOOD, (GOOD,)),
    TrialStarted(BAD),
    TrialEnded(BAD, (GOOD,)),
    Remeasuring(done=1, rounds=2),
    Remeasuring(done=2, rounds=2),
    SpaceExhausted("all 3 were seen"),
]


def watch(events: list[Event]) -> SearchDisplay:
    with SearchDisplay([measure("accuracy"), measure("latency")]) as display:
        for event in events:
            display(event)
    return display


def test_a_pipe_gets_a_line_for_each_trial(capsys: pytest.CaptureFixture[str]) -> None:
    watch(EVENTS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "3 trials, 1 of them done before, 2 workers"
    assert lines[1] == "[2/3] #0 validation accuracy 87.5 %, latency 36.0 µs  (12.0 s)  on the front"
    assert lines[2] == "[3/3] #1 failed: used 5.0 GiB of memory"
    assert "timed the front again" in lines[3]
    assert "all 3 were seen" in lines[4]
    assert len(lines) == 5


def test_a_terminal_gets_a_bar_and_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(progress, "is_terminal", lambda: True)
    monkeypatch.setattr(progress, "terminal", lambda: console)
    watch(EVENTS)
    text = screen.getvalue()
    for piece in ("87.5 %", "36.0 µs", "35.0 µs to 40.0 µs", "56,789", "3/3", "1 failed", "used 5.0 GiB"):
        assert piece in text


def test_every_event_is_shown() -> None:
    from typing import get_args

    from drawloom import events

    known = {kind.__name__ for kind in SearchDisplay([])._handlers}
    alias = events.Event if isinstance(events.Event, str) else " | ".join(map(str, get_args(events.Event)))
    assert known == {name.strip() for name in alias.split("|")}
