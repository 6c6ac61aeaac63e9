"""Fashion-MNIST (Xiao, Rasul and Vollgraf, 2017): a balanced subset, which ships with Drawloom."""

from __future__ import annotations

import functools
import io
import zipfile
from importlib.resources import files

import numpy as np

from drawloom.backends.training import Data, Recipe
from drawloom.ir import TensorType, UserError

from .base import Effort, Task, held_out

SHAPES = {"x_train": (10_000, 28, 28), "y_train": (10_000,), "x_test": (2_000, 28, 28), "y_test": (2_000,)}
"""The arrays of the file; all are uint8."""

VALIDATION_PER_CLASS = 200
"""Training images of each class that a search holds out, as many as there are test images."""

MEAN, STD = 0.2849, 0.3528
"""Of the training images, with grey values from 0 to 1."""


class FashionMnist(Task):
    """10,000 training images, of which a search holds out 2,000, and 2,000 test images."""

    name = "fashion_mnist"
    help = "clothes in 10 classes, grey, 28 x 28; 10,000 images to train on, 2,000 to test (shipped)"
    input_type = TensorType((1, 28, 28))
    labels = (
        "t-shirt",
        "trouser",
        "pullover",
        "dress",
        "coat",
        "sandal",
        "shirt",
        "sneaker",
        "bag",
        "ankle boot",
    )

    def data(self) -> Data:
        """All images: uint8[N, 1, 28, 28], and labels int64[N]."""
        return _data()

    def search_data(self) -> Data:
        """8,000 of the training images, and the other 2,000 to compare candidates."""
        return _search_data()

    def recipe(self, effort: Effort = Effort.SEARCH, *, seed: int = 0, threads: int = 1) -> Recipe:
        """Stochastic gradient descent under a cosine schedule; `RECIPES` says how long."""
        epochs, label_smoothing, shift = RECIPES[effort]
        return Recipe(
            epochs=epochs,
            batch_size=64,
            learning_rate=0.1,
            warm_up=0.1,
            weight_decay=1e-4,
            label_smoothing=label_smoothing,
            flip=True,
            shift=shift,
            mean=(MEAN,),
            std=(STD,),
            seed=seed,
            threads=threads,
        )


RECIPES: dict[Effort, tuple[int, float, int]] = {Effort.SEARCH: (2, 0.0, 0), Effort.FINAL: (15, 0.1, 2)}
"""Epochs, label smoothing and largest shift in pixels. What regularises pays only in long trainings."""


@functools.cache
def _data() -> Data:
    arrays = _arrays()
    images = {part: arrays[f"x_{part}"][:, None] for part in ("train", "test")}
    labels = {part: arrays[f"y_{part}"].astype(np.int64) for part in ("train", "test")}
    for array in (*images.values(), *labels.values()):
        array.flags.writeable = False
    return Data(images["train"], labels["train"], images["test"], labels["test"])


@functools.cache
def _search_data() -> Data:
    data = _data()
    mask = held_out(data.train_labels, VALIDATION_PER_CLASS, seed=2017)
    parts = (
        data.train_images[~mask],
        data.train_labels[~mask],
        data.train_images[mask],
        data.train_labels[mask],
    )
    for array in parts:
        array.flags.writeable = False
    return Data(*parts)


def _arrays() -> dict[str, np.ndarray]:
    """The arrays of the file, checked."""
    path = files("drawloom.tasks") / "data" / "fashion_mnist" / "fashion_mnist_10k.npz"
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in SHAPES}
    except FileNotFoundError:
        raise UserError(f"'{path}' is missing", "install Drawloom again") from None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(f"'{path}' is damaged: {error}", "install Drawloom again") from None
    for name, shape in SHAPES.items():
        if arrays[name].shape != shape or arrays[name].dtype != np.uint8:
            raise UserError(
                f"'{path}' is damaged: {name} is {arrays[name].dtype}{list(arrays[name].shape)}",
                "install Drawloom again",
            )
    return arrays
