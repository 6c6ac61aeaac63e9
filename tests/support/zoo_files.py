"""The files of the zoo that have a network, each with one of its entries in the catalogue."""

from drawloom import zoo
from drawloom.catalogue import load_entry
from drawloom.ir import Module

ENTRIES = {
    f"{entry.path.parent.name}/{entry.path.stem}": entry
    for entry in (*reversed(zoo.networks().values()), *zoo.spaces().values())
}
"""The first entry of each file, by the name of the file as in ``networks/mobilenet_v2``."""


def small(name: str) -> Module:
    """The network or space of a file, as small as it can be with all its parts."""
    return load_entry(ENTRIES[name], ENTRIES[name].small)
