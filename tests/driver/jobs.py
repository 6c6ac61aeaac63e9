"""Jobs for the tests of the executor: they run in other processes, which import them by name."""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from drawloom.warm import Reporter

WARMED: list[int] = []


def warm_up(value: int) -> None:
    WARMED.append(value)


def refuse_to_warm_up(reason: str) -> None:
    raise ImportError(reason)


def die_warming_up(_: object) -> None:
    print("going down", file=sys.stderr, flush=True)
    os._exit(3)


def double(value: int, report: Reporter) -> int:
    report.note("half", value=value / 2)
    return 2 * value


def warmth(_: object, report: Reporter) -> tuple[list[int], int]:
    return WARMED, os.getppid()


def count_threads_of_parent(_: object, report: Reporter) -> int:
    return len(os.listdir(f"/proc/{os.getppid()}/task"))


def environment(name: str, report: Reporter) -> str | None:
    return os.environ.get(name)


def fail(message: str, report: Reporter) -> None:
    raise RuntimeError(message + "\nsecond line")


def segfault(_: object, report: Reporter) -> None:
    ctypes.string_at(0)


def leave(status: int, report: Reporter) -> None:
    os._exit(status)


def hang(_: object, report: Reporter) -> None:
    while True:
        time.sleep(1)


def hold_memory(amount: int, report: Reporter) -> None:
    block = bytearray(os.urandom(1 << 16)) * (amount >> 16)
    while block:
        time.sleep(1)


def hold_memory_in_child(amount: int, report: Reporter) -> None:
    source = f"import os, time\nb = bytearray(os.urandom(1 << 16)) * ({amount} >> 16)\ntime.sleep(100)"
    subprocess.run([sys.executable, "-c", source], check=True)


def leave_a_child(path: str, report: Reporter) -> int:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    Path(path).write_text(str(child.pid))
    return child.pid


def write_own_pid_and_hang(path: str, report: Reporter) -> None:
    temporary = Path(path).with_suffix(".tmp")
    temporary.write_text(str(os.getpid()))
    temporary.rename(path)
    hang(None, report)


def measure(argument: tuple[str, float], report: Reporter) -> dict[str, Any]:
    """Wait for the machine, note in a file when it was held."""
    path, seconds = argument
    with report.alone() as others:
        start = time.monotonic()
        time.sleep(seconds)
        Path(path).write_text(f"{start} {time.monotonic()}")
    return {"others": others}


def die_measuring(_: object, report: Reporter) -> None:
    with report.alone():
        os.abort()


def unreadable(_: object, report: Reporter) -> object:
    return Unreadable()


class Unreadable:
    def __reduce__(self) -> tuple[Any, ...]:
        return exploding, ()


def exploding() -> None:
    raise ValueError("cannot be read back")
