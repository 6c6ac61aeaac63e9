"""The Fashion-MNIST subset inside the package is whole, balanced, and what its note says."""

import hashlib
import re
import sys
from importlib.resources import files
from pathlib import Path

import layers
import numpy as np
import pytest
from numpy.typing import NDArray

FOLDER = files("drawloom.tasks") / "data" / "fashion_mnist"


@pytest.fixture(scope="module")
def arrays() -> dict[str, NDArray[np.uint8]]:
    with (FOLDER / "fashion_mnist_10k.npz").open("rb") as file:
        return dict(np.load(file, allow_pickle=False))


@pytest.mark.parametrize(("part", "count"), [("train", 10_000), ("test", 2_000)])
def test_shapes_and_balance(arrays: dict[str, NDArray[np.uint8]], part: str, count: int) -> None:
    images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
    assert images.shape == (count, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert np.bincount(labels).tolist() == [count // 10] * 10


def test_no_test_image_is_trained_on(arrays: dict[str, NDArray[np.uint8]]) -> None:
    train, test = ({image.tobytes() for image in arrays[name]} for name in ("x_train", "x_test"))
    assert len(train) == 10_000
    assert not train & test


def test_checksums_are_those_of_the_note(arrays: dict[str, NDArray[np.uint8]]) -> None:
    subset_note = (FOLDER / "ORIGIN.md").read_text().partition("The arrays of the original")[0]
    noted = {name: digest for digest, name in re.findall(r"([0-9a-f]{64})  (\S+)", subset_note)}
    found = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in arrays.items()}
    found["fashion_mnist_10k.npz"] = hashlib.sha256(
        (FOLDER / "fashion_mnist_10k.npz").read_bytes()
    ).hexdigest()
    assert noted == found


def test_the_licence_comes_along() -> None:
    text = (FOLDER / "LICENSE").read_text(encoding="utf-8")
    assert "MIT License" in text
    assert "2017 Zalando SE" in text


def test_the_script_draws_a_balanced_subset_and_always_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(layers.ROOT / "tools"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    import make_fashion_subset as script  # type: ignore[import-not-found]

    labels = (np.arange(30_000) % 10).astype(np.uint8)
    images = np.arange(30_000, dtype=np.uint16).view(np.uint8).reshape(30_000, 1, 2)
    np.savez(tmp_path / "original.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    first, second = script.subset(tmp_path / "original.npz"), script.subset(tmp_path / "original.npz")

    assert np.bincount(first["y_train"]).tolist() == [1000] * 10
    assert np.bincount(first["y_test"]).tolist() == [200] * 10
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])
    drawn = first["x_train"].view(np.uint16).ravel()
    assert (labels[drawn] == first["y_train"]).all()
    assert (np.diff(drawn.astype(np.int64)) > 0).all()
