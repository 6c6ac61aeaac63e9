"""The training loop: stochastic gradient descent with Nesterov momentum, on one device."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from drawloom.backends.training import Data, EpochResult, Recipe, TrainingDiverged, TrainingResult
from drawloom.backends.weights import Array
from drawloom.ir import UserError

from .augment import augmented
from .depthwise import quick_depthwise
from .evaluation import accuracy, as_batch

CHECK_EVERY = 20
"""Steps between two looks at the loss: reading it waits for the device."""


def train(
    network: nn.Module,
    data: Data,
    recipe: Recipe,
    on_epoch: Callable[[EpochResult], None] | None = None,
) -> TrainingResult:
    """Train a classifier in place.

    On a CPU the same network, data, recipe and number of threads give the same weights. PyTorch's random
    state and number of threads are put back afterwards.

    Args:
        network: with one image input and one output, the class scores.
        data: images and labels for training and testing.
        recipe: how.
        on_epoch: told after every epoch; what it raises ends the training.

    Raises:
        TrainingDiverged: when the loss is infinite or not a number.
        UserError: when the device is not there, or there are fewer images than a batch.
    """
    device = _device(recipe.device)
    if len(data.train_images) < recipe.batch_size:
        raise UserError(
            f"{len(data.train_images)} training images are less than a batch of {recipe.batch_size}"
        )
    pieces = device.type == "cpu" and recipe.precision == "float32"
    with _settings(recipe, device), quick_depthwise(network) if pieces else nullcontext():
        return _Training(network, data, recipe, device).run(on_epoch)


def _device(name: str) -> torch.device:
    if name.partition(":")[0] == "cuda" and not torch.cuda.is_available():
        raise UserError("there is no CUDA device", "train with device 'cpu'")
    return torch.device(name)


@contextmanager
def _settings(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """Seeds and threads of the recipe; those from before afterwards."""
    threads = torch.get_num_threads()
    torch.set_num_threads(recipe.threads)
    try:
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(recipe.seed)
            yield
    finally:
        torch.set_num_threads(threads)


def learning_rate(step: int, steps: int, recipe: Recipe) -> float:
    """The rate at a step, counted from 0: linear warm-up, then half a cosine down to zero."""
    warm_up = recipe.warm_up * steps
    if step < warm_up:
        return recipe.learning_rate * (step + 1) / (warm_up + 1)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1.0, steps - warm_up)))


def parameter_groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Parameters in two groups: convolutions and linear layers decay, biases and normalisation do not."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


@dataclass
class _Totals:
    """Sums over the steps of an epoch, on the device."""

    loss: Tensor
    right: Tensor


class _Training:
    """One run of training."""

    def __init__(self, network: nn.Module, data: Data, recipe: Recipe, device: torch.device) -> None:
        self.network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe = recipe
        self.device = device
        self.random = torch.Generator().manual_seed(recipe.seed)
        self.images, self.test_images = (_tensor(x, device) for x in (data.train_images, data.test_images))
        self.labels, self.test_labels = (
            _tensor(y, device).long() for y in (data.train_labels, data.test_labels)
        )
        self.steps = len(self.images) // recipe.batch_size
        groups = parameter_groups(network, recipe.weight_decay)
        self.optimizer = torch.optim.SGD(
            groups,
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            nesterov=recipe.momentum > 0,
            fused=True,
        )

    def run(self, on_epoch: Callable[[EpochResult], None] | None) -> TrainingResult:
        """All epochs."""
        began = time.perf_counter()
        results: list[EpochResult] = []
        for epoch in range(1, self.recipe.epochs + 1):
            results.append(self._epoch(epoch))
            if on_epoch is not None:
                on_epoch(results[-1])
            limit = self.recipe.max_seconds
            if limit is not None and time.perf_counter() - began > limit:
                break
        return TrainingResult(
            tuple(results), time.perf_counter() - began, complete=len(results) == self.recipe.epochs
        )

    def _epoch(self, epoch: int) -> EpochResult:
        began = time.perf_counter()
        self.network.train()
        images = augmented(self.images, self.recipe.flip, self.recipe.shift, self.random)
        order = torch.randperm(len(images), generator=self.random).to(self.device)
        totals = _Totals(torch.zeros((), device=self.device), torch.zeros((), device=self.device))
        for step in range(self.steps):
            chosen = order[step * self.recipe.batch_size : (step + 1) * self.recipe.batch_size]
            self._set_rate((epoch - 1) * self.steps + step)
            self._step(images[chosen], self.labels[chosen], totals)
            if step % CHECK_EVERY == CHECK_EVERY - 1 or step == self.steps - 1:
                self._check(epoch, step + 1, float(totals.loss))
        seen = self.steps * self.recipe.batch_size
        return EpochResult(
            epoch=epoch,
            loss=float(totals.loss) / self.steps,
            train_accuracy=float(totals.right) / seen,
            test_accuracy=accuracy(
                self.network, self.test_images, self.test_labels, self.recipe.mean, self.recipe.std
            ),
            seconds=time.perf_counter() - began,
        )

    def _step(self, images: Tensor, labels: Tensor, totals: _Totals) -> None:
        batch = as_batch(images, self.recipe.mean, self.recipe.std, self.device)
        mixed = self.recipe.precision == "bfloat16"
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=mixed):
            scores = self.network(batch)
        scores = scores.float()
        loss = F.cross_entropy(scores, labels, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        totals.loss += loss.detach()
        totals.right += (scores.detach().argmax(dim=1) == labels).sum()

    def _set_rate(self, step: int) -> None:
        rate = learning_rate(step, self.steps * self.recipe.epochs, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def _check(self, epoch: int, step: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise TrainingDiverged(epoch, step, loss)


def _tensor(array: Array, device: torch.device) -> Tensor:
    return torch.tensor(array, device=device)  # a copy: arrays may be read-only
