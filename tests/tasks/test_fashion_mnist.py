import io
from pathlib import Path

import numpy as np
import pytest

from drawloom.ir import Function, FunctionBuilder, Module, TensorType, UserError, Value
from drawloom.tasks import TASKS, Effort, fashion_mnist, load_task
from drawloom.tasks.base import held_out


def network(inputs: list[TensorType], outputs: list[TensorType]) -> Module:
    entry = Function("main", "network", tuple(map(Value, inputs)), (), tuple(map(Value, outputs)))
    return Module("net", {"main": entry})


def test_every_task_loads_and_says_what_it_is() -> None:
    for name in TASKS:
        task = load_task(name)
        assert task.name == name
        assert task.help


def test_unknown_task_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"unknown task 'fashion_mnst' .*'fashion_mnist'"):
        load_task("fashion_mnst")


def test_data() -> None:
    data = load_task("fashion_mnist").data()
    assert data.train_images.shape == (10_000, 1, 28, 28)
    assert data.test_images.shape == (2_000, 1, 28, 28)
    assert np.bincount(data.train_labels).tolist() == [1000] * 10
    assert load_task("fashion_mnist").data() is data
    with pytest.raises(ValueError, match="read-only"):
        data.train_images[0] = 0


def test_search_never_sees_the_test_images() -> None:
    task = load_task("fashion_mnist")
    whole, search = task.data(), task.search_data()
    assert np.bincount(search.train_labels).tolist() == [800] * 10
    assert np.bincount(search.test_labels).tolist() == [200] * 10
    parts = [{image.tobytes() for image in part} for part in (search.train_images, search.test_images)]
    assert not parts[0] & parts[1]
    assert parts[0] | parts[1] == {image.tobytes() for image in whole.train_images}
    assert not parts[1] & {image.tobytes() for image in whole.test_images}


def test_labels_stay_with_their_images() -> None:
    task = load_task("fashion_mnist")
    whole, search = task.data(), task.search_data()
    label = {image.tobytes(): int(y) for image, y in zip(whole.train_images, whole.train_labels, strict=True)}
    for images, labels in [
        (search.train_images, search.train_labels),
        (search.test_images, search.test_labels),
    ]:
        assert all(label[image.tobytes()] == y for image, y in zip(images, labels, strict=True))


def test_recipe_normalises_the_training_images() -> None:
    task = load_task("fashion_mnist")
    images = task.data().train_images / 255.0
    recipe = task.recipe(Effort.SEARCH, seed=5, threads=2)
    assert recipe.mean == (pytest.approx(images.mean(), abs=1e-3),)
    assert recipe.std == (pytest.approx(images.std(), abs=1e-3),)
    assert (recipe.seed, recipe.threads) == (5, 2)
    assert task.recipe(Effort.FINAL).epochs > recipe.epochs


def test_held_out_is_balanced_and_fixed() -> None:
    labels = np.arange(100) % 4
    mask = held_out(labels, 5, seed=1)
    assert np.bincount(labels[mask]).tolist() == [5] * 4
    assert (mask == held_out(labels, 5, seed=1)).all()
    assert (mask != held_out(labels, 5, seed=2)).any()


def test_a_network_that_fits() -> None:
    load_task("fashion_mnist").check(network([TensorType((1, 28, 28))], [TensorType((10,))]))


@pytest.mark.parametrize(
    ("inputs", "outputs", "message"),
    [
        ([(3, 224, 224)], [(10,)], r"takes f32\[3, 224, 224\], task 'fashion_mnist' has f32\[1, 28, 28\]"),
        ([(1, 28, 28)], [(1000,)], r"gives f32\[1000\], task 'fashion_mnist' needs f32\[10\]"),
        ([(1, 28, 28), (1, 28, 28)], [(10,)], r"takes f32\[1, 28, 28\], f32\[1, 28, 28\]"),
        ([(1, 28, 28)], [(10,), (10,)], r"gives f32\[10\], f32\[10\]"),
        ([(1, 28, 28)], [], "gives nothing"),
    ],
)
def test_a_network_that_does_not_fit(
    inputs: list[tuple[int, ...]], outputs: list[tuple[int, ...]], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        load_task("fashion_mnist").check(
            network(list(map(TensorType, inputs)), list(map(TensorType, outputs)))
        )


def test_an_auxiliary_head_must_fit_too() -> None:
    b = FunctionBuilder("net", "network")
    x = b.op("flatten", [b.input(TensorType((1, 28, 28)))])
    head = b.op("linear", [x], {"out": 11, "param": "head"})
    y = b.op("linear", [b.op("auxiliary", [x, head])], {"out": 10, "param": "linear"})
    module = Module("net", {"net": b.finish([y])})
    with pytest.raises(UserError, match=r"head of network 'net' gives f32\[11\], .* needs f32\[10\]"):
        load_task("fashion_mnist").check(module)


def test_damaged_files_are_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fashion_mnist, "files", lambda package: tmp_path)
    with pytest.raises(UserError, match=r"fashion_mnist_10k\.npz' is missing"):
        fashion_mnist._arrays()
    path = tmp_path / "data" / "fashion_mnist" / "fashion_mnist_10k.npz"
    path.parent.mkdir(parents=True)
    buffer = io.BytesIO()
    np.savez(buffer, **{name: np.zeros(shape, np.uint8) for name, shape in fashion_mnist.SHAPES.items()})
    for damaged in (b"", buffer.getvalue()[:5000], b"no archive"):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="is damaged"):
            fashion_mnist._arrays()
    np.savez(path, **{name: np.zeros(3, np.uint8) for name in fashion_mnist.SHAPES})
    with pytest.raises(UserError, match=r"x_train is uint8\[3\]"):
        fashion_mnist._arrays()
