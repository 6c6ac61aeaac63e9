"""The report: complete, self-contained, escaped."""

import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import made_up_study
import pytest

from drawloom.report import render_report, write_report
from drawloom.report_figures import hypervolumes
from drawloom.report_influence import influences
from drawloom.report_run import Run
from drawloom.report_sections import unbroken
from drawloom.report_source import read_run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_study.make(tmp_path_factory.mktemp("report")).folder.root


@pytest.fixture(scope="module")
def run(root: Path) -> Run:
    return read_run(root)


@pytest.fixture(scope="module")
def page(run: Run) -> str:
    return render_report(run)


LOADING = ("src", "href", "srcset", "action", "data", "poster")
"""Attributes that name something else to show or load."""


class Page(HTMLParser):
    """What the browser would fetch, which elements are open, and the texts by element."""

    VOID = frozenset({"meta", "br", "rect", "path"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.links += [given[name] or "" for name in LOADING if name in given]
        self.ids += [given["id"] or ""] if "id" in given else []
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def text(self, *without: str) -> str:
        return " ".join(data for tag, data in self.texts if tag not in without)


def figures(page: str) -> dict[str, Any]:
    found = re.findall(r'<script type="application/json" id="([^"]+)">(.*?)</script>', page, flags=re.DOTALL)
    return {name: json.loads(text) for name, text in found}


def test_the_page_is_well_formed(page: str) -> None:
    parsed = Page(page)
    assert parsed.open == []
    assert len(parsed.ids) == len(set(parsed.ids))


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    parsed = Page(page)
    # Links inside the page and to the exports beside it are all there is.
    assert {link for link in parsed.links if not link.startswith("#")} == set()
    assert "default-src 'none'" in page
    styles = " ".join(data for tag, data in parsed.texts if tag == "style")
    assert "url(" not in styles
    assert "@import" not in styles


def test_links_inside_the_page_lead_somewhere(page: str) -> None:
    parsed = Page(page)
    assert {link[1:] for link in parsed.links if link.startswith("#")} <= set(parsed.ids)


def test_all_trials_are_there(page: str, run: Run) -> None:
    points = [point for trace in figures(page)["trade-off"]["data"] for point in trace["customdata"]]
    assert len(points) == len(run.complete) == 11
    for trial in run.trials:
        assert f'<td class="number">#{trial.number}</td>' in page
        assert trial.number == made_up_study.FAILED or any(f"network #{trial.number}<" in p for p in points)


def test_the_front_is_marked_and_not_dominated(page: str, run: Run) -> None:
    rest, front = figures(page)["trade-off"]["data"]
    assert len(front["x"]) == len(run.front)
    for x, y in zip(rest["x"], rest["y"], strict=True):
        assert any(a <= x and b >= y for a, b in zip(front["x"], front["y"], strict=True))


def test_reasons_of_failures_are_told_and_escaped(page: str) -> None:
    assert made_up_study.REASON in Page(page).text("script", "style")
    assert "<300>" not in page


def test_it_says_what_how_and_where(page: str, run: Run) -> None:
    text = Page(page).text("script", "style")
    for word in ("separable", "fashion_mnist", "regularized evolution", "seed 0", "24 neural networks"):
        assert word in text
    assert run.command.startswith("drawloom search")
    assert run.command.split() == re.sub(r"\s*\\\s+--", " --", _command(page)).split()
    assert "choose kernel from [3, 5]" in text


def _command(page: str) -> str:
    (found,) = re.findall(r'<pre class="command"><code>(.*?)</code>', page, flags=re.DOTALL)
    return html.unescape(found)


def test_networks_are_drawn(page: str, run: Run) -> None:
    assert page.count('class="network" viewBox=') == min(6, len(run.front))
    assert "global avg pool" in page


def test_numbers_keep_their_units(page: str) -> None:
    (headline,) = re.findall(r"<h1>(.*?)</h1>", page)
    assert re.search(r"\d\N{NO-BREAK SPACE}%", headline)
    assert re.search(r"\d\N{NO-BREAK SPACE}µs", headline)
    assert (
        unbroken("5 samples of 2 s, 3 % more")
        == "5 samples of 2\N{NO-BREAK SPACE}s, 3\N{NO-BREAK SPACE}% more"
    )


def test_hypervolume_never_falls(run: Run) -> None:
    volumes = hypervolumes(run)
    assert volumes == sorted(volumes)
    assert 0 <= volumes[0] <= volumes[-1] <= 100


def test_influence_is_the_mean_by_value(run: Run) -> None:
    found = {influence.decision: influence for influence in influences(run)}
    groups = {group.value: group for group in found["stem"].groups}
    for value, group in groups.items():
        members = [t.values["accuracy"] for t in run.complete if str(t.assignment["stem"]) == value]
        assert group.trials == len(members)
        assert group.means[0] == pytest.approx(sum(members) / len(members))
    # A wider stem costs time: the means must say so.
    assert groups["4"].means[1] < groups["12"].means[1]


def test_it_is_written_whole_beside_the_study(root: Path) -> None:
    path = write_report(root)
    assert path == root / "report.html"
    text = path.read_text(encoding="utf-8")
    assert text.rstrip().endswith("</html>")
    assert not list(root.glob(".report*"))


def test_a_run_without_results_still_has_a_report(run: Run) -> None:
    from dataclasses import replace

    empty = replace(run, trials=tuple(t for t in run.trials if not t.complete), front=())
    page = render_report(empty)
    assert Page(page).open == []
    assert "No network was evaluated" in page


@pytest.mark.parametrize(
    "objectives", [("accuracy",), ("parameters",), ("accuracy", "latency", "parameters")], ids="-".join
)
def test_other_numbers_of_objectives(run: Run, objectives: tuple[str, ...]) -> None:
    from dataclasses import replace

    page = render_report(replace(run, objectives=objectives))
    assert Page(page).open == []
    assert len(figures(page)) == 1 + len(objectives) + (len(objectives) > 1)
