"""The sections of a report as HTML fragments. Every text from outside is escaped here and nowhere else."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from drawloom.ir import choice_text

from .drawing import render, whole
from .quantity import count_text, duration_text, latency_text, share_text, size_text
from .report_figures import Figure, progress, trade_off
from .report_influence import Group, Influence, influences
from .report_run import Measure, Run, spread_text

if TYPE_CHECKING:
    from .trial import TrialRecord

_DRAWN = 6
"""Networks of the front that are drawn."""
_ENOUGH = 8
"""Complete trials below which nothing is said about the influence of decisions."""
_INFLUENTIAL = 12
"""Decisions whose influence is shown."""


def escape(value: object) -> str:
    """Text for the inside of an element or a quoted attribute."""
    return html.escape(str(value))


def unbroken(text: str) -> str:
    """Text whose numbers are never parted from their units at the end of a line."""
    return re.sub(r"(?<=\d) (?=(?:%|ms|µs|s)(?:\W|$))", "\N{NO-BREAK SPACE}", text)


def table(heads: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """A table of HTML cells; heads say which columns hold numbers."""
    head = "".join(f'<th scope="col"{_numeric(numeric)}>{escape(title)}</th>' for title, numeric in heads)
    body = "".join(f"<tr>{_cells(heads, row)}</tr>" for row in rows)
    note = f"<caption>{caption}</caption>" if caption else ""
    return (
        f'<div class="scroll"><table>{note}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _cells(heads: Sequence[tuple[str, bool]], row: Sequence[str]) -> str:
    return "".join(
        f"<td{_numeric(numeric)}>{cell}</td>" for (_, numeric), cell in zip(heads, row, strict=True)
    )


def _numeric(numeric: bool) -> str:
    return ' class="number"' if numeric else ""


def figure(name: str, content: Figure) -> str:
    """A Plotly figure that the page's script draws; the data stand beside it as JSON."""
    # "</" would end the script element.
    text = json.dumps(content).replace("</", "<\\/")
    data = f'<script type="application/json" id="{name}">{text}</script>'
    return f'<div class="figure" data-figure="{name}"></div>{data}'


def tiles(run: Run) -> str:
    """The first figures."""
    items = (
        f'<li><span class="value">{escape(v)}</span><span class="what">{escape(what)}</span>'
        f'<span class="remark">{escape(remark)}</span></li>'
        for v, what, remark in run.tiles()
    )
    return f'<ul class="tiles">{"".join(items)}</ul>'


def front_figure(run: Run) -> str:
    """The trade-off, with how to read it."""
    if not run.complete:
        return "<p>There is nothing to plot.</p>"
    return figure("trade-off", trade_off(run)) + f"<p class='reading'>{_how_to_read(run)}</p>"


_LATENCY = (
    " Latency is the time of one image on one core; bars span the middle half of the repeated timings; where "
    "none is seen it is shorter than the point is wide."
)


def _how_to_read(run: Run) -> str:
    if len(run.measures) == 1:
        return f"Higher is better: the search looked for the best {escape(run.measures[0].title)} alone."
    first, second = run.measures[0], run.measures[1]
    corner = (
        f"{'Up' if first.maximise else 'Down'} and to the {'right' if second.maximise else 'left'} is better."
    )
    others = " and ".join(m.better for m in run.measures)
    bars = _LATENCY if "latency" in run.objectives else ""
    failed = f" {len(run.failed)} trials failed and are not shown." if run.failed else ""
    return (
        f"{corner} A network is <em>on the front</em> when no other network that was tried is both "
        f"{escape(others)}: every other point is a worse deal than some coloured one.{bars}{failed} "
        "Point at a network to see its decisions."
    )


def front_table(run: Run) -> str:
    """The networks of the front with their numbers and files."""
    columns = _front_columns(run)
    rows = ([cell(t) for _, _, cell in columns] for t in run.best)
    return table([(title, numeric) for title, numeric, _ in columns], rows)


def _front_columns(run: Run) -> list[tuple[str, bool, Callable[[TrialRecord], str]]]:
    """Title, whether it is numeric, and the cell of a trial, for each column."""
    drawn = set(run.front[:_DRAWN])
    columns: list[tuple[str, bool, Callable[[TrialRecord], str]]] = [
        ("network", False, lambda t: _network_link(t.number, drawn))
    ]
    if run.tested:
        columns.append(("test accuracy", True, lambda t: f"<b>{_test_accuracy(t)}</b>"))
    columns += [(m.title, True, partial(_objective_cell, m)) for m in run.measures]
    if "latency" in run.objectives:
        columns.append(("spread (middle half)", True, lambda t: escape(spread_text(t.measurement or {}))))
    for name in ("parameters", "multiply_adds"):
        if name not in run.objectives:
            columns.append((name.replace("_", "-"), True, partial(_price_cell, name)))
    return [*columns, ("files", False, lambda t: _files_link(run.exports.get(t.number)))]


def _network_link(number: int, drawn: Collection[int]) -> str:
    return f'<a href="#network-{number}">#{number}</a>' if number in drawn else f"#{number}"


def _test_accuracy(trial: TrialRecord) -> str:
    found = trial.values.get("test_accuracy")
    return "–" if found is None else share_text(found)


def _objective_cell(m: Measure, trial: TrialRecord) -> str:
    return f"<b>{escape(m.text(trial.values[m.name]))}</b>"


def _price_cell(name: str, trial: TrialRecord) -> str:
    return _count(getattr(trial, name))


def _files_link(folder: str | None) -> str:
    return "–" if folder is None else f'<a href="{escape(folder)}/">{escape(folder)}/</a>'


def _count(number: int | None) -> str:
    return "–" if number is None else count_text(number)


def progress_figures(run: Run) -> str:
    """How the search went, as small figures."""
    if not run.complete:
        return ""
    cells = (
        f"<figure><figcaption>{escape(title)}</figcaption>{figure(f'progress-{i}', content)}</figure>"
        for i, (title, content) in enumerate(progress(run))
    )
    return f'<div class="small-figures">{"".join(cells)}</div>'


def influence_table(run: Run) -> str:
    """For the most influential decisions, the mean objectives of each value."""
    found = influences(run) if len(run.complete) >= _ENOUGH else []
    if not found:
        return "<p>Too few networks were evaluated to compare the values of any decision.</p>"
    shown = found[:_INFLUENTIAL]
    spans = [_span(shown, i) for i in range(len(run.measures))]
    heads = [
        "<th scope='col'>decision</th>",
        *(_strip_head(m, span) for m, span in zip(run.measures, spans, strict=True)),
    ]
    rows = "".join(
        f"<tr><td><code>{escape(i.decision)}</code></td>{_strips(run, i, spans)}</tr>" for i in shown
    )
    rest = len(found) - len(shown)
    more = f"<p class='reading'>{rest} further decisions made less of a difference.</p>" if rest > 0 else ""
    head = f"<thead><tr>{''.join(heads)}</tr></thead>"
    return f"<div class='scroll'><table>{head}<tbody>{rows}</tbody></table></div>{more}"


def _span(shown: list[Influence], objective: int) -> tuple[float, float]:
    means = [g.means[objective] for influence in shown for g in influence.groups]
    return min(means), max(means)


def _strip_head(m: Measure, span: tuple[float, float]) -> str:
    better = "right is better" if m.maximise else "left is better"
    ends = (
        f"<span>{escape(m.text(span[0]))}</span><span>{better}</span><span>{escape(m.text(span[1]))}</span>"
    )
    return f"<th scope='col'>mean {escape(m.title)}<span class='ends'>{ends}</span></th>"


def _strips(run: Run, influence: Influence, spans: list[tuple[float, float]]) -> str:
    return "".join(f"<td>{_strip(m, influence, i, spans[i])}</td>" for i, m in enumerate(run.measures))


def _strip(m: Measure, influence: Influence, objective: int, span: tuple[float, float]) -> str:
    """The values of a decision as pills on a line, each at its mean; where they overlap, in lanes."""
    low, high = span
    pills, lanes = [], list[float]()
    for group in sorted(influence.groups, key=lambda g: g.means[objective]):
        at = 100 * (group.means[objective] - low) / ((high - low) or 1.0)
        # A pill's width in percent of the strip; it hangs to the left of its place in proportion to that
        # place.
        width = 5 + 2.6 * len(group.value)
        left = at * (1 - width / 100)
        lane = next((i for i, end in enumerate(lanes) if end <= left), len(lanes))
        lanes[lane : lane + 1] = [left + width + 1]
        pills.append(_pill(m, group, objective, at, lane))
    return f"<span class='strip' style='--lanes:{len(lanes)}'>{''.join(pills)}</span>"


def _pill(m: Measure, group: Group, objective: int, at: float, lane: int) -> str:
    mean = f"{m.text(group.means[objective])} on average of {group.trials} networks"
    tip = f"{group.value}: {mean}, {group.on_front} on the front"
    few = " class='few'" if group.trials < 2 else ""
    return f"<i{few} style='--at:{at:.1f};--lane:{lane}' title='{escape(tip)}'>{escape(group.value)}</i>"


def drawings(run: Run) -> str:
    """Pictures of the best networks."""
    return "".join(_drawing(run, trial) for trial in run.best[:_DRAWN])


def _drawing(run: Run, trial: TrialRecord) -> str:
    numbers = ", ".join(f"{m.text(trial.values[m.name])} {m.title}" for m in run.measures)
    title = f'<h3 id="network-{trial.number}">Network #{trial.number} <span>{escape(numbers)}</span></h3>'
    if run.module is None:
        return title + "<p>The space can no longer be read, so this network cannot be drawn.</p>"
    from drawloom.passes import resolve

    pictures = whole(resolve(run.module, trial.assignment), heat=True)
    picture = render(pictures, f"network #{trial.number}, from input to output", styled=False)
    return f'<article>{title}<div class="scroll">{picture}</div>{_choices(run, trial)}</article>'


def _choices(run: Run, trial: TrialRecord) -> str:
    from drawloom.passes import active_decisions

    assert run.module is not None
    active = active_decisions(run.module, trial.assignment)
    items = (
        f"<li><code>{escape(n)}</code> = {escape(choice_text(v))}</li>"
        for n, v in trial.assignment.items()
        if n in active
    )
    idle = len(trial.assignment) - len(active)
    rest = f"<p class='reading'>{idle} further decisions have no effect in this network.</p>" if idle else ""
    content = f'<ul class="choices">{"".join(items)}</ul>{rest}'
    return f"<details><summary>Its {len(active)} decisions</summary>{content}</details>"


def failures(run: Run) -> str:
    """The failed trials with their reasons."""
    if not run.failed:
        return "<p>None. Every network that was proposed was trained and measured.</p>"
    rows = [
        [f"#{t.number}", escape(t.reason or "unknown"), duration_text(t.seconds or 0.0)] for t in run.failed
    ]
    return table([("trial", False), ("reason", False), ("after", True)], rows)


def trials(run: Run) -> str:
    """Every trial in one table."""
    heads = [("trial", True), ("state", False), *((m.title, True) for m in run.measures)]
    heads += [("parameters", True), ("multiply-adds", True), ("took", True), ("came from", False)]
    front = set(run.front)
    rows = []
    for t in run.trials:
        numbers = [escape(m.text(t.values[m.name])) if m.name in t.values else "–" for m in run.measures]
        state = "on the front" if t.number in front else t.state
        took = duration_text(t.seconds) if t.seconds else "–"
        rows.append(
            [
                f"#{t.number}",
                escape(state),
                *numbers,
                _count(t.parameters),
                _count(t.multiply_adds),
                took,
                escape(t.origin or ""),
            ]
        )
    return (
        f"<details><summary>All {len(run.trials)} trials as a table</summary>{table(heads, rows)}</details>"
    )


def space(run: Run) -> str:
    """What was searched: size, decisions, text."""
    facts = [
        (
            "space",
            f"<b>{escape(run.space)}</b>, {size_text(run.candidates)} networks, "
            f"from <code>{escape(run.space_path)}</code>",
        ),
        ("trained for", f"<b>{escape(run.task)}</b>, {escape(run.task_help)}"),
        (
            "objectives",
            escape(
                ", ".join(f"{m.title} ({'more' if m.maximise else 'less'} is better)" for m in run.measures)
            ),
        ),
        (
            "strategy",
            f"{escape(run.strategy.replace('_', ' '))}, budget {run.budget} trials, seed {run.seed}",
        ),
    ]
    content = f"<pre><code>{escape(run.space_text)}</code></pre>"
    text = f"<details><summary>The text of the space</summary>{content}</details>"
    return definitions(facts) + text + _decisions(run)


def _decisions(run: Run) -> str:
    if run.module is None:
        return ""
    rows = [
        [
            f"<code>{escape(d.name)}</code>",
            str(len(d)),
            escape(", ".join(choice_text(v) for v in d.domain[:16])),
        ]
        for d in run.module.decisions.values()
    ]
    content = table([("decision", False), ("values", True), ("domain", False)], rows)
    return f"<details><summary>Its {len(rows)} decisions</summary>{content}</details>"


def definitions(facts: Iterable[tuple[str, str]]) -> str:
    """A list of names with HTML texts."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{text}</dd></div>" for name, text in facts)
    return f"<dl>{items}</dl>"


_MEASUREMENT = {
    "host": "processor",
    "target": "compiled for",
    "clock": "clock",
    "batch": "images at a time",
    "threads": "threads",
    "repeats": "samples",
    "number": "runs in each sample",
    "other_jobs": "other trials running meanwhile",
    "timestamp": "when",
}
"""Facts of a measurement that tell a reader something, and how they are called."""


def measuring(run: Run) -> str:
    """How latency was measured, as told by the measurements themselves."""
    measured = next((t.measurement for t in run.best if t.measurement), None)
    if measured is None:
        return "<p>Latency was not measured in this search.</p>"
    facts = [(title, escape(measured[key])) for key, title in _MEASUREMENT.items() if key in measured]
    facts += [("rounds", escape(_rounds_text(measured["rounds"])))] if "rounds" in measured else []
    versions = measured.get("versions")
    if isinstance(versions, dict):
        facts.append(("versions", escape(", ".join(f"{k} {v}" for k, v in versions.items()))))
    return (
        "<p>Each network was compiled by Drawloom through TVM and timed in a process of its own, with a "
        "batch of one image, after warming up. The figure given is the median of the repeats; the range "
        "beside it holds the middle half of them.</p>"
        + _settling(run)
        + "<p>The first of them, for example:</p>"
        + definitions(facts)
    )


def _rounds_text(medians: Sequence[float]) -> str:
    """In how many rounds a network was timed on the idle machine, and how far their medians lie apart."""
    return f"{len(medians)}, with medians from {latency_text(min(medians))} to {latency_text(max(medians))}"


def _settling(run: Run) -> str:
    if not any(t.remeasurement for t in run.best):
        return "<p>Networks were timed during the search, while others were being trained.</p>"
    return (
        "<p>The networks on the front were timed once more after the search, in turn and in several rounds, "
        "with nothing else running; these timings are the ones shown for them. All others were timed during "
        "the search, while networks were being trained beside them, and may look a little slower than they "
        "are.</p>"
    )


def environment(run: Run) -> str:
    """The machine and the versions."""
    facts = [*run.machine.items(), *((f"{name}", version) for name, version in run.versions.items())]
    return definitions((name, escape(text)) for name, text in facts)
