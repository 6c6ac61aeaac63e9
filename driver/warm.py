"""The warm process: it imports once what all trials need, then forks a process for each of them.

Importing PyTorch and TVM takes seconds and a fork takes milliseconds, so this is what makes a process a trial
cheap. It runs as ``python -m drawloom.warm FD``, never starts a thread (threads do not survive a fork), and
does nothing but fork, kill and reap. `drawloom.executor` is the other end of its socket.

Its requests are ``Fork`` (with the file descriptor of the job's pipe) and ``Kill``, its replies ``Ready``,
``Unusable``, ``Forked`` and ``Exited``. When the other end closes the socket, or dies, every job is killed.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import pickle
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from drawloom.ir import UserError

from .limits import die_with_parent, kill_group, sacrifice_first
from .plugins import load_plugins

PACKET = 1 << 16
"""Longest request or reply, in bytes."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function to call in another process.

    Attributes:
        target: ``module:function``.
        argument: what to call it with, picklable and small.
    """

    target: str
    argument: Any = None

    def __call__(self, *more: Any) -> Any:
        """Import the function and call it."""
        module, _, name = self.target.partition(":")
        return getattr(importlib.import_module(module), name)(self.argument, *more)


@dataclass(frozen=True, slots=True)
class Setup:
    """The first message: where modules are found, and what to call before the first fork."""

    path: tuple[str, ...]
    warm_up: Call | None


@dataclass(frozen=True, slots=True)
class Fork:
    """Fork a process for job `token`; what it prints goes to the end of the file `log`."""

    token: int
    log: str


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill the process of job `token` and everything it started."""

    token: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The warm-up is done."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """The warm-up failed; there will be no jobs."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forked:
    """Job `token` runs in process `pid`, which leads a process group of that number."""

    token: int
    pid: int


@dataclass(frozen=True, slots=True)
class Exited:
    """The process of job `token` is gone; the status is that of `os.waitpid`."""

    token: int
    status: int


class Reporter:
    """What a job tells the study while it runs."""

    def __init__(self, connection: Connection) -> None:
        """Speak through the job's pipe."""
        self._connection = connection

    def note(self, kind: str, **payload: Any) -> None:
        """Report progress."""
        self._connection.send(("note", kind, payload))

    @contextmanager
    def alone(self) -> Iterator[int]:
        """Wait until no other job measures, and keep others from it; gives how many other jobs run meanwhile.

        The time of waiting does not count against the time limit.
        """
        self._connection.send(("alone", True))
        others: int = self._connection.recv()
        try:
            yield others
        finally:
            self._connection.send(("alone", False))


def describe(error: BaseException) -> str:
    """An exception in one line; for those that are not meant for users with the place that raised it."""
    first = (str(error).strip() or "no message").splitlines()[0]
    if isinstance(error, UserError):
        return first
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {first}{place}"


class _Template:
    """The loop of the warm process."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.tokens: dict[int, int] = {}
        """Running jobs: process id to token."""
        self.wake_read, self.wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> None:
        setup: Setup = pickle.loads(self.control.recv(PACKET))
        sys.path[:] = setup.path
        try:
            load_plugins()
            if setup.warm_up is not None:
                setup.warm_up()
        except Exception as error:
            traceback.print_exc()
            self.reply(Unusable(describe(error)))
            while self.control.recv(PACKET):  # closing with unread requests would lose the reply
                pass
            return
        gc.freeze()  # collections in a job must not touch, hence copy, every page it shares
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        self.reply(Ready())
        try:
            while self.serve():
                pass
        finally:
            for pid in self.tokens:
                kill_group(pid)

    def serve(self) -> bool:
        """Wait for something and handle it; False when the other end is gone."""
        sources: list[Any] = [self.control, self.wake_read]
        readable, _, _ = select.select(sources, [], [])
        if self.wake_read in readable:
            os.read(self.wake_read, PACKET)
            self.reap()
        if self.control not in readable:
            return True
        data, descriptors, _, _ = socket.recv_fds(self.control, PACKET, 1)
        if not data:
            return False
        match pickle.loads(data):
            case Fork() as request:
                self.fork(request, descriptors[0])
            case Kill(token):
                for pid in [pid for pid, running in self.tokens.items() if running == token]:
                    kill_group(pid)
        return True

    def fork(self, request: Fork, descriptor: int) -> None:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            self.become_job(parent, request, descriptor)
        os.close(descriptor)
        os.setpgid(pid, pid)  # here and in the child, so that it holds for both from now on
        self.tokens[pid] = request.token
        self.reply(Forked(request.token, pid))

    def become_job(self, parent: int, request: Fork, descriptor: int) -> NoReturn:
        status = 1
        try:
            os.setpgid(0, 0)
            die_with_parent(parent)
            sacrifice_first()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self.control.close()
            os.close(self.wake_read)
            os.close(self.wake_write)
            _redirect(request.log)
            status = _work(Connection(descriptor))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def reap(self) -> None:
        while self.tokens:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return
            kill_group(
                ended.si_pid
            )  # what it started and left; before reaping, while the number is still its own
            pid, status = os.waitpid(ended.si_pid, 0)
            token = self.tokens.pop(pid, None)
            if token is not None:
                self.reply(Exited(token, status))

    def reply(self, message: object) -> None:
        self.control.send(pickle.dumps(message))


def _redirect(log: str) -> None:
    """Let everything that the process prints, and its own crashes, end up in a file."""
    sys.stdout.flush()
    sys.stderr.flush()
    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    faulthandler.enable()


def _work(connection: Connection) -> int:
    """Do the job that the pipe asks for; returns the exit status."""
    call: Call = connection.recv()
    try:
        result = call(Reporter(connection))
    except BaseException as error:
        traceback.print_exc()
        connection.send(("error", describe(error)))
        return 0
    connection.send(("result", result))
    return 0


def main() -> None:
    """Serve the socket whose file descriptor is the only argument."""
    with socket.socket(fileno=int(sys.argv[1])) as control:
        _Template(control).run()


if __name__ == "__main__":
    # Under its own name, so that what is pickled here is known there.
    from drawloom.warm import main as named_main

    named_main()
