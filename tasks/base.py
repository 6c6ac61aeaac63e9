"""What a task is: the data that networks are trained on and judged by, and how they are trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from drawloom.backends.training import Data, Recipe
from drawloom.ir import Module, TensorType, UserError


class Effort(Enum):
    """How thoroughly a network is trained."""

    SEARCH = "search"
    """Enough to tell candidates apart."""
    FINAL = "final"
    """Until it is good."""


class Task(ABC):
    """A classification task.

    The test images judge what is finished. During a search candidates are compared on validation images,
    which are held out of the training images, so that the search does not fit the test.

    Attributes:
        name: as users write it.
        help: one line for lists.
        input_type: of one image.
        labels: a name for each class.
    """

    name: ClassVar[str]
    help: ClassVar[str]
    input_type: ClassVar[TensorType]
    labels: ClassVar[tuple[str, ...]]

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.labels)

    @abstractmethod
    def data(self) -> Data:
        """All training images and the test images; read once, the arrays are not to be written to.

        Raises:
            UserError: when the file is missing or damaged.
        """

    @abstractmethod
    def search_data(self) -> Data:
        """Part of the training images, and the rest of them in the place of the test images.

        Raises:
            UserError: when the file is missing or damaged.
        """

    @abstractmethod
    def recipe(self, effort: Effort = Effort.SEARCH, *, seed: int = 0, threads: int = 1) -> Recipe:
        """How to train."""

    def check(self, module: Module) -> None:
        """Refuse a network, or a space, whose input or output does not fit.

        Raises:
            UserError: naming what it has and what the task needs.
        """
        entry = module.entry
        wanted_output = TensorType((self.classes,))
        inputs = ", ".join(str(value.type) for value in entry.inputs) or "nothing"
        outputs = ", ".join(str(value.type) for value in entry.outputs) or "nothing"
        if inputs != str(self.input_type):
            raise UserError(
                f"network '{module.name}' takes {inputs}, task '{self.name}' has {self.input_type}",
                self._fitting(module),
            )
        if outputs != str(wanted_output):
            raise UserError(
                f"network '{module.name}' gives {outputs}, task '{self.name}' needs {wanted_output}",
                f"one number for each of its {self.classes} classes, as with --arg classes={self.classes} "
                "where the network has such a parameter",
            )
        for function in module.functions.values():
            for op in function.operations:
                if op.name == "auxiliary" and str(op.operands[1].type) != str(wanted_output):
                    raise UserError(
                        f"an auxiliary head of network '{module.name}' gives {op.operands[1].type}, "
                        f"task '{self.name}' needs {wanted_output}",
                        "a head ends like the network, with one number for each class",
                    )

    def _fitting(self, module: Module) -> str:
        """What to do about a network whose input does not fit."""
        types = [value.type for value in module.entry.inputs]
        wanted = self.input_type
        if len(types) == 1 and types[0].rank == 3 and types[0].shape[0] == wanted.shape[0]:
            return f"its size may be a parameter of the network, as in --arg size={wanted.shape[-1]}"
        return f"copy the text of the network and write `image: {wanted}` in it; channels are no parameter"


def held_out(labels: NDArray[np.integer], each: int, seed: int) -> NDArray[np.bool_]:
    """A mask over labels [N] of `each` members of every class, drawn without replacement."""
    mask = np.zeros(len(labels), dtype=bool)
    rng = np.random.default_rng(seed)
    for label in np.unique(labels):
        mask[rng.choice(np.flatnonzero(labels == label), size=each, replace=False)] = True
    return mask
