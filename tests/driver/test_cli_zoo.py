"""``drawloom zoo``, and names of the zoo where a file is expected."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from drawloom.cli import app


def run(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == code, result.output + result.stderr
    return result.stdout if code == 0 else result.stderr


def test_the_table_shows_counts_beside_published_figures() -> None:
    lines = run("zoo", "mobilenet_v2*").splitlines()
    (line,) = [line for line in lines if line.startswith("mobilenet_v2_14 ")]
    assert line.split()[:7] == ["mobilenet_v2_14", "6,108,776", "6.06M", "+0.8", "%", "582,195,824", "582M"]
    assert line.split()[7] == "="


def test_sources_say_where_figures_are_from() -> None:
    assert "mobilenet_v2_14: README of TF-slim. Published" in run("zoo", "mobilenet_v2*", "--sources")


def test_json_has_numbers() -> None:
    (found,) = json.loads(run("zoo", "mobilenet_v2_14", "--json"))
    assert (found["parameters"], found["arguments"]) == (6_108_776, {"width": 1.4})
    assert found["published"] == {"parameters": "6.06M", "multiply_adds": "582M"}
    assert found["difference"]["multiply_adds"] == 0
    assert found["difference"]["parameters"] == pytest.approx(6_108_776 / 6.06e6 - 1)


def test_no_such_network() -> None:
    assert "did you mean 'mobilenet_v2'" in run("zoo", "mobilnet_v2", code=1)


@pytest.mark.parametrize(
    "command",
    [
        ("show", "mobilenet_v2_14", "--arg", "classes=10", "--json"),
        ("opt", "mobilenet_v2_14", "-p", "canonicalize", "--arg", "classes=10"),
        ("price", "mobilenet_v2_14", "--arg", "classes=10", "--json"),
        ("draw", "mobilenet_v2_14", "--arg", "classes=10", "--out", "picture.svg"),
    ],
)
def test_commands_take_names(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the picture goes
    assert run(*command)


def test_an_export_of_a_name_is_called_like_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("export", "mobilenet_v2_14", "--arg", "size=32", "--format", "ir") == "mobilenet_v2_14\n"
    assert "module @mobilenet_v2_14" in Path("mobilenet_v2_14/network.ir").read_text(encoding="utf-8")
    assert "* made from: mobilenet_v2_14 with size=32" in Path("mobilenet_v2_14/README.md").read_text("utf-8")


def test_a_name_is_measured() -> None:
    pytest.importorskip("tvm", reason="TVM is not installed")
    sizes = [a for n in ("units=4", "vocabulary=7", "steps=2") for a in ("--arg", n)]
    found = json.loads(run("bench", "nascell_tied", *sizes, "--repeats", "3", "--json"))
    assert (found["network"], found["repeats"]) == ("nascell_tied", 3)


def test_a_name_is_searched_if_it_is_a_space() -> None:
    assert "'mobilenet_v2_14' has no open decision" in run("search", "mobilenet_v2_14", code=1)
    assert "did you mean 'mobile_fashion'" in run("search", "mobile_fashon", code=1)


def test_arguments_go_over_those_of_the_name() -> None:
    counts = json.loads(run("price", "mobilenet_v2_14", "--arg", "classes=10", "--json"))
    assert counts["parameters"] == 6_108_776 - 990 * (1792 + 1)


def test_an_argument_may_be_a_list() -> None:
    command = ("price", "nasbench201_resnet", "--network", "nasbench201_cell", "--arg")
    cell = 'cell=[["nor_conv_3x3"], ["none", "nor_conv_3x3"], ["skip_connect", "none", "skip_connect"]]'
    named = json.loads(run("price", "nasbench201_resnet", "--json"))
    assert json.loads(run(*command, cell, "--json")) == named
    assert "parameter 'cell' cannot be [{}]" in run(*command, "cell=[{}]", code=1)


def test_a_space_has_a_name() -> None:
    assert run("show", "mobile_fashion") == run("show", "zoo/spaces/mobile_fashion.loom")


def test_what_is_counted_can_be_said() -> None:
    (found,) = json.loads(run("zoo", "mobilenet_v2", "--count", "conv+linear+bn", "--json"))
    assert found["multiply_adds"] == 300_774_272 + 2 * 6_678_112
    assert "unknown" in run("zoo", "mobilenet_v2", "--count", "conv+lineer", code=1)


def test_a_small_difference_is_no_zero() -> None:
    (line,) = [line for line in run("zoo", "fbnet_b*").splitlines() if "mobile_vision" in line]
    assert "−0.03 %" in line


def test_arguments_of_a_name_are_for_its_network_only() -> None:
    # the other network of the file has no parameter `stem`; that of the name is given one
    arguments = ("pnasnet5_large", "--network", "pnasnet5_cifar")
    assert run("opt", *arguments, "-p", "dce", "--emit", "none") == ""
    assert "pnasnet5_cifar: " in run("show", *arguments)
