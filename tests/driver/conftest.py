"""A small search space, studies of it, and evaluators that other processes can import."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from drawloom.frontend import elaborate
from drawloom.ir import Module, Source
from drawloom.study import Study

TOY = """
network toy(image: f32[1, 28, 28]) {
    x = image |> conv(choose stem from [4, 8, 12, 16], kernel=choose kernel from [1, 3, 5], stride=4)
    x = x |> relu |> conv(choose width from [4, 8, 12, 16], kernel=choose second from [1, 3, 5], stride=2)
    x = choose op { relu: relu(x)  hswish: hswish(x) }
    return x |> global_avg_pool |> linear(10)
}
"""


@pytest.fixture(scope="session")
def toy() -> Module:
    """A space of 288 networks that fits the task."""
    return elaborate(Source("toy.loom", TOY))


@pytest.fixture
def toy_file(tmp_path: Path) -> Path:
    """The same as a file."""
    path = tmp_path / "toy.loom"
    path.write_text(TOY)
    return path


@pytest.fixture
def evaluators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `evaluators` importable, here and in the processes of trials."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def fresh_study(toy: Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study with the usual settings, to be copied: making one takes some time."""
    path = tmp_path_factory.mktemp("studies") / "study"
    Study.create(path, toy, budget=8)
    return path


@pytest.fixture
def make(tmp_path: Path, toy: Module, fresh_study: Path) -> Callable[..., Study]:
    """Makes studies in a folder of the test; of eight trials unless `budget` says otherwise."""

    def made(space: Module, name: str = "study", **settings: Any) -> Study:
        path = tmp_path / "runs" / name
        if space is not toy or settings or path.exists():
            return Study.create(path, space, **{"budget": 8, **settings})
        shutil.copytree(fresh_study, path)
        return Study.open(path)

    return made
