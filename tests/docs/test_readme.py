"""What the README shows is what happens: its commands, their output, its script, its links."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from drawloom.cli import app
from drawloom.frontend import elaborate
from drawloom.ir import Source

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

CHEAP = frozenset({"check", "show", "price", "sample", "opt", "zoo"})
"""Commands that are run; of the others the options are parsed."""


FLAT = """network flat(image: f32[1, 28, 28]) {
    return image |> conv(4, kernel=3, stride=2) |> relu |> flatten |> linear(10)
}"""
"""A network that tells images apart even untrained."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)


def sessions() -> list[tuple[str, list[str]]]:
    """Every command line of the README with the lines that it shows below."""
    found: list[tuple[str, list[str]]] = []
    for line in "".join(blocks("console")).splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ drawloom "), []))
        else:
            found[-1][1].append(line)
    return found


def words(command: str) -> list[str]:
    return shlex.split(command.partition(" > ")[0])


CHEAP_SESSIONS = [s for s in sessions() if words(s[0])[0] in CHEAP]


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize(("command", "shown"), CHEAP_SESSIONS, ids=[s[0] for s in CHEAP_SESSIONS])
def test_commands_print_what_is_shown(command: str, shown: list[str]) -> None:
    done = CliRunner().invoke(app, words(command))
    assert done.exit_code == 0, done.output
    printed = [steady(line) for line in done.stdout.splitlines()]
    at = 0
    for before, line in pairwise(["", *map(steady, shown)]):
        if line == "...":
            continue
        place = printed.index(line, at)
        assert before == "..." or place == at, f"{line!r} does not follow"
        at = place + 1
    assert not shown or shown[-1] == "..." or at == len(printed)


def steady(line: str) -> str:
    """A line without what differs from run to run: times and rates."""
    return re.sub(r"in [\d.]+ s: [\d,]+ a second", "in T s: N a second", line)


def test_every_command_and_option_exists() -> None:
    commands: dict[str, Any] = vars(typer.main.get_command(app))["commands"]
    for line, _ in sessions():
        name, *arguments = words(line)
        with commands[name].make_context(name, arguments):
            pass
    assert {words(line)[0] for line, _ in sessions()} >= {
        *CHEAP,
        "bench",
        "train",
        "export",
        "search",
        "report",
    }


def test_the_script_classifies_the_test_images(tmp_path: Path) -> None:
    pytest.importorskip("tvm", reason="TVM is not installed")
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from drawloom.backends.torch import to_torch
    from drawloom.backends.tvm import compile_network
    from drawloom.backends.weights import initialise
    from drawloom.tasks import load_task

    network = elaborate(Source("flat.loom", FLAT))
    weights = initialise(network, seed=0)
    compile_network(network).export_library(tmp_path / "network.so", weights)
    (script,) = blocks("python")
    assert len([line for line in script.splitlines() if line and "import" not in line]) <= 10
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "network.so")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    recipe = load_task("fashion_mnist").recipe()
    assert f"- {recipe.mean[0]}) / {recipe.std[0]}" in script
    with np.load(ROOT / "tasks" / "data" / "fashion_mnist" / "fashion_mnist_10k.npz") as data:
        images, labels = data["x_test"], data["y_test"]
    given = ((images[:, None] / 255 - recipe.mean[0]) / recipe.std[0]).astype(np.float32)
    with torch.inference_mode():
        found = to_torch(network, weights).eval()(torch.from_numpy(given)).numpy().argmax(1)
    assert len(set(found)) > 2, "a network that always says the same tells little"
    right = int((found == labels).sum())
    assert done.stdout == f"{right} of 2000 test images are classified correctly\n"


def test_links_lead_somewhere() -> None:
    text = re.sub(r"^```.*?^```$", "", README, flags=re.DOTALL | re.MULTILINE)
    links = re.findall(r"\]\(([^)#]+)", text)
    assert "docs/images/report.png" in links
    for link in links:
        assert (ROOT / link).is_file(), link


def test_the_program_shown_is_that_of_the_zoo() -> None:
    (program,) = re.findall(r"^```\n(network.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
    zoo = (ROOT / "zoo" / "spaces" / "mobile_fashion.loom").read_text(encoding="utf-8")
    source = {line for line in zoo.splitlines() if line.strip()}
    assert [line for line in program.splitlines() if line.strip() and line not in source] == []
