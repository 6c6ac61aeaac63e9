"""Plugins: installed packages that add operations, passes, lowerings and strategies.

A package names a `Plugin` in the entry-point group ``drawloom.plugins``. The command loads all of them, and
so does the first use of a name of ``drawloom`` itself; who imports the layers directly calls `load_plugins`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from drawloom.ir import Entry, UserError

if TYPE_CHECKING:
    from drawloom.ir import OpDefinition
    from drawloom.passes import Rule

GROUP = "drawloom.plugins"
"""The entry-point group."""


class PluginWarning(UserWarning):
    """A plugin that is installed and was not loaded."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """What a package adds.

    Attributes:
        operations: definitions; the language knows them by their names.
        rules: canonicalisation rules, tried after Drawloom's own.
        passes: by name, each with the place of its class, ``module:Class``.
        lowerings: how operations lower, ``(backend, operation)`` to the place of the rule,
            ``module:attribute``; the backends are ``torch``, ``onnx`` and ``tvm``.
        strategies: by name, each with the place of its class.
    """

    operations: tuple[OpDefinition, ...] = ()
    rules: tuple[Rule, ...] = ()
    passes: tuple[Entry, ...] = ()
    lowerings: tuple[tuple[tuple[str, str], str], ...] = ()
    strategies: tuple[Entry, ...] = ()

    def register(self) -> None:
        """Enter everything into the registries.

        Raises:
            UserError: when a name is taken.
        """
        from drawloom.backends.lowerings import register_lowering
        from drawloom.ir import OPS
        from drawloom.passes import PASSES, RULES
        from drawloom.strategies import STRATEGIES

        for definition in self.operations:
            OPS.register(definition)
        for rule in self.rules:
            RULES.register(rule)
        for entry in self.passes:
            PASSES.register(entry)
        for entry in self.strategies:
            STRATEGIES.register(entry)
        for (backend, operation), target in self.lowerings:
            register_lowering(backend, operation, target)


@cache
def load_plugins() -> tuple[str, ...]:
    """Load every installed plugin, once.

    One that cannot be loaded is left out with a `PluginWarning`, so that it keeps nobody from their work.

    Returns:
        The names of those that were loaded.
    """
    return tuple(
        point.name for point in sorted(entry_points(group=GROUP), key=lambda p: p.name) if _load(point)
    )


def _load(point: EntryPoint) -> bool:
    try:
        plugin = point.load()
        if not isinstance(plugin, Plugin):
            raise UserError(f"'{point.value}' is no drawloom.plugins.Plugin but a {type(plugin).__name__}")
        plugin.register()
    except Exception as error:  # a plugin may fail in any way, and none may take Drawloom with it
        reason = str(error) if isinstance(error, UserError) else f"{type(error).__name__}: {error}"
        warnings.warn(f"plugin '{point.name}' was not loaded: {reason}", PluginWarning, stacklevel=3)
        return False
    return True
