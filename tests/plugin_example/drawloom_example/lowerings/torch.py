"""The operation in PyTorch: as Python text."""

from drawloom.backends.torch.lowering import Rule, Site
from drawloom.ir import Operation


def _crelu(op: Operation, site: Site) -> str:
    (x,) = site.operands
    return f"F.relu(torch.cat([{x}, -{x}], dim=1))"


CRELU = Rule(_crelu)
