"""The parameter arrays of kernels, described by names of weights, to be made for any weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np

from drawloom.backends.weights import Array
from drawloom.ir import UserError

from .packing import Floats, fold_batch_norm, pack_convolution, pack_depthwise
from .tiles import Panel


class ParameterArray(Protocol):
    """An array that a kernel reads and that depends on the weights only."""

    @property
    def elements(self) -> int:
        """Number of floats."""

    def make(self, weights: Mapping[str, Array]) -> Floats:
        """The array, flat.

        Raises:
            UserError: when a weight is missing or has another shape.
        """


def fetch(weights: Mapping[str, Array], name: str, shape: tuple[int, ...]) -> Array:
    """The weight of a name.

    Raises:
        UserError: when it is missing or has another shape.
    """
    if name not in weights:
        raise UserError(f"the weights have no '{name}'", f"a tensor of shape {list(shape)} is needed")
    if weights[name].shape != shape:
        raise UserError(
            f"weight '{name}' has shape {list(weights[name].shape)}, the network's has {list(shape)}"
        )
    return weights[name]


@dataclass(frozen=True, slots=True)
class Norm:
    """A batch norm with running statistics.

    Attributes:
        path: where its weights live.
        channels: their length.
        epsilon: added to the variance.
        affine: whether it scales and shifts.
    """

    path: str
    channels: int
    epsilon: float
    affine: bool

    def line(self, weights: Mapping[str, Array]) -> tuple[Array, Array]:
        """The factor and the offset of each channel, float64."""
        shape = (self.channels,)
        scale = fetch(weights, f"{self.path}.weight", shape) if self.affine else np.ones(shape)
        shift = fetch(weights, f"{self.path}.bias", shape) if self.affine else np.zeros(shape)
        mean, variance = (fetch(weights, f"{self.path}.running_{n}", shape) for n in ("mean", "var"))
        return fold_batch_norm(scale, shift, mean, variance, self.epsilon)


@dataclass(frozen=True, slots=True)
class Filters:
    """The weights of a convolution or linear layer, its batch norm folded in, packed.

    Attributes:
        name: the weight.
        shape: its shape, ``[out, in/groups, kh, kw]`` or ``[out, in]``.
        norm: the batch norm after it, if any.
        groups: of the convolution.
        panels: how the output channels of a group are cut; empty for depthwise convolutions.
        image: for a linear layer after flattening an image, that image's shape (C, H, W): here it is stored
            channels-last.
    """

    name: str
    shape: tuple[int, ...]
    norm: Norm | None
    groups: int
    panels: tuple[Panel, ...]
    image: tuple[int, int, int] | None = None

    @property
    def elements(self) -> int:
        """Number of floats."""
        return prod(self.shape)

    def make(self, weights: Mapping[str, Array]) -> Floats:
        """The array, flat."""
        weight = fetch(weights, self.name, self.shape)
        if self.image is not None:
            weight = weight.reshape(-1, *self.image).transpose(0, 2, 3, 1).reshape(self.shape)
        weight = weight.reshape(*self.shape[:2], *(self.shape[2:] or (1, 1)))
        if self.norm is not None:
            weight = weight * self.norm.line(weights)[0].reshape(-1, 1, 1, 1)
        return pack_convolution(weight, self.groups, self.panels) if self.panels else pack_depthwise(weight)


@dataclass(frozen=True, slots=True)
class Bias:
    """What is added to each channel after a convolution: its bias and the offset of its batch norm.

    Attributes:
        name: the bias weight, or None.
        channels: its length.
        norm: the batch norm, or None.
    """

    name: str | None
    channels: int
    norm: Norm | None

    @property
    def elements(self) -> int:
        """Number of floats."""
        return self.channels

    def make(self, weights: Mapping[str, Array]) -> Floats:
        """The array, flat."""
        bias = np.zeros(self.channels) if self.name is None else fetch(weights, self.name, (self.channels,))
        if self.norm is None:
            return bias.astype(np.float32)
        factor, offset = self.norm.line(weights)
        return (bias * factor + offset).astype(np.float32)


@dataclass(frozen=True, slots=True)
class NormLine:
    """The factor or the offset of a batch norm that stands alone.

    Attributes:
        norm: the batch norm.
        offset: the offset rather than the factor.
        repeat: how often each channel's value is repeated, for tensors stored with other dimensions behind
            the channels.
    """

    norm: Norm
    offset: bool
    repeat: int = 1

    @property
    def elements(self) -> int:
        """Number of floats."""
        return self.norm.channels * self.repeat

    def make(self, weights: Mapping[str, Array]) -> Floats:
        """The array, flat."""
        return np.repeat(self.norm.line(weights)[int(self.offset)], self.repeat).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Table:
    """A weight as it is.

    Attributes:
        name: the weight.
        shape: its shape.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        """Number of floats."""
        return prod(self.shape)

    def make(self, weights: Mapping[str, Array]) -> Floats:
        """The array, flat."""
        return np.ascontiguousarray(fetch(weights, self.name, self.shape), dtype=np.float32).ravel()


@dataclass(frozen=True, slots=True)
class PerChannel:
    """A weight of one number for each channel, for every position of a row of results.

    Attributes:
        name: the weight.
        channels: its length.
        inner: how often each number is repeated.
        outer: how often the whole is repeated.
    """

    name: str
    channels: int
    inner: int = 1
    outer: int = 1

    @property
    def elements(self) -> int:
        """Number of floats."""
        return self.channels * self.inner * self.outer

    def make(self, weights: Mapping[str, Array]) -> Floats:
        """The array, flat."""
        weight = fetch(weights, self.name, (self.channels,))
        return np.tile(np.repeat(weight, self.inner), self.outer).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Constant:
    """One number for every channel.

    Attributes:
        value: the number.
        elements: how often.
    """

    value: float
    elements: int

    def make(self, weights: Mapping[str, Array]) -> Floats:
        """The array, flat."""
        return np.full(self.elements, self.value, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Share:
    """The factor of one term of a weighted sum: the sigmoid of its weight, for every channel.

    Attributes:
        name: the weight.
        terms: its length.
        term: position of the factor.
        elements: channels.
    """

    name: str
    terms: int
    term: int
    elements: int

    def make(self, weights: Mapping[str, Array]) -> Floats:
        """The array, flat."""
        weight = fetch(weights, self.name, (self.terms,))[self.term]
        return np.full(self.elements, 1 / (1 + np.exp(-weight)), dtype=np.float32)
