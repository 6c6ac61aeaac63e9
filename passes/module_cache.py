"""Remembers what has been prepared for a module, such as its pricing tables, while the module is in use."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from drawloom.ir import Module

Prepared = TypeVar("Prepared")

_SIZE = 8


class ModuleCache(Generic[Prepared]):
    """The results of a function of a module, for the modules used last, told apart by identity."""

    def __init__(self, prepare: Callable[[Module], Prepared]) -> None:
        """Remember the results of `prepare`, which should keep no other state."""
        self._prepare = prepare
        # the module is kept beside the result, so that its id is not given to another one
        self._known: OrderedDict[int, tuple[Module, Prepared]] = OrderedDict()

    def __call__(self, module: Module) -> Prepared:
        """What has been prepared for a module, prepared now when it is not known."""
        key = id(module)
        if key not in self._known:
            self._known[key] = (module, self._prepare(module))
            while len(self._known) > _SIZE:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key][1]
