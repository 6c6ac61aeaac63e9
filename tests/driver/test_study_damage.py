"""Damaged studies: said so, and left alone."""

import json
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from drawloom.ir import Module, UserError
from drawloom.study import Study
from drawloom.study_folder import StudyFolder

Make = Callable[..., Study]

pytestmark = pytest.mark.usefixtures("evaluators")


def test_no_study(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no study"):
        Study.open(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"it has no study\.json"):
        Study.open(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is damaged"),
        ('{"format": 1, "space"', "is damaged"),
        ("[]", "holds no JSON object"),
        ('{"format": 99}', "has format 99"),
        ('{"format": 1}', "is damaged: space: Field required"),
    ],
)
def test_a_damaged_description_is_said_so(make: Make, toy: Module, content: str, message: str) -> None:
    study = make(toy)
    study.folder.config.write_text(content)
    with pytest.raises(UserError, match=message):
        Study.open(study.folder.root)
    assert study.folder.config.read_text() == content


def test_a_wrong_value_in_the_description_is_named(make: Make, toy: Module) -> None:
    study = make(toy)
    data = json.loads(study.folder.config.read_text())
    data["budget"] = "many"
    study.folder.config.write_text(json.dumps(data))
    with pytest.raises(UserError, match=r"study\.json' is damaged: budget: "):
        Study.open(study.folder.root)


def test_a_damaged_space_is_said_so(make: Make, toy: Module) -> None:
    study = make(toy)
    study.folder.space.write_text(study.folder.space.read_text().replace("8", "9"))
    with pytest.raises(UserError, match=r"space\.ir' is damaged"):
        Study.open(study.folder.root)


def test_a_missing_space_is_said_so(make: Make, toy: Module) -> None:
    study = make(toy)
    study.folder.space.unlink()
    with pytest.raises(UserError, match=r"space\.ir' is missing"):
        Study.open(study.folder.root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"median": 2.5e-05, "lower_', "is damaged: Unterminated string"),
        ('{"median": "fast"}', "is damaged: 'median' is 'fast' instead of seconds"),
        ('{"median": -1}', "is damaged: 'median' is -1 instead of seconds"),
        ('{"median": Infinity}', "is damaged: 'median' is inf instead of seconds"),
        (
            '{"median": 2e-5, "upper_quartile": 3e-5}',
            "is damaged: 'lower_quartile' is None instead of seconds",
        ),
    ],
)
def test_a_damaged_timing_is_said_so_and_left_alone(
    make: Make, toy: Module, content: str, message: str
) -> None:
    study = make(toy)
    study.run(1, workers=1, evaluator="evaluators:pretend")
    path = study.folder.remeasurement(0)
    path.write_text(content)
    with pytest.raises(UserError, match=message):
        _ = study.trials
    assert path.read_text() == content


@pytest.mark.parametrize("damage", ["missing", "empty", "text", "half", "scribbled", "no tables"])
def test_a_damaged_database_is_said_so_and_left_alone(make: Make, toy: Module, damage: str) -> None:
    study = make(toy)
    study.run(4, workers=1, evaluator="evaluators:pretend")
    path = study.folder.database
    content = path.read_bytes()
    damaged = {
        "empty": b"",
        "text": b"this is no database" * 100,
        "half": content[: len(content) // 2],
        "scribbled": content[:4096] + os.urandom(len(content) - 4096),
    }
    if damage == "missing":
        path.unlink()
    elif damage == "no tables":
        path.unlink()
        with closing(sqlite3.connect(path)) as file:
            file.execute("CREATE TABLE a (b)")
    else:
        path.write_bytes(damaged[damage])
    before = path.read_bytes() if path.exists() else None
    with pytest.raises(UserError, match=r"the database '.*study\.db' is (missing|damaged)"):
        Study.open(study.folder.root)
    assert (path.read_bytes() if path.exists() else None) == before


def test_half_a_study_is_never_seen(
    make: Make, tmp_path: Path, toy: Module, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: StudyFolder, config: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(StudyFolder, "write_config", fail)
    with pytest.raises(UserError, match="cannot be made: No space left on device"):
        make(toy, budget=9)
    assert list((tmp_path / "runs").iterdir()) == []
