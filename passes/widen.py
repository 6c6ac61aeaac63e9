"""The pass ``widen``: more channels, the same function (Net2WiderNet)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from drawloom.ir import Module, UserError

from .base import Context, Pass
from .channels import Channels, Ints, find_channels
from .instances import separated
from .widths import change_widths, targets


@dataclass(frozen=True)
class Widen(Pass):
    """Repeats channels of a resolved network; what reads them reads each copy with a part of its weight.

    Net2WiderNet (Chen, Goodfellow, Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer", 2016),
    through residual sums, depthwise convolutions, batch norms and concatenations too: all layers that share
    channels widen alike (`drawloom.passes.channels`). With the weights of the context, which are carried
    over, the network computes the same as before, for inference and, dropout aside, in training; without
    weights only its structure changes. Copies lie beside their originals. Groups that cannot change, such
    as those of grouped convolutions, are left alone and counted in the statistics.

    Before, with ``widen{factor=1.5}``::

        %0 = conv2d %x {out=8, kernel=3, pad=1, param="a"} : f32[8, 32, 32]
        %1 = relu %0 : f32[8, 32, 32]
        %2 = conv2d %1 {out=3, kernel=1, param="b"} : f32[3, 32, 32]
        return %2

    After::

        %0 = conv2d %x {out=12, kernel=3, pad=1, param="a"} : f32[12, 32, 32]
        %1 = relu %0 : f32[12, 32, 32]
        %2 = conv2d %1 {out=3, kernel=1, param="b"} : f32[3, 32, 32]
        return %2

    Attributes:
        factor: how many times as many channels each group has, at least 1.
        layers: paths of the layers that `factor` is for; ``*`` stands for any text. Layers that share
            channels with these follow.
        seed: with the seed of the run it decides which channels are repeated; each one is as likely.
        noise: standard deviation, relative to that of the layer's weights, of what is added to the filters
            of the copies, so that training tells them apart; with 0 the function is kept exactly.
        widths: numbers of channels for single layers by path: ``widen{stem.conv=48}``.
    """

    name: ClassVar[str] = "widen"
    factor: float = 1.0
    layers: tuple[str, ...] = ("*",)
    seed: int = 0
    noise: float = 0.0
    widths: Mapping[str, int] = field(default_factory=dict)

    def run(self, module: Module, context: Context) -> Module:
        """The wider network.

        Raises:
            UserError: when decisions are open, an option is out of range, a pattern fits no layer or a given
                width does not fit.
        """
        if not self.factor >= 1:
            raise UserError(f"factor={self.factor} of widen is below 1", "prune-channels makes narrower")
        if self.noise < 0:
            raise UserError(f"noise={self.noise} of widen is negative")
        rng = context.rng(self.seed)
        instances = separated(module)
        channels = find_channels(instances)
        counts = self._counts(channels, context, rng)
        wider = change_widths(module, instances, channels, counts, context)
        if context.weights is not None and self.noise:
            context.weights = self._disturbed(channels, counts, context.weights, rng)
        return wider

    def _counts(self, channels: Channels, context: Context, rng: np.random.Generator) -> Ints:
        counts = channels.unchanged()
        for target in targets(channels, self.layers, self.widths, lambda size: round(self.factor * size)):
            atoms = target.group.atoms
            more = target.size - len(atoms)
            if more == 0:
                continue
            if target.group.held:
                context.count(self.name, "groups left alone")
                continue
            if more < 0:
                path, size = target.group.layers[0], target.size
                raise UserError(f"'{path}' has {len(atoms)} channels, it cannot be widened to {size}")
            np.add.at(counts, rng.choice(atoms, size=more), 1)
            context.count(self.name, "groups widened")
            context.count(self.name, "channels added", more)
        return counts

    def _disturbed(
        self,
        channels: Channels,
        counts: Ints,
        weights: Mapping[str, npt.NDArray[Any]],
        rng: np.random.Generator,
    ) -> dict[str, npt.NDArray[Any]]:
        """The weights with noise on the filters that are copies."""
        result = dict(weights)
        for path, layer in channels.layers.items():
            source = layer.out.source(counts)
            copies = np.flatnonzero(source[1:] == source[:-1]) + 1
            if len(copies):
                filters = result[f"{path}.weight"].copy()
                noise = rng.normal(0.0, self.noise * filters.std(), filters[copies].shape)
                filters[copies] += noise.astype(filters.dtype)
                result[f"{path}.weight"] = filters
        return result
