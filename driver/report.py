"""The report of a search: one HTML file that needs nothing else, made from the facts of a run."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template

from drawloom.backends.files import written_whole

from . import report_sections as sections
from .quantity import count_text, size_text
from .report_run import Run


def report_text(run_folder: Path, place: Path) -> str:
    """The report of a run as HTML, for a file in the folder `place`; see `write_report` for errors."""
    from .report_source import read_run

    return render_report(read_run(run_folder, relative_to=place))


def write_report(run_folder: Path, out: Path | None = None) -> Path:
    """Write the report of a run and return its path.

    Args:
        run_folder: the folder of a study, finished or not.
        out: the file to write; ``report.html`` in the folder by default.

    Raises:
        UserError: when the folder holds no study, or what is in it cannot be read.
    """
    path = run_folder / "report.html" if out is None else out
    text = report_text(run_folder, path.parent)
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def render_report(run: Run) -> str:
    """The report as HTML text."""
    from drawloom import __version__

    escape = sections.escape
    return _template().substitute(
        title=escape(f"{run.space}: {' and '.join(m.title for m in run.measures)}"),
        version=escape(__version__),
        css=_asset("report.css") + _asset("drawing.css"),
        script=_asset("report.js"),
        plotly=_plotly(),
        started=escape(run.started),
        headline=sections.unbroken(escape(run.headline())),
        lead=_lead(run),
        tiles=sections.tiles(run),
        front_title=escape(_front_title(run)),
        front_figure=sections.front_figure(run),
        front_text=_front_text(run),
        front_table=sections.front_table(run),
        progress_text=_progress_text(run),
        progress_figures=sections.progress_figures(run),
        influence_table=sections.influence_table(run),
        drawings=sections.drawings(run),
        space=sections.space(run),
        trials=sections.trials(run),
        failures=sections.failures(run),
        measuring=sections.measuring(run),
        command=escape(run.command.replace(" --", " \\\n    --")),
        environment=sections.environment(run),
        deploy=_deploy(run),
    )


def _template() -> Template:
    return Template(_asset("report.html"))


@cache
def _asset(name: str) -> str:
    return files("drawloom").joinpath("templates", name).read_text(encoding="utf-8")


def _plotly() -> str:
    import plotly.offline

    return str(plotly.offline.get_plotlyjs())


def _lead(run: Run) -> str:
    names = " and ".join(m.title for m in run.measures)
    front = (
        f" {len(run.front)} of the networks are on the front: for each of them, more of one objective costs "
        "some of another."
        if len(run.measures) > 1 and run.complete
        else ""
    )
    missing = run.budget - len(run.trials)
    unfinished = (
        f" The search was stopped before its end: {missing} of {run.budget} trials are missing."
        if missing > 0
        else ""
    )
    trained = f"trained each for {_epochs(run.epochs)} on {run.task}, " if run.epochs else ""
    return sections.escape(
        f"The search space “{run.space}” describes {size_text(run.candidates)} neural networks. Drawloom "
        f"proposed {len(run.trials)} of them by {run.strategy.replace('_', ' ')}, {trained}"
        f"and compared them by {names}.{front}{unfinished}"
    )


def _epochs(number: int) -> str:
    return f"{number} epoch{'s' * (number > 1)}"


def _front_title(run: Run) -> str:
    if len(run.measures) == 1:
        return f"{run.measures[0].title[0].upper()}{run.measures[0].title[1:]} against size"
    first, second = run.measures[:2]
    return f"The trade-off: {first.title} against {second.title}"


def _front_text(run: Run) -> str:
    if not run.tested:
        return ""
    return (
        "<p>Networks were compared by their accuracy on validation images, which were held out of the "
        "training images. The test images played no part in the search: accuracy on them is what to expect "
        "of a network after this short training, and a longer one improves it.</p>"
    )


def _progress_text(run: Run) -> str:
    grow = (
        "The hypervolume is the share of the range between the worst and the best values seen that some "
        "network dominates: it grows whenever the front gets better. "
        if len(run.measures) > 1
        else ""
    )
    training = " The learning curves of the front are coloured." if run.epochs > 1 else ""
    shown = count_text(len(run.complete))
    return sections.escape(
        f"{grow}Points are single networks, lines the best so far; {shown} trials are shown.{training}"
    )


def _deploy(run: Run) -> str:
    if not run.exports:
        command = f"drawloom export runs/{sections.escape(run.name)} --format all"
        return f"<p>Export the best networks with</p><pre><code>{command}</code></pre>"
    if "accuracy" not in run.objectives:
        return (
            "<p>Beside this report, every network of the front has a folder with its architecture as "
            "readable IR (<code>network.ir</code>). The search trained none, so there are no weights yet: "
            "<code>drawloom train</code> makes them.</p>"
        )
    folder = next(iter(run.exports.values()))
    return (
        "<p>Beside this report, every network of the front has a folder of its own: the architecture as "
        "readable IR (<code>network.ir</code>), its trained weights under PyTorch's names "
        "(<code>weights.safetensors</code>), an ONNX model (<code>network.onnx</code>) and a compiled TVM "
        "library with the weights inside (<code>library.so</code>). <code>run.py</code> loads the library "
        "and runs it on an image:</p>"
        f"<pre><code>python {sections.escape(folder)}/run.py</code></pre>"
    )
