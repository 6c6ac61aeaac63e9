"""The pass ``prune-channels``: leaves out channels of convolutions and linear layers."""

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
class PruneChannels(Pass):
    """Makes a resolved network narrower: of each group of channels that belong together, some go.

    Channels are followed through elementwise operations, batch norms, depthwise convolutions, gates,
    residual sums, concatenations, pooling and flattening (`drawloom.passes.channels`). Inputs and outputs of
    the network keep their shapes. With weights, the channels with the largest absolute sums of filter
    weights stay (Li et al., "Pruning Filters for Efficient ConvNets", 2017), summed over all layers that
    make a channel, and the rest of the weights is carried over. Groups that cannot change, such as those of
    grouped convolutions, are left alone and counted in the statistics.

    Before, with ``prune-channels{keep=0.5}``::

        %0 = conv2d %x {out=8, kernel=3, pad=1, param="a"} : f32[8, 32, 32]
        %1 = batch_norm %0 {param="n"} : f32[8, 32, 32]
        %2 = conv2d %1 {out=3, kernel=1, param="b"} : f32[3, 32, 32]
        return %2

    After::

        %0 = conv2d %x {out=4, kernel=3, pad=1, param="a"} : f32[4, 32, 32]
        %1 = batch_norm %0 {param="n"} : f32[4, 32, 32]
        %2 = conv2d %1 {out=3, kernel=1, param="b"} : f32[3, 32, 32]
        return %2

    Attributes:
        keep: share of the channels of each group that stays, above 0 to 1; one channel always stays.
        multiple: numbers of channels are rounded to multiples of this, down to one multiple.
        layers: paths of the layers that `keep` is for; ``*`` stands for any text. Layers that share channels
            with these follow.
        by: ``l1`` keeps the channels of largest weight (the first ones where there are no weights),
            ``first`` the first ones.
        widths: numbers of channels for single layers by path: ``prune-channels{stem.conv=16}``.
    """

    name: ClassVar[str] = "prune-channels"
    keep: float = 1.0
    multiple: int = 1
    layers: tuple[str, ...] = ("*",)
    by: str = "l1"
    widths: Mapping[str, int] = field(default_factory=dict)

    def run(self, module: Module, context: Context) -> Module:
        """The narrower network.

        Raises:
            UserError: when decisions are open, an option is out of range, a pattern fits no layer or a given
                width does not fit.
        """
        if not 0 < self.keep <= 1:
            raise UserError(f"keep={self.keep} of prune-channels is not above 0 and at most 1")
        if self.multiple < 1:
            raise UserError(f"multiple={self.multiple} of prune-channels is not at least 1")
        if self.by not in _SCORES:
            raise UserError(f"by={self.by} of prune-channels is unknown", f"known: {', '.join(_SCORES)}")
        instances = separated(module)
        channels = find_channels(instances)
        return change_widths(module, instances, channels, self.counts(channels, context), context)

    def counts(self, channels: Channels, context: Context) -> Ints:
        """For each atom of a network, 1 where it stays and 0 where it goes; see `run` for errors."""
        scores = _SCORES[self.by](channels, context.weights or {})
        counts = channels.unchanged()
        for target in targets(channels, self.layers, self.widths, self._kept):
            atoms = target.group.atoms
            if target.size == len(atoms):
                continue
            if target.group.held:
                context.count(self.name, "groups left alone")
                continue
            if not 0 < target.size < len(atoms):
                path, size = target.group.layers[0], target.size
                raise UserError(f"'{path}' has {len(atoms)} channels, {size} cannot be left of them")
            # stable, so that of equals the first ones stay
            going = np.argsort(-scores[atoms], kind="stable")[target.size :]
            counts[atoms[going]] = 0
            context.count(self.name, "groups pruned")
            context.count(self.name, "channels removed", len(going))
        return counts

    def _kept(self, size: int) -> int:
        kept = round(self.keep * size / self.multiple) * self.multiple
        return min(size, max(kept, self.multiple))


def _first(channels: Channels, weights: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    return np.zeros(channels.atoms)


def _l1(channels: Channels, weights: Mapping[str, npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """For each atom the sum of the absolute weights of the filters that make it."""
    scores = np.zeros(channels.atoms)
    for path, layer in channels.layers.items():
        if f"{path}.weight" in weights:
            filters = np.abs(weights[f"{path}.weight"].astype(np.float64))
            np.add.at(scores, layer.out.atoms, filters.reshape(len(filters), -1).sum(axis=1))
    return scores


_SCORES = {"l1": _l1, "first": _first}
"""How channels are ranked, by the value of the option ``by``."""
