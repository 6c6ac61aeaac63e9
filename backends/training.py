"""What training is asked for and what it gives back; the loop itself belongs to a backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy.typing as npt

from drawloom.ir import UserError


class Data(NamedTuple):
    """Images and labels for training and for testing.

    Attributes:
        train_images: ``[N, C, H, W]``; uint8 stands for 0 to 1 in steps of 1/255, floats are taken as they
        are. train_labels: ``[N]`` integers from 0. test_images: as `train_images`. test_labels: as
        `train_labels`.
    """

    train_images: npt.NDArray[Any]
    train_labels: npt.NDArray[Any]
    test_images: npt.NDArray[Any]
    test_labels: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained: stochastic gradient descent with Nesterov momentum under a cosine schedule.

    Attributes:
        epochs: passes over the training images. batch_size: images a step; the last, smaller batch of an
        epoch is left out. learning_rate: peak of the schedule. warm_up: part of all steps over which the rate
        rises linearly from zero to its peak; then it falls to zero as
            half a cosine (Loshchilov and Hutter, 2017).
        momentum: of the gradient, Nesterov's. weight_decay: L2 penalty on the weights of convolutions and
        linear layers; not on biases and normalisation. label_smoothing: share of the target spread over all
        classes (Szegedy et al., 2016). flip: whether training images are mirrored left to right at random.
        shift: largest random shift of training images in each direction, in pixels; zeros come in. mean:
        taken off every channel, after scaling uint8 to 0..1. std: by which every channel is then divided.
        seed: of the order of images and of augmentation; fixes the result on a CPU. threads: CPU threads of
        the framework. max_seconds: training stops after the epoch in which this is exceeded; None for no
        limit. device: ``cpu`` or ``cuda``. precision: ``float32``, or ``bfloat16`` for automatic mixed
        precision.
    """

    epochs: int = 2
    batch_size: int = 64
    learning_rate: float = 0.1
    warm_up: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 1e-4
    label_smoothing: float = 0.0
    flip: bool = True
    shift: int = 0
    mean: tuple[float, ...] = (0.5,)
    std: tuple[float, ...] = (0.5,)
    seed: int = 0
    threads: int = 1
    max_seconds: float | None = None
    device: str = "cpu"
    precision: str = "float32"


@dataclass(frozen=True, slots=True)
class EpochResult:
    """What one epoch came to.

    Attributes:
        epoch: counted from 1.
        loss: mean training loss, those of auxiliary heads included.
        train_accuracy: share of training images classified rightly while training, 0 to 1.
        test_accuracy: share of test images classified rightly after the epoch, 0 to 1.
        seconds: wall time of the epoch with its test.
    """

    epoch: int
    loss: float
    train_accuracy: float
    test_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What training came to.

    Attributes:
        epochs: one result an epoch, in order.
        seconds: wall time of all.
        complete: False when `Recipe.max_seconds` ended it early.
    """

    epochs: tuple[EpochResult, ...] = ()
    seconds: float = 0.0
    complete: bool = True

    @property
    def accuracy(self) -> float:
        """Test accuracy after the last epoch, 0 to 1; 0 without epochs."""
        return self.epochs[-1].test_accuracy if self.epochs else 0.0


class TrainingDiverged(UserError):
    """The loss became infinite or not a number.

    Attributes:
        epoch: counted from 1.
        step: within the epoch, counted from 1.
        loss: its value.
    """

    def __init__(self, epoch: int, step: int, loss: float) -> None:
        """Say when it happened."""
        super().__init__(f"training diverged: the loss is {loss} in epoch {epoch}, step {step}")
        self.epoch = epoch
        self.step = step
        self.loss = loss

    def __reduce__(self) -> tuple[type, tuple[int, int, float]]:
        return type(self), (self.epoch, self.step, self.loss)
