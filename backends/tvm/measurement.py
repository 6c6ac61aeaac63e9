"""What a measurement of a compiled network says, and its file: everything needed to trust the number."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from drawloom.backends.files import written_whole
from drawloom.ir import UserError

FORMAT = "drawloom-measurement-1"


@dataclass(frozen=True, slots=True)
class Spread:
    """Samples of a time in seconds: median, 10th and 90th percentile, and the shortest."""

    median: float
    p10: float
    p90: float
    minimum: float


@dataclass(frozen=True, slots=True)
class Measurement:
    """The latency of a network on a target, for one call with a whole batch.

    Attributes:
        network: its name.
        target: its name.
        processor: LLVM's name of the processor the code was made for.
        host: model name of the processor it ran on.
        batch: samples computed by one call.
        threads: threads used.
        cpu: processor time of the thread. This is the reported latency: other programs on the machine disturb it least.
        wall: time by the wall clock, in the same samples.
        repeats: number of samples.
        number: calls in each sample.
        sentinel: processor time of a small fixed kernel, timed before each sample: shows changes of the clock.
        sentinel_drift: its median in the last third of the samples over that in the first third; 1 is a steady machine.
        load: load average of the machine over the last minute, when measuring began.
        versions: of tvm, tvm-ffi, llvm, drawloom and python.
        timestamp: when measuring began, ISO 8601, UTC.
    """

    network: str
    target: str
    processor: str
    host: str
    batch: int
    threads: int
    cpu: Spread
    wall: Spread
    repeats: int
    number: int
    sentinel: Spread
    sentinel_drift: float
    load: float
    versions: dict[str, str]
    timestamp: str

    @property
    def seconds(self) -> float:
        """The reported latency: the median of the thread's processor time."""
        return self.cpu.median

    @property
    def relative(self) -> float:
        """The latency in units of the sentinel's: comparable between moments at which the machine's clock differs."""
        return self.cpu.median / self.sentinel.median

    def to_json(self) -> str:
        """The measurement as text, with a checksum."""
        content = asdict(self)
        return json.dumps({"format": FORMAT, "checksum": _checksum(content), "measurement": content}, indent=1)

    @staticmethod
    def from_json(text: str, origin: str = "the text") -> Measurement:
        """Read a measurement back.

        Args:
            text: what `to_json` made.
            origin: what to call it in messages.

        Raises:
            UserError: when it is cut off, corrupt or something else.
        """
        try:
            document = json.loads(text)
        except ValueError as error:
            raise UserError(f"{origin} is no measurement: {error}", "half-written or corrupt?") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise UserError(f"{origin} is no measurement: it does not say '{FORMAT}'")
        content = document.get("measurement")
        if not isinstance(content, dict) or document.get("checksum") != _checksum(content):
            raise UserError(f"{origin} is corrupt: its checksum is wrong")
        return _measurement(content, origin)

    def save(self, path: Path | str) -> None:
        """Write it to a file, whole or not at all.

        Raises:
            UserError: when the file cannot be written.
        """
        with written_whole(Path(path)) as temporary:
            temporary.write_text(self.to_json(), encoding="utf-8")

    @staticmethod
    def load_file(path: Path | str) -> Measurement:
        """Read a file that `save` wrote.

        Raises:
            UserError: when it is missing, cut off or corrupt.
        """
        try:
            text = Path(path).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise UserError(f"no such file: '{path}'") from None
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"'{path}' cannot be read: {error}", "corrupt?") from None
        return Measurement.from_json(text, f"'{path}'")


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float), "Spread": (dict,), "dict[str, str]": (dict,),
}  # fmt: skip


def _checked(cls: Any, content: dict[str, Any], origin: str) -> None:
    expected = {f.name: str(f.type) for f in fields(cls)}
    if set(content) != set(expected):
        wrong = sorted(set(content) ^ set(expected))
        raise UserError(f"{origin} is no measurement of this version: '{wrong[0]}' is missing or unknown")
    for name, kind in expected.items():
        if not isinstance(content[name], _TYPES[kind]) or isinstance(content[name], bool):
            raise UserError(f"{origin} is corrupt: '{name}' is {content[name]!r}")


def _measurement(content: dict[str, Any], origin: str) -> Measurement:
    _checked(Measurement, content, origin)
    spreads = {}
    for name in ("cpu", "wall", "sentinel"):
        _checked(Spread, content[name], origin)
        spreads[name] = Spread(**content[name])
    return Measurement(**{**content, **spreads})


def _checksum(content: dict[str, Any]) -> str:
    return f"{zlib.crc32(json.dumps(content, sort_keys=True).encode()):08x}"
