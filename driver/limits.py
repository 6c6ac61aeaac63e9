"""Limits of a process that runs something untrusted: time, memory, and no life beyond its parent's."""

from __future__ import annotations

import ctypes
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from .quantity import bytes_text

_PR_SET_PDEATHSIG = 1
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one trial may use.

    Attributes:
        seconds: wall time, without the time it waits for the machine to measure alone.
        memory: bytes of resident memory of the process and of those it starts. Address space is not limited,
            because PyTorch and TVM reserve far more of it than they use.
    """

    seconds: float = 300.0
    memory: int = 4 << 30

    def time_exceeded(self, seconds: float) -> str | None:
        """The reason to stop a process that has run so long, or None."""
        return f"took longer than its limit of {self.seconds:g} s" if seconds > self.seconds else None

    def memory_exceeded(self, resident: int) -> str | None:
        """The reason to stop a process that holds so many bytes, or None."""
        if resident <= self.memory:
            return None
        return f"used {bytes_text(resident)} of memory, its limit is {bytes_text(self.memory)}"


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all its descendants; 0 when it is gone."""
    try:
        resident = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return 0
    return resident + sum(resident_bytes(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        return [
            int(child)
            for task in tasks
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split()
        ]
    except OSError:
        return []


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when the one that made it dies.

    Args:
        parent: process id of the parent, to notice that it died before this call.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def sacrifice_first() -> None:
    """Tell the kernel to kill this process, and not the study, when the machine runs out of memory."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000")
    except OSError:
        return  # a container may forbid it; then the kernel chooses by size, which is mostly the same process


def kill_group(pid: int) -> None:
    """Kill a process that leads its own group, and everything it started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def exit_text(status: int) -> str:
    """Why a process ended, from the status that `os.waitpid` gives."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        described = signal.strsignal(number) or "unknown signal"
        return f"killed by {_signal_name(number)} ({described})"
    return f"exited with status {os.waitstatus_to_exitcode(status)} before it gave a result"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
