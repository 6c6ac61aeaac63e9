"""Runs jobs in processes of their own, watches their limits, and lets only one of them measure at a time."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import TracebackType
from typing import Any

from drawloom.ir import UserError

from .limits import Limits, exit_text, resident_bytes
from .warm import PACKET, Call, Exited, Fork, Forked, Kill, Ready, Setup, Unusable

WATCH_INTERVAL = 0.1
"""Seconds between two looks at the limits."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TVM_NUM_THREADS")


@dataclass(frozen=True, slots=True)
class Note:
    """What a running job reports."""

    token: int
    kind: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """A job is over: `reason` says why it failed and is None when it did not."""

    token: int
    result: Any
    reason: str | None
    seconds: float


@dataclass
class _Job:
    """A job that was submitted and is not over."""

    token: int
    connection: Connection
    limits: Limits
    pid: int = 0
    started: float = 0.0
    waiting_since: float | None = None
    waited: float = 0.0
    messages: dict[str, Any] = field(default_factory=dict)
    """The result or the error, once it came."""
    stopped: str | None = None
    """Why it was killed, once it was."""

    @property
    def seconds(self) -> float:
        """Running time, without waiting for the machine."""
        if not self.started:
            return 0.0
        now = time.monotonic()
        waiting = 0.0 if self.waiting_since is None else now - self.waiting_since
        return now - self.started - self.waited - waiting


def default_workers() -> int:
    """As many as this process may use cores."""
    return max(1, len(os.sched_getaffinity(0)))


class Executor:
    """Jobs in processes of their own.

    All methods are for one thread. A job is a `Call` whose function gets a `Reporter` as second argument.
    Leaving the context kills what still runs.
    """

    def __init__(
        self, warm_up: Call | None = None, *, limits: Limits | None = None, threads: int = 1
    ) -> None:
        """Prepare.

        Args:
            warm_up: what to call once before the first job, in the process that all jobs are forked from: it
                imports libraries and reads data. It must not start threads.
            limits: of every job.
            threads: CPU threads that the libraries in a job use.
        """
        self._warm_up = warm_up
        self._limits = limits or Limits()
        self._threads = threads
        self._jobs: dict[int, _Job] = {}
        self._next_token = 0
        self._queue: deque[int] = deque()
        """Jobs that wait to measure, first come first served."""
        self._measuring: int | None = None
        self._ended: list[Ended] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._log: Any = None

    def __enter__(self) -> Executor:
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def running(self) -> int:
        """Number of jobs that are not over."""
        return len(self._jobs)

    def submit(self, call: Call, log: Path, limits: Limits | None = None) -> int:
        """Start a job; returns the token under which it reports.

        Args:
            call: what to do.
            log: file at whose end everything is written that the job prints.
            limits: other limits than the usual.
        """
        if self._control is None:
            self._start()
        assert self._control is not None
        token, self._next_token = self._next_token, self._next_token + 1
        ours, theirs = Pipe()
        with theirs:
            ours.send(call)
            socket.send_fds(self._control, [pickle.dumps(Fork(token, str(log)))], [theirs.fileno()])
        self._jobs[token] = _Job(token, ours, limits or self._limits)
        return token

    def poll(self, timeout: float) -> list[Note | Ended]:
        """What happened since the last call; waits up to `timeout` seconds for something to happen.

        Raises:
            UserError: when the warm-up failed.
        """
        deadline = time.monotonic() + timeout
        while True:
            happened = list(self._look(min(WATCH_INTERVAL, max(0.0, deadline - time.monotonic()))))
            if happened or not self._jobs or time.monotonic() >= deadline:
                return happened

    def close(self) -> None:
        """Kill what still runs, and the warm process."""
        for job in self._jobs.values():
            job.connection.close()
        self._jobs.clear()
        self._stop()

    def _start(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed in _stop)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "drawloom.warm", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={**os.environ, **dict.fromkeys(THREAD_VARIABLES, str(self._threads))},
                start_new_session=True,  # Ctrl-C on the terminal is for the study alone
            )
        self._control = ours
        ours.send(pickle.dumps(Setup(tuple(sys.path), self._warm_up)))

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            try:
                self._process.wait(timeout=2.0)
            except subprocess.TimeoutExpired:  # in the middle of its warm-up
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def _look(self, timeout: float) -> Iterator[Note | Ended]:
        """Everything that happened, after waiting for at most `timeout` seconds."""
        if self._control is None:
            return
        by_connection: dict[Any, _Job] = {
            job.connection: job for job in self._jobs.values() if not job.connection.closed
        }
        ready = wait([self._control, *by_connection], timeout)
        for connection in ready:
            if connection is not self._control:
                yield from self._read(by_connection[connection])
        if self._control in ready:
            yield from self._reply()
        self._watch()
        self._grant()

    def _read(self, job: _Job) -> Iterator[Note]:
        """Everything that a job has said."""
        try:
            while not job.connection.closed and job.connection.poll():
                kind, *rest = job.connection.recv()
                if kind == "note":
                    yield Note(job.token, *rest)
                elif kind == "alone":
                    self._ask_alone(job, wanted=rest[0])
                else:
                    job.messages[kind] = rest[0]
        except (EOFError, OSError):
            job.connection.close()
        except Exception as error:  # what cannot be unpickled
            job.messages["error"] = f"sent an unreadable message: {error}"
            job.connection.close()

    def _reply(self) -> Iterator[Note | Ended]:
        """One reply of the warm process."""
        assert self._control is not None
        try:
            data = self._control.recv(PACKET)
        except ConnectionResetError:
            data = b""
        if not data:
            yield from self._warm_process_died()
            return
        match pickle.loads(data):
            case Forked(token, pid):
                self._jobs[token].pid = pid
                self._jobs[token].started = time.monotonic()
            case Exited(token, status):
                yield from self._read(self._jobs[token])
                yield self._end(self._jobs[token], status)
            case Unusable(reason):
                raise UserError(f"the trials cannot start: {reason}")
            case Ready():
                pass

    def _end(self, job: _Job, status: int) -> Ended:
        failed = job.stopped or job.messages.get("error")
        if failed is None and (status != 0 or "result" not in job.messages):
            failed = exit_text(status)
        return self._remove(job, failed)

    def _remove(self, job: _Job, failed: str | None) -> Ended:
        self._ask_alone(job, wanted=False)
        job.connection.close()
        del self._jobs[job.token]
        return Ended(job.token, job.messages.get("result") if failed is None else None, failed, job.seconds)

    def _warm_process_died(self) -> Iterator[Ended]:
        """All its jobs die with it; the next one starts another."""
        self._log.seek(0)
        printed = self._log.read().decode(errors="replace").strip().splitlines()
        started = any(job.pid for job in self._jobs.values())
        self._stop()
        if not started:  # it would only happen again
            raise UserError(
                "the process that starts trials died", printed[-1] if printed else "it said nothing"
            )
        for job in list(self._jobs.values()):
            yield self._remove(job, job.stopped or "the process that starts trials was killed")

    def _watch(self) -> None:
        for job in self._jobs.values():
            if not job.pid or job.stopped is not None:
                continue
            job.stopped = job.limits.time_exceeded(job.seconds) or job.limits.memory_exceeded(
                resident_bytes(job.pid)
            )
            if job.stopped is not None and self._control is not None:
                with suppress(BrokenPipeError, ConnectionResetError):
                    self._control.send(pickle.dumps(Kill(job.token)))

    def _ask_alone(self, job: _Job, *, wanted: bool) -> None:
        """A job wants to measure, or wants it no longer."""
        if wanted:
            job.waiting_since = time.monotonic()
            self._queue.append(job.token)
            return
        if job.token in self._queue:
            self._queue.remove(job.token)
        if self._measuring == job.token:
            self._measuring = None

    def _grant(self) -> None:
        """Let the next in the queue measure."""
        if self._measuring is not None or not self._queue:
            return
        job = self._jobs[self._queue.popleft()]
        assert job.waiting_since is not None
        job.waited += time.monotonic() - job.waiting_since
        job.waiting_since = None
        self._measuring = job.token
        with suppress(OSError):  # it died in the queue; its exit is on the way
            job.connection.send(len(self._jobs) - 1)
