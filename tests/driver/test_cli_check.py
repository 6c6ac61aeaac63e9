"""``drawloom check``: files with several networks, with none, and with networks that need arguments."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drawloom.cli import app

OP = "op wide(x; c) = x |> conv(c, kernel=3) |> relu\n"
PLAIN = "network plain(image: f32[3, 8, 8]) = image |> wide(4)\n"
SPACE = "network space(image: f32[3, 8, 8]) = image |> wide(choose width from [4, 8])\n"
OPEN = "network any(image: f32[3, 8, 8]; c, k=3) = image |> wide(c)\n"
UNEQUAL = """network unequal(image: f32[3, 8, 8]) =
    (image |> conv(choose left from [4, 8], kernel=1)) + (image |> conv(choose right from [4, 8], kernel=1))
"""


def check(*arguments: object, code: int = 0, stdin: str | None = None) -> tuple[str, str]:
    """What is printed to standard output and to standard error."""
    result = CliRunner().invoke(app, ["check", *map(str, arguments)], input=stdin)
    assert result.exit_code == code, result.output
    return result.stdout, result.stderr


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where files are written and named relative to."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def file(*texts: str) -> str:
    Path("file.loom").write_text("".join(texts), encoding="utf-8")
    return "file.loom"


pytestmark = pytest.mark.usefixtures("write")


def test_every_network_of_a_file_is_checked() -> None:
    path = file(OP, PLAIN, SPACE)
    assert check(path) == (
        "file.loom: plain: good, a network without open decisions, 3 operations\n"
        "file.loom: space: good, 1 decisions, 2 candidates, 3 operations\n",
        "",
    )
    plain, space = json.loads(check(path, "--json")[0])
    assert (plain["network"], plain["decisions"], plain["needs"]) == ("plain", 0, None)
    assert (space["network"], space["candidates"], space["diagnostics"]) == ("space", 2, [])


def test_mistakes_of_all_networks_are_reported_together() -> None:
    path = file(OP, PLAIN, SPACE.replace("wide(", "wild("), OPEN.replace("wide(", "wilde("))
    output, errors = check(path, code=1)
    assert output == ""
    assert "file.loom:3:47" in errors
    assert "file.loom:4:53" in errors
    assert "2 errors" in errors
    (found,) = json.loads(check(path, "--json", code=1)[0])
    assert [d["code"] for d in found["diagnostics"]] == ["E0101", "E0101"]
    assert found["network"] is None


def test_a_network_that_needs_arguments_is_good_so_far() -> None:
    path = file(OP, PLAIN, OPEN)
    output, _ = check(path)
    assert "file.loom: good, but network 'any' needs a value for 'c' to be checked further\n" in output
    plain, any_ = json.loads(check(path, "--json")[0])
    assert plain["needs"] is None
    assert any_["needs"] == "network 'any' needs a value for 'c'"
    assert any_["operations"] is None


def test_a_network_and_its_arguments_can_be_asked_for() -> None:
    path = file(OP, PLAIN, OPEN)
    assert check(path, "--network", "any", "--arg", "c=4")[0].startswith("file.loom: good, a network")
    assert "E0502" in check(path, "--network", "any", "--arg", "c=0", code=1)[1]
    assert "did you mean 'plain'" in check(path, "--network", "plan", code=1)[1]
    assert "E0106" in check(path, "--arg", "c=4", code=1)[1]


def test_definitions_without_a_network_are_good() -> None:
    path = file(OP)
    assert check(path) == ("file.loom: good, definitions without a network\n", "")
    assert json.loads(check(path, "--json")[0])[0]["network"] is None


def test_definitions_without_a_network_have_known_names() -> None:
    assert "unknown name 'rleu'" in check(file(OP.replace("relu", "rleu")), code=1)[1]


def test_dimensions_that_do_not_fit_are_those_of_one_network() -> None:
    path = file(OP, UNEQUAL, PLAIN)
    output, errors = check(path, code=1)
    assert output == "file.loom: plain: good, a network without open decisions, 3 operations\n"
    assert "candidates drawn, such as left=" in errors
    unequal, plain = json.loads(check(path, "--json", code=1)[0])
    assert (unequal["network"], len(unequal["diagnostics"])) == ("unequal", 1)
    assert plain["diagnostics"] == []


def test_names_of_the_zoo_are_checked() -> None:
    name = "nasbench201_resnet"
    assert check(name)[0].startswith(f"{name}: good, a network without open decisions")
    assert "did you mean 'nasbench201_resnet'" in check("nasbench201_resnt", code=1)[1]


def test_standard_input_is_checked() -> None:
    assert check("-", stdin=OP + PLAIN + SPACE)[0].count("good") == 2


def test_textual_ir_is_checked() -> None:
    ir = CliRunner().invoke(app, ["show", file(OP, PLAIN), "--ir"]).stdout
    Path("plain.ir").write_text(ir, encoding="utf-8")
    assert check("plain.ir")[0].startswith("plain.ir: good, a network")
