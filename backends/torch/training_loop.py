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
from .layers import set_progress

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

    The loss is the cross-entropy of the scores and, with its weight, of each auxiliary head; drop paths are
    told how far training is.

    Args:
        network: with one image input and one output, the class scores; with auxiliary heads it gives in
            training mode a tuple, the scores first, and has their weights as ``auxiliary_weights``.
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
        self.head_weights: tuple[float, ...] = getattr(network, "auxiliary_weights", ())
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
            self._advance((epoch - 1) * self.steps + step)
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
            scores, *heads = _scores(self.network(batch))
        loss = self._loss(scores, labels)
        for weight, head in zip(self.head_weights, heads, strict=True):
            loss = loss + weight * self._loss(head, labels)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        totals.loss += loss.detach()
        totals.right += (scores.detach().argmax(dim=1) == labels).sum()

    def _loss(self, scores: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(scores, labels, label_smoothing=self.recipe.label_smoothing)

    def _advance(self, step: int) -> None:
        """Set what depends on how far training is: the learning rate and the rates of drop paths."""
        steps = self.steps * self.recipe.epochs
        rate = learning_rate(step, steps, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        set_progress(self.network, step / steps)

    def _check(self, epoch: int, step: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise TrainingDiverged(epoch, step, loss)


def _scores(outputs: Tensor | tuple[Tensor, ...]) -> list[Tensor]:
    """What a network gives while training, in float32: its scores, then those of its auxiliary heads.

    Raises:
        UserError: when a head has other classes than the network.
    """
    scores, *heads = outputs if isinstance(outputs, tuple) else (outputs,)
    for head in heads:
        if head.shape != scores.shape:
            given, wanted = (list(s.shape[1:]) for s in (head, scores))
            raise UserError(
                f"an auxiliary head gives a tensor of shape {given}, the network one of {wanted}",
                "both need one score for each class",
            )
    return [s.float() for s in (scores, *heads)]


def _tensor(array: Array, device: torch.device) -> Tensor:
    return torch.tensor(array, device=device)  # a copy: arrays may be read-only
