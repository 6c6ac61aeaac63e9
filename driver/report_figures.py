"""The figures of a report, as plain Plotly JSON: data and layout; colours and fonts are the page's affair."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from drawloom.ir import choice_text

from .quantity import count_text, short_count

if TYPE_CHECKING:
    from .report_run import Measure, Run
    from .trial import TrialRecord

Figure = dict[str, Any]


def trade_off(run: Run) -> Figure:
    """Every network as a point: the first objective upwards, the second or the size to the right."""
    from .report_run import measure

    up = run.measures[0]
    right = run.measures[1] if len(run.measures) > 1 else measure("parameters")
    front = set(run.front)
    rest = [t for t in run.complete if t.number not in front]
    best = sorted(run.best, key=lambda t: value(t, right))
    data = [
        _points(run, rest, right, up, name="other networks", role="muted"),
        _points(run, best, right, up, name="on the front", role="accent"),
    ]
    data[1] |= {
        "mode": "lines+markers+text",
        "text": [f"#{t.number}" for t in best],
        "textposition": "top left",
        "cliponaxis": False,
    }
    data[1]["line"] = {"shape": "hv" if up.maximise else "vh", "width": 1.5, "dash": "dot"}
    return {
        "data": data,
        "layout": {"xaxis": _axis(right), "yaxis": _axis(up), "hovermode": "closest", "height": 460},
    }


def value(trial: TrialRecord, m: Measure) -> float:
    """An objective of a trial; prices are known even where they are no objective."""
    found = trial.values.get(m.name)
    return float(found if found is not None else getattr(trial, m.name))


def _axis(m: Measure) -> dict[str, Any]:
    return {"title": {"text": m.axis}, "rangemode": "normal"}


def _points(
    run: Run, trials: list[TrialRecord], x: Measure, y: Measure, *, name: str, role: str
) -> dict[str, Any]:
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "meta": role,
        "x": [value(t, x) * x.scale for t in trials],
        "y": [value(t, y) * y.scale for t in trials],
        "customdata": [hover_text(run, t) for t in trials],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    if x.name == "latency":
        trace["error_x"] = _quartiles(trials, x.scale)
    return trace


def _quartiles(trials: list[TrialRecord], scale: float) -> dict[str, Any]:
    above, below = [], []
    for trial in trials:
        centre, m = trial.values["latency"], trial.measurement or {}
        above.append(max(0.0, m.get("upper_quartile", centre) - centre) * scale)
        below.append(max(0.0, centre - m.get("lower_quartile", centre)) * scale)
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "thickness": 1,
        "width": 0,
    }


def hover_text(run: Run, trial: TrialRecord) -> str:
    """What a point tells when one points at it: objectives, prices, decisions."""
    lines = [f"<b>network #{trial.number}</b>"]
    lines += [f"{m.title}: {m.text(trial.values[m.name])}" for m in run.measures]
    if trial.parameters is not None and trial.multiply_adds is not None:
        lines.append(
            f"{count_text(trial.parameters)} parameters, {short_count(trial.multiply_adds)} multiply-adds"
        )
    choices = [f"{html.escape(name)} = {html.escape(choice_text(v))}" for name, v in trial.assignment.items()]
    if len(choices) > 24:
        choices = [*choices[:24], f"... {len(choices) - 24} more decisions"]
    return "<br>".join([*lines, "", *choices])


def progress(run: Run) -> list[tuple[str, Figure]]:
    """Small figures over the trials, with titles: hypervolume, then each objective."""
    figures = [
        (f"{m.title[0].upper()}{m.title[1:]} of each network", _progress_of(run, m)) for m in run.measures
    ]
    if len(run.measures) > 1:
        figures.insert(0, ("Quality of the front (hypervolume)", _hypervolume(run)))
    if any(len(t.intermediate) > 1 for t in run.complete):
        figures.append(("Validation accuracy while training", _learning(run)))
    return figures


def _learning(run: Run) -> Figure:
    """One line a network, those of the front last and so on top."""
    front = set(run.front)
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "meta": "accent" if t.number in front else "muted",
            "name": f"#{t.number}",
            "x": [epoch for epoch, _, _ in t.intermediate],
            "y": [100 * accuracy for _, _, accuracy in t.intermediate],
            "line": {"width": 2 if t.number in front else 1},
        }
        for t in sorted(run.complete, key=lambda t: t.number in front)
    ]
    figure = _small(traces, "validation accuracy (%)")
    figure["layout"]["xaxis"] = {"title": {"text": "epoch"}, "dtick": 1}
    return figure


def _progress_of(run: Run, m: Measure) -> Figure:
    numbers = [t.number for t in run.complete]
    values = [t.values[m.name] * m.scale for t in run.complete]
    best, so_far = [], None
    for v in values:
        so_far = v if so_far is None else m.best([so_far, v])
        best.append(so_far)
    points: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "meta": "muted",
        "name": "a network",
        "x": numbers,
        "y": values,
    }
    line: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines",
        "meta": "accent",
        "name": "best so far",
        "x": numbers,
        "y": best,
    }
    line["line"] = {"shape": "hv", "width": 2}
    return _small([points, line], m.axis)


def _hypervolume(run: Run) -> Figure:
    numbers = [t.number for t in run.complete]
    line: dict[str, Any] = {"type": "scatter", "mode": "lines", "meta": "accent", "name": "hypervolume"}
    line |= {"x": numbers, "y": hypervolumes(run), "line": {"shape": "hv", "width": 2}, "fill": "tozeroy"}
    return _small([line], "share of the range covered (%)")


def hypervolumes(run: Run) -> list[float]:
    """After each complete trial, how much of the box between worst and best values is dominated, in %."""
    from .front import hypervolume

    columns = []
    for m in run.measures:
        values = [t.values[m.name] for t in run.complete]
        low, high = min(values), max(values)
        width = (high - low) or 1.0
        # Costs from 0 (best) to 1 (worst).
        columns.append([(high - v if m.maximise else v - low) / width for v in values])
    points = list(zip(*columns, strict=True))
    reference = (1.0,) * len(run.measures)
    return [100 * hypervolume(points[: n + 1], reference) for n in range(len(points))]


def _small(data: list[dict[str, Any]], axis: str) -> Figure:
    layout = {
        "xaxis": {"title": {"text": "trial"}, "tickformat": "d", "nticks": 6},
        "yaxis": {"title": {"text": axis}},
        "height": 260,
        "showlegend": False,
    }
    return {"data": data, "layout": layout}
