"""Random changes of training images, a whole epoch at a time."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def augmented(images: Tensor, flip: bool, shift: int, random: torch.Generator) -> Tensor:
    """A randomly mirrored and shifted copy of images ``[N, C, H, W]``.

    Args:
        images: of any element type.
        flip: whether each is mirrored left to right with probability one half.
        shift: largest shift in each direction, in pixels; zeros come in.
        random: a generator on the CPU.
    """
    if flip:
        mirrored = torch.rand(len(images), generator=random) < 0.5
        images = torch.where(mirrored.view(-1, 1, 1, 1).to(images.device), images.flip(3), images)
    return shifted(images, shift, random) if shift else images


def shifted(images: Tensor, shift: int, random: torch.Generator) -> Tensor:
    """Each image shifted by up to `shift` pixels down or up and right or left."""
    height, width = images.shape[2:]
    steps = 2 * shift + 1
    position = torch.randint(steps * steps, (len(images),), generator=random).to(images.device)
    bordered = F.pad(images, (shift,) * 4)
    result = torch.empty_like(images)
    for offset in range(steps * steps):
        chosen = (position == offset).nonzero(as_tuple=True)[0]
        down, right = divmod(offset, steps)
        result[chosen] = bordered[chosen, :, down : down + height, right : right + width]
    return result
