"""Which groups of channels a pass is to change, and to what: what ``prune-channels`` and ``widen`` share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from drawloom.ir import Module, UserError

from .base import Context
from .channels import Channels, Group, Ints
from .globs import is_plain, matches, matches_any, require_matches
from .instances import Instances
from .resizing import resized, resized_weights


@dataclass(frozen=True, slots=True)
class Target:
    """A group that is to change.

    Attributes:
        group: its channels.
        size: how many there are to be.
    """

    group: Group
    size: int


def targets(
    channels: Channels, layers: tuple[str, ...], widths: Mapping[str, int], share: Callable[[int], int]
) -> Iterator[Target]:
    """The groups that options ask for, held ones too, with their new sizes.

    Args:
        channels: of the network.
        layers: patterns of paths: a group is meant when one of its layers is.
        widths: new numbers of channels by patterns of paths; they take precedence.
        share: gives the new number for an old one, where `widths` has none.

    Raises:
        UserError: when a pattern fits no layer, two widths are asked of one group, or a width is asked of a
            layer whose channels are not one group, or, by its name alone, of one whose channels are held.
    """
    require_matches("layer", (*layers, *widths), channels.layers)
    for group in channels.groups:
        asking = [p for p in widths if any(matches(p, path) for path in group.layers)]
        if asking:
            yield Target(group, _width(channels, group, {p: widths[p] for p in asking}))
        elif any(matches_any(layers, path) for path in group.layers):
            yield Target(group, share(len(group.atoms)))


def _width(channels: Channels, group: Group, asked: Mapping[str, int]) -> int:
    """The one width that patterns ask of a group; see `targets` for errors."""
    sizes = sorted(set(asked.values()))
    if len(sizes) > 1:
        raise UserError(
            f"two widths are asked for one group of channels: {', '.join(map(str, sizes))}",
            f"these layers have the same channels: {', '.join(group.layers[:10])}",
        )
    if group.held and any(map(is_plain, asked)):
        raise UserError(f"the channels of '{group.layers[0]}' cannot change: {group.held}")
    for path in group.layers:
        if len(channels.layers[path].out.atoms) != len(group.atoms):
            raise UserError(
                f"the width of '{path}' cannot be set: its channels are several groups",
                "they are read apart; change the layers that make them, or all by a share",
            )
    return sizes[0]


def change_widths(
    module: Module, instances: Instances, channels: Channels, counts: Ints, context: Context
) -> Module:
    """Resize a network, and the weights of the context where there are any.

    Args:
        module: the network; given back when all counts are 1.
        instances: of it.
        channels: of these.
        counts: how many there are to be of each atom.
        context: its weights are replaced.
    """
    if (counts == 1).all():
        return module
    if context.weights is not None:
        context.weights = resized_weights(instances, channels, counts, context.weights)
    return resized(instances, channels, counts)
