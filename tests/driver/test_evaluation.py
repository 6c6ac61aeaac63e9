"""Real evaluations of small networks: trained with PyTorch, timed with TVM, kept, timed again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from drawloom.backends.weights import load_weights
from drawloom.evaluation import Evaluation, Result, evaluate, read_network, warm_up_call
from drawloom.events import Event, Remeasuring, StageStarted
from drawloom.executor import Ended, Executor
from drawloom.ir import Module, UserError, print_module
from drawloom.limits import Limits
from drawloom.passes import resolve, sample
from drawloom.remeasurement import merged
from drawloom.study import Study
from drawloom.tasks import load_task
from drawloom.warm import Call

Make = Callable[..., Study]


def test_a_search_with_the_real_evaluator(make: Make, toy: Module) -> None:
    pytest.importorskip("tvm")
    torch = pytest.importorskip("torch")
    study = make(toy, budget=2, epochs=1, limits=Limits(seconds=120.0))
    events: list[Event] = []
    study.run(workers=2, on_event=events.append)
    trials = study.trials
    assert [trial.reason for trial in trials] == [None, None]
    for trial in trials:
        assert 0.15 < trial.values["accuracy"] < 1.0, "it has learnt nothing"
        assert abs(trial.values["accuracy"] - trial.values["test_accuracy"]) < 0.1
        assert trial.measurement is not None
        assert 1e-7 < trial.values["latency"] == trial.measurement["median"] < 0.1
        assert trial.measurement["lower_quartile"] <= trial.measurement["upper_quartile"]
        assert trial.measurement["other_jobs"] in (0, 1)
        assert len(trial.intermediate) == 1
    stages = [event.stage for event in events if isinstance(event, StageStarted) and event.number == 0]
    assert stages == ["training", "compiling", "waiting to be timed", "timing"]

    module = read_network(study.folder.network(0))
    weights = load_weights(module, study.folder.weights(0))
    from drawloom.backends.torch import evaluate as accuracy_of
    from drawloom.backends.torch import to_torch

    task = load_task("fashion_mnist")
    data, recipe = task.data(), task.recipe()
    again = accuracy_of(
        to_torch(module, weights), data.test_images, data.test_labels, recipe.mean, recipe.std
    )
    assert again == pytest.approx(trials[0].values["test_accuracy"], abs=1e-6)
    assert torch is not None

    rounds: list[Event] = []
    found = study.remeasure([0, 1], rounds=3, on_event=rounds.append)
    assert rounds == [Remeasuring(1, 3), Remeasuring(2, 3), Remeasuring(3, 3)]
    reopened = Study.open(study.folder.root).trials
    for trial, timed in zip(reopened, found, strict=True):
        assert trial.remeasurement is not None
        assert len(trial.remeasurement["rounds"]) == 3
        assert trial.settled() == timed
        assert timed.values["latency"] == np.median(trial.remeasurement["rounds"])
        assert trial.values["latency"] == trials[trial.number].values["latency"], "the search's own is kept"


def test_the_warm_process_starts_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tvm")
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    with Executor(warm_up_call("fashion_mnist", train=True, time=True)) as executor:
        executor.submit(Call("jobs:count_threads_of_parent"), tmp_path / "log")
        ended = [e for _ in range(100) for e in executor.poll(1.0) if isinstance(e, Ended)]
    assert ended[0].reason is None
    assert ended[0].result == 1


class Notes:
    """A reporter for evaluations in this process."""

    def __init__(self) -> None:
        self.kinds: list[str] = []

    def note(self, kind: str, **payload: object) -> None:
        self.kinds.append(kind)


def test_nothing_but_what_is_asked_for_is_done(tmp_path: Path, toy: Module) -> None:
    network = resolve(toy, sample(toy, 1, seed=0).assignments()[0])
    (tmp_path / "network.ir").write_text(print_module(network))
    job = Evaluation(
        network=str(tmp_path / "network.ir"),
        weights=str(tmp_path / "weights.safetensors"),
        task="fashion_mnist",
        train=False,
        time=False,
        target="cpu",
        seed=0,
        prices={"parameters": 7},
    )
    notes = Notes()
    assert evaluate(job, notes) == Result({"parameters": 7})  # type: ignore[arg-type]
    assert notes.kinds == []
    assert not (tmp_path / "weights.safetensors").exists()


def test_a_missing_network_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing\.ir' cannot be read"):
        read_network(tmp_path / "nothing.ir")


def spread(middle: float) -> dict[str, float]:
    return {"median": middle, "lower_quartile": middle - 1, "upper_quartile": middle + 2}


def test_rounds_are_merged_by_their_medians() -> None:
    rounds = [
        {**spread(m), "cpu": spread(m), "wall": spread(2 * m), "sentinel": spread(1.0), "target": "cpu"}
        for m in (5.0, 9.0, 4.0)
    ]
    result = merged(rounds)
    assert (result["median"], result["lower_quartile"], result["upper_quartile"]) == (5.0, 4.0, 7.0)
    assert result["wall"]["median"] == 10.0
    assert result["rounds"] == [5.0, 9.0, 4.0]
    assert result["target"] == "cpu"


@pytest.mark.usefixtures("evaluators")
def test_only_complete_trials_can_be_timed_again(make: Make, toy: Module) -> None:
    pytest.importorskip("tvm")
    study = make(toy)
    assert study.remeasure() == []
    study.run(2, workers=1, evaluator="evaluators:silent")
    for number in (0, 7):
        with pytest.raises(UserError, match=f"trial {number} of .* is not complete"):
            study.remeasure([number])


@pytest.mark.usefixtures("evaluators")
def test_a_timing_that_fails_is_a_user_error(make: Make, toy: Module) -> None:
    pytest.importorskip("tvm")
    study = make(toy)
    study.run(1, workers=1, evaluator="evaluators:pretend")
    study.folder.network(0).write_text("module @broken {")
    with pytest.raises(UserError, match=r"could not be timed again: .*remeasurement\.log"):
        study.remeasure([0])
    assert not study.folder.remeasurement(0).exists()


@pytest.mark.usefixtures("evaluators")
def test_a_damaged_remeasurement_is_said_so(make: Make, toy: Module) -> None:
    study = make(toy)
    study.run(1, workers=1, evaluator="evaluators:pretend")
    study.folder.remeasurement(0).write_text('{"median": 1')
    with pytest.raises(UserError, match=r"remeasurement\.json' is damaged"):
        study.trials  # noqa: B018
