"""Targets: named descriptions of the machines that networks are compiled for."""

from __future__ import annotations

import platform
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from drawloom.ir import UserError, unknown

from .require import require_tvm
from .tiles import Machine


@dataclass(frozen=True, slots=True)
class TargetEntry:
    """A target as the registry has it.

    Attributes:
        name: under which it is asked for.
        kind: how networks get there and run: ``cpu``.
        about: one line for people.
        processor: LLVM's name of the processor, or ``host``.
        lanes: floats in a vector; None to find out.
        registers: vector registers; None to find out.
    """

    name: str
    kind: str
    about: str = ""
    processor: str = "host"
    lanes: int | None = None
    registers: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A target with everything found out.

    Attributes:
        name: under which it was asked for.
        processor: LLVM's name of the processor.
        machine: vectors, registers and caches the kernels are made for.
    """

    name: str
    processor: str
    machine: Machine


KINDS = ("cpu",)


def target_entries() -> dict[str, TargetEntry]:
    """All registered targets by name; needs no TVM."""
    text = resources.files(__package__).joinpath("targets.toml").read_text(encoding="utf-8")
    return {name: _entry(name, fields) for name, fields in tomllib.loads(text).items()}


def _entry(name: str, fields: dict[str, Any]) -> TargetEntry:
    entry = TargetEntry(name, **fields)
    if entry.kind not in KINDS:
        raise unknown("kind of target", entry.kind, KINDS)
    return entry


def find_target(name: str) -> Target:
    """The target of a name, with its processor's properties found out.

    Raises:
        UserError: when there is none of that name, it cannot run on this machine, or TVM is missing.
    """
    entries = target_entries()
    if name not in entries:
        raise unknown("target", name, entries)
    require_tvm()
    entry = entries[name]
    features = _features(entry.processor)
    missing = features - _features("host") if entry.processor != "host" else set()
    needed = {"avx512f", "avx2", "fma", "sse4.2", "neon"} & missing
    if needed or not features:
        raise UserError(
            f"target '{name}' does not fit this {platform.machine()} machine",
            f"it lacks {', '.join(sorted(needed)) or 'its instructions'}",
        )
    lanes, registers = _vectors(features)
    processor = _host_processor() if entry.processor == "host" else entry.processor
    lanes = entry.lanes or lanes
    machine = Machine(
        lanes, entry.registers or registers, _multipliers(_host_processor(), lanes), *cache_sizes()
    )
    return Target(name, processor, machine)


def _vectors(features: frozenset[str]) -> tuple[int, int]:
    """Lanes and registers of the widest vector instructions."""
    if "avx512f" in features and "avx512vl" in features:
        return 16, 32
    if "avx2" in features and "fma" in features:
        return 8, 16
    return 4, 32 if "neon" in features else 16


def _multipliers(processor: str, lanes: int) -> int:
    """Vector multiply-adds started in a cycle; Zen 4 makes those of 512 bits in two halves."""
    return 1 if processor == "znver4" and lanes == 16 else 2


@cache
def _host_processor() -> str:
    from tvm.target import codegen

    return str(codegen.llvm_get_system_cpu())


@cache
def _features(processor: str) -> frozenset[str]:
    import tvm
    from tvm.target import codegen

    name = _host_processor() if processor == "host" else processor
    return frozenset(
        str(f) for f in codegen.llvm_get_cpu_features(tvm.target.Target({"kind": "llvm", "mcpu": name}))
    )


_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_UNITS = {"K": 1024, "M": 1024 * 1024}


@cache
def cache_sizes() -> tuple[int, int]:
    """Bytes of a core's first and second data cache; common sizes where the machine does not tell."""
    sizes = {1: 32 * 1024, 2: 1024 * 1024}
    for folder in sorted(_CACHES.glob("index*")):
        try:
            level, kind, size = ((folder / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction" and int(level) in sizes and size[-1] in _UNITS:
            sizes[int(level)] = int(size[:-1]) * _UNITS[size[-1]]
    return sizes[1], sizes[2]
