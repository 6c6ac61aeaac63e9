"""A small search space, and evaluators that other processes can import."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drawloom.frontend import elaborate
from drawloom.ir import Module, Source

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
def evaluators(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make `evaluators` importable, here and in the processes of trials."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
