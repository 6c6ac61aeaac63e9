"""The folder of a study: where everything lies in it, its description, and the lock of the one search in it.

study.json               what is searched and how; never changes, except for the budget
space.ir                 the search space, complete, whatever becomes of the files it was written in
study.db                 the trials (Optuna, SQLite)
lock                     held by the running search
trials/0007/network.ir   the candidate of trial 7
weights.safetensors, remeasurement.json, log.txt
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import math
import os
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from drawloom.backends.files import written_whole
from drawloom.ir import Module, UserError, parse_module, print_module
from drawloom.ir import Source as SourceText

FORMAT = 1
"""Version of the layout and of study.json."""

_DISTRIBUTIONS = {
    "drawloom": "drawloom",
    "torch": "torch",
    "tvm": "apache-tvm",
    "optuna": "optuna",
    "numpy": "numpy",
}


@dataclass(frozen=True)
class SpaceOrigin:
    """Where a space came from, for people, and what it is.

    Attributes:
        name: of its network.
        path: file it was read from; empty when it was made in memory.
        text: of that file.
        arguments: static arguments it was elaborated with.
        hash: SHA-256 of its textual IR: two files that mean the same have the same.
    """

    name: str
    path: str
    text: str
    arguments: dict[str, int | float | bool | str]
    hash: str

    def __str__(self) -> str:
        """Short, for messages."""
        place = f" of {self.path}" if self.path else ""
        return f"'{self.name}'{place} ({self.hash[:8]})"


@dataclass(frozen=True)
class StudyConfig:
    """Everything that determines a search.

    Attributes:
        space: what is searched.
        task: what networks are trained for.
        objectives: names of metrics.
        strategy: name.
        options: of the strategy, settled.
        seed: of the strategy and of training.
        budget: trials that are to be finished.
        target: that latencies are measured on.
        epochs: of training; None for those of the task's recipe.
        seconds: time limit of a trial.
        memory: limit of a trial, in bytes.
        created: local time, ISO 8601.
        versions: of libraries, at the time of creation.
        machine: facts about the computer.
        format: of the file.
    """

    space: SpaceOrigin
    task: str
    objectives: tuple[str, ...]
    strategy: str
    options: dict[str, int | float | bool | str]
    seed: int
    budget: int
    target: str
    epochs: int | None
    seconds: float
    memory: int
    created: str
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT


class StudyFolder:
    """The paths in the folder of a study, and how they are read and written."""

    def __init__(self, root: Path) -> None:
        """Name the folder; nothing is read."""
        self.root = root
        self.config = root / "study.json"
        self.space = root / "space.ir"
        self.database = root / "study.db"
        self.lock = root / "lock"

    def trial(self, number: int) -> Path:
        """The folder of a trial."""
        return self.root / "trials" / f"{number:04d}"

    def network(self, number: int) -> Path:
        """The resolved network of a trial, textual IR."""
        return self.trial(number) / "network.ir"

    def weights(self, number: int) -> Path:
        """The weights that a trial trained."""
        return self.trial(number) / "weights.safetensors"

    def log(self, number: int) -> Path:
        """What a trial printed."""
        return self.trial(number) / "log.txt"

    def remeasurement(self, number: int) -> Path:
        """The timing of a trial's network on the idle machine."""
        return self.trial(number) / "remeasurement.json"

    @staticmethod
    def write_text(path: Path, text: str) -> None:
        """Write a file that is whole or not there."""
        with written_whole(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def write_config(self, config: StudyConfig) -> None:
        """Write study.json."""
        write_json(self.config, asdict(config))

    def read_config(self) -> StudyConfig:
        """Read study.json.

        Raises:
            UserError: when there is no study, or the file is damaged or of another version.
        """
        if not self.root.is_dir():
            raise UserError(f"there is no study '{self.root}'")
        if not self.config.exists():
            raise UserError(f"'{self.root}' is not the folder of a study: it has no study.json")
        from pydantic import TypeAdapter, ValidationError

        data = read_json(self.config)
        if data.get("format") != FORMAT:
            raise UserError(
                f"'{self.config}' has format {data.get('format')}, this Drawloom reads format {FORMAT}"
            )
        try:
            return TypeAdapter(StudyConfig).validate_python(data)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise UserError(f"'{self.config}' is damaged: {place}: {first['msg']}") from None

    def read_space(self, config: StudyConfig) -> Module:
        """Read the search space.

        Raises:
            UserError: when the file is missing or not the one that was written.
        """
        try:
            text = self.space.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UserError(f"'{self.space}' is missing", "restore it from a backup") from None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"'{self.space}' cannot be read: {error}") from None
        if _digest(text) != config.space.hash:
            raise UserError(f"'{self.space}' is damaged: it is not the space that the study was made with")
        return parse_module(SourceText(str(self.space), text))

    def read_remeasurement(self, number: int) -> dict[str, Any] | None:
        """Read the later timing of a trial; None when there is none.

        Raises:
            UserError: when the file is damaged.
        """
        path = self.remeasurement(number)
        if not path.exists():
            return None
        data = read_json(path)
        for name in _TIMES:
            if not _is_time(data.get(name)):
                raise UserError(f"'{path}' is damaged: '{name}' is {data.get(name)!r} instead of seconds")
        return data

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one search. The lock of a process that died is free.

        Raises:
            UserError: when another process holds it.
        """
        with self.lock.open("a+", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip() or "unknown"
                raise UserError(f"another search is running in '{self.root}' (process {holder})") from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield


_TIMES = ("median", "lower_quartile", "upper_quartile")
"""What is read of a timing."""


def _is_time(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf


def write_json(path: Path, data: object) -> None:
    """Write a JSON file that is whole or not there."""
    StudyFolder.write_text(path, json.dumps(data, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        UserError: when the file is damaged.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"'{path}' is damaged: {error}") from None
    if not isinstance(data, dict):
        raise UserError(f"'{path}' is damaged: it holds no JSON object")
    return data


def origin_of(
    module: Module, path: Path | None, arguments: Mapping[str, int | float | bool | str]
) -> SpaceOrigin:
    """Describe a space that was read from a file, or made in memory."""
    text = ""
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"'{path}' cannot be read: {error}") from None
    return SpaceOrigin(module.name, str(path or ""), text, dict(arguments), _digest(print_module(module)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def installed_versions() -> dict[str, str]:
    """Versions of Python and of the libraries that results depend on; missing ones are left out."""
    found = {"python": platform.python_version()}
    for name, distribution in _DISTRIBUTIONS.items():
        try:
            found[name] = version(distribution)
        except PackageNotFoundError:
            continue
    return found


def machine_facts() -> dict[str, str]:
    """The processor, its cores that may be used, the memory and the system."""
    pages, page = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{pages * page / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
