import os
import subprocess
import sys

from drawloom.limits import Limits, exit_text, resident_bytes


def test_limits_are_named() -> None:
    limits = Limits(seconds=10, memory=1 << 30)
    assert limits.time_exceeded(9.9) is None
    assert limits.time_exceeded(10.1) == "took longer than its limit of 10 s"
    assert limits.memory_exceeded(1 << 30) is None
    assert limits.memory_exceeded(3 << 29) == "used 1.50 GiB of memory, its limit is 1.00 GiB"


def test_resident_memory_includes_children() -> None:
    own = resident_bytes(os.getpid())
    assert own > 10 << 20
    source = "b = bytes(range(256)) * (1 << 18); print('ready', flush=True); input()"
    child = subprocess.Popen(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "ready\n"
    assert resident_bytes(child.pid) > 64 << 20
    assert resident_bytes(os.getpid()) > own + (60 << 20)
    child.communicate("\n")
    assert resident_bytes(child.pid) == 0


def test_exit_text() -> None:
    assert exit_text(9) == "killed by SIGKILL (Killed)"
    assert exit_text(2 << 8) == "exited with status 2 before it gave a result"
