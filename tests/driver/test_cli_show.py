"""`drawloom show`, `check`, `sample`, `price`: what is in a space and its candidates."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_space
from typer.testing import CliRunner

import drawloom
from drawloom.cli import app
from drawloom.ir import parse_module


@pytest.fixture
def space(tmp_path: Path) -> Path:
    return tiny_space.write(tmp_path)


def run(*arguments: object, stdin: str | None = None) -> str:
    result = CliRunner().invoke(app, [str(a) for a in arguments], input=stdin)
    assert result.exit_code == 0, result.output
    return result.stdout


def run_json(*arguments: object) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_show_lists_the_decisions_and_the_size(space: Path) -> None:
    text = run("show", space)
    assert "stem" in text
    assert "4, 8, 12" in text
    assert "4 decisions, 24 candidates" in text


def test_show_json_of_a_space(space: Path) -> None:
    found = run_json("show", space)
    assert found["candidates"] == 24
    assert [d["name"] for d in found["decisions"]] == list(tiny_space.DECISIONS)


def test_a_pipe_gets_whole_lines(space: Path) -> None:
    text = run("show", space)
    assert max(map(len, text.splitlines())) < 500
    assert "stage[0].layer[1].separable.kernel" in text
    assert "…" not in text
    assert "\x1b" not in text


def test_show_of_a_part_of_the_decisions_leaves_the_others(space: Path) -> None:
    found = run_json("show", space, "--assign", "stem=8", "--assign", "stage[0].depth=2")
    assert [d["name"] for d in found["decisions"]] == list(tiny_space.DECISIONS[2:])


def test_show_of_a_network_agrees_with_the_price(space: Path, tmp_path: Path) -> None:
    file = tmp_path / "first.json"
    file.write_text(json.dumps(tiny_space.FIRST), encoding="utf-8")
    shown = run_json("show", space, "--assignment", file)
    priced = run_json("price", space, "--assignment", file)
    assert shown["parameters"] == priced["parameters"] == sum(p["parameters"] for p in shown["parts"])
    assert shown["multiply_adds"] == priced["multiply_adds"]
    assert shown["outputs"] == ["f32[10]"]


@pytest.mark.parametrize("command", ["show", "price"])
def test_what_is_counted_is_said_on_the_command_line(space: Path, tmp_path: Path, command: str) -> None:
    file = tmp_path / "first.json"
    file.write_text(json.dumps(tiny_space.FIRST), encoding="utf-8")
    plain = run_json(command, space, "--assignment", file)
    more = run_json(command, space, "--assignment", file, "--count", "conv+linear+bn")
    norms = run_json(command, space, "--assignment", file, "--count", "bn")["multiply_adds"]
    assert more["multiply_adds"] - plain["multiply_adds"] == norms > 0
    assert more["parameters"] == plain["parameters"]
    wrong = CliRunner().invoke(app, [command, str(space), "--count", "conv+liner"])
    assert wrong.exit_code == 1
    assert "did you mean 'linear'?" in wrong.stderr


AUXILIARY = """
block head(x) = x |> global_avg_pool |> linear(10)
network n(image: f32[1, 8, 8]) {
    x = image |> conv(4, kernel=3)
    x = auxiliary(x, head(x))
    return x |> global_avg_pool |> linear(10)
}
"""


def test_heads_are_rows_when_they_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "n.loom"
    path.write_text(AUXILIARY, encoding="utf-8")
    plain, whole = run("show", path), run("show", path, "--count", "conv+linear+auxiliary")
    assert "auxiliary heads besides: 50 parameters, 40 multiply-adds" in plain
    assert not re.search(r"^head ", plain, flags=re.MULTILINE)
    assert re.search(r"^head .* 1 +50 +40$", whole, flags=re.MULTILINE)
    assert "136 parameters, 2,384 multiply-adds (conv+linear+auxiliary)" in whole
    found = run_json("show", path)
    assert found["parameters"] == sum(p["parameters"] for p in found["parts"]) == 86


def test_show_counts_parameters_in_other_ways(space: Path) -> None:
    found = run_json("show", space, "--seed", 0)
    few, usual, many = (
        found[n] for n in ("parameters_without_batch_norm", "parameters", "parameters_with_statistics")
    )
    assert many - usual == usual - few > 0


def test_the_table_of_mobilenet_v2_is_that_of_its_paper() -> None:
    lines = run("show", "mobilenet_v2").splitlines()
    rows = [line for line in lines if "inverted_residual" in line]
    arguments = [dict(re.findall(r"(\w+)=(\d+)", row)) for row in rows]
    found = [(a["t"], a["out"], row.split()[-3], a["s"]) for a, row in zip(arguments, rows, strict=True)]
    # Sandler et al., 2018, table 2: t, c, n and the stride of the first layer
    assert [tuple(map(int, row)) for row in found] == [
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ]


def test_flags_override_the_file(space: Path, tmp_path: Path) -> None:
    file = tmp_path / "first.json"
    file.write_text(json.dumps(tiny_space.FIRST), encoding="utf-8")
    small = run_json("price", space, "--assignment", file)
    large = run_json("price", space, "--assignment", file, "--assign", "stem=12")
    assert large["parameters"] > small["parameters"]


def test_show_levels_look_into_calls(space: Path) -> None:
    shallow, deep = (run("show", space, "--seed", 0, "--levels", n) for n in (1, 3))
    assert "conv2d" not in shallow
    assert "conv2d" in deep
    assert "kernel=3 stride=4" in deep


def test_show_ir_can_be_read_back(space: Path, tmp_path: Path) -> None:
    text = run("show", space, "--seed", 0, "--ir")
    assert parse_module(text).resolved
    path = tmp_path / "network.ir"
    path.write_text(text, encoding="utf-8")
    assert run("show", path) == run("show", space, "--seed", 0)


def test_the_same_seed_fills_in_the_same_decisions(space: Path) -> None:
    texts = {run("show", space, "--seed", seed, "--ir") for seed in (0, 0, 1, 2, 3, 4)}
    assert 1 < len(texts) < 6
    fixed = run_json("show", space, "--seed", 1, "--assign", "stem=12")
    assert fixed["parts"][0]["output"].startswith("f32[12,")


def test_check_good_files(space: Path) -> None:
    assert "good, 4 decisions, 24 candidates" in run("check", space)
    (found,) = run_json("check", space)
    assert found["diagnostics"] == []
    assert found["candidates"] == 24


def test_check_reports_all_files(space: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.loom"
    bad.write_text("network bad(image: f32[1, 28, 28]) { return image |> relux }", encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(bad), str(space), "--json"])
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)
    # counted from 0, as editors do
    assert first["diagnostics"][0]["range"]["start"] == {"line": 0, "character": 53}
    assert second["diagnostics"] == []


UNSETTLED = """
network unsettled(image: f32[1, 8, 8]) {
    a = image |> conv(choose left from [4, 8], kernel=1)
    b = image |> conv(choose right from [4, 8], kernel=1)
    return a + b
}
"""


SETTLED_ONLY_BY_DRAWING = """
network wide(image: f32[1, 8, 8]) {
    total = 0
    for i in 0..12 { total = total + (choose width from [1, 2, 3, 4]) }
    a = image |> conv(total, kernel=1)
    b = image |> conv(total + 1 - 1, kernel=1)
    return a + b
}
"""


def test_check_draws_candidates_where_dimensions_are_open(tmp_path: Path) -> None:
    path = tmp_path / "wide.loom"
    path.write_text(SETTLED_ONLY_BY_DRAWING, encoding="utf-8")
    text = run("check", path, "--samples", 300)
    assert "dimension checks hold for all of 300 candidates drawn" in text
    (found,) = run_json("check", path, "--samples", 300)
    assert found["sampled"] == 300
    assert found["open_checks"] > 0


def test_check_names_a_candidate_whose_dimensions_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "unsettled.loom"
    path.write_text(UNSETTLED, encoding="utf-8")
    result = CliRunner().invoke(app, ["check", str(path)])
    assert result.exit_code == 1
    assert f"{path}:5:12" in result.stderr
    assert re.search(r"\d+ of 2000 candidates drawn, such as left=[48], right=[48]", result.stderr)


def test_sample_gives_assignments_that_can_be_given_back(space: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in run("sample", space, "-n", 3, "--seed", 1, "--json").splitlines()]
    assert len(lines) == 3
    file = tmp_path / "one.json"
    file.write_text(json.dumps(lines[2]["assignment"]), encoding="utf-8")
    assert run_json("price", space, "--assignment", file)["parameters"] == lines[2]["parameters"]
    file.write_text(json.dumps(lines[1]), encoding="utf-8")
    assert run_json("price", space, "--assignment", file)["parameters"] == lines[1]["parameters"]


def test_sample_for_people(space: Path) -> None:
    (line,) = run("sample", space, "-n", 1).splitlines()
    assert line.startswith("parameters=")
    assert "stem=" in line


def test_price_summary_is_that_of_the_batch(space: Path) -> None:
    found = run_json("price", space, "--random", 200, "--seed", 3)
    module = drawloom.load(space)
    exact = drawloom.price(module, drawloom.sample(module, 200, seed=3)).parameters
    assert found["candidates"] == 200
    summary = found["prices"]["parameters"]
    assert (summary["min"], summary["median"], summary["max"]) == (exact.min(), np.median(exact), exact.max())
    assert "a second" in run("price", space, "--random", 10)


def test_price_csv(space: Path, tmp_path: Path) -> None:
    out = tmp_path / "prices.csv"
    run("price", space, "--random", 50, "--out", out)
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert len(rows) == 50
    assert set(tiny_space.DECISIONS) < set(rows[0])
    assigned = [f"{name}={rows[7][name]}" for name in tiny_space.DECISIONS]
    one = run_json("price", space, *(word for pair in assigned for word in ("--assign", pair)))
    assert str(one["multiply_adds"]) == rows[7]["multiply_adds"]


def test_price_npz(space: Path, tmp_path: Path) -> None:
    out = tmp_path / "prices.npz"
    run("price", space, "--random", 50, "--out", out)
    with np.load(out, allow_pickle=False) as file:
        assert file["positions"].shape == (4, 50)
        assert file["parameters"].shape == (50,)
        assert [d["name"] for d in json.loads(str(file["decisions"]))] == list(tiny_space.DECISIONS)


def test_price_to_an_unknown_ending(space: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["price", str(space), "--out", str(tmp_path / "prices.cvs")])
    assert result.exit_code == 1
    assert "did you mean '.csv'?" in result.stderr
    assert not list(tmp_path.glob("prices*"))


def write_table(path: Path, name: str, entries: list[dict[str, Any]]) -> Path:
    head = {"format": "drawloom latency table", "version": 1, "name": name, "device": "none", "unit": "ns"}
    path.write_text(json.dumps({**head, "entries": entries}), encoding="utf-8")
    return path


ENTRIES = [
    {"name": "linear", "arguments": {"out": 10, "bias": True}, "inputs": ["f32[4]"], "time": 2000},
    {"name": "conv", "arguments": {}, "inputs": [], "time": 1},
]


def test_price_with_latency_tables(tmp_path: Path) -> None:
    file = tmp_path / "n.loom"
    file.write_text("network n(x: f32[4]) = x |> linear(10)\n", encoding="utf-8")
    tables = [write_table(tmp_path / f"{name}.json", name, ENTRIES) for name in ("phone", "board")]
    flags = [word for table in tables for word in ("--latency", table)]
    found = run_json("price", file, *flags)
    assert found["latency_ns_phone"] == found["latency_ns_board"] == 2000
    assert "latency ns phone" in run("price", file, *flags)
    run("price", file, "--random", 2, *flags, "--out", tmp_path / "prices.csv")
    assert (tmp_path / "prices.csv").read_text(encoding="utf-8").startswith("parameters,")
    with (tmp_path / "prices.csv").open(encoding="utf-8") as rows:
        assert [row["latency_ns_phone"] for row in csv.DictReader(rows)] == ["2000"] * 2


def test_price_with_a_table_that_lacks_an_entry(space: Path, tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.json", "phone", ENTRIES)
    result = CliRunner().invoke(app, ["price", str(space), "--latency", str(table)])
    assert result.exit_code == 1
    assert "latency table 'phone' has no entry for linear(f32[8]; bias=true, out=10)" in result.output


def test_show_ranges(space: Path) -> None:
    found = run_json("show", space, "--range")
    module = drawloom.load(space)
    exact = drawloom.price(module, drawloom.sample(module, 2000, seed=0)).multiply_adds
    assert (found["priced"], found["complete"]) == (24, True)
    shown = found["prices"]["multiply_adds"]
    assert (shown["min"], shown["max"], shown["exact"]) == (exact.min(), exact.max(), True)
    assert list(shown["quantiles"]) == ["0.05", "0.25", "0.5", "0.75", "0.95"]
    text = run("show", space, "--range")
    assert "multiply-adds" in text
    assert "tiny: all 24 candidates" in text


def test_show_marks_sampled_bounds() -> None:
    lines = run("show", Path(__file__).parents[2] / "zoo" / "spaces" / "fbnet.loom", "--range").splitlines()
    assert {line.split()[0]: line.split()[-1] for line in lines[1:5]} == {
        "parameters": "exact",
        "multiply-adds": "exact",
        "activation": "exact",
        "depth": "sampled",
    }
    assert lines[-1] == "fbnet: quantiles of 10,000 random candidates"
