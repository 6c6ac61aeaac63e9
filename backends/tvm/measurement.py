"""What a measurement of a compiled network says, and its file: everything needed to trust the number."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from drawloom.backends.files import written_whole
from drawloom.ir import UserError

FORMAT = "drawloom-measurement-1"
CLOCK = "processor time of the thread"
"""What the reported latency is measured with."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Samples of a time, in seconds.

    Attributes:
        median: half of the samples are shorter.
        lower_quartile, upper_quartile: the middle half of the samples lies between them.
        p10, p90: the middle four fifths lie between them.
        minimum: the shortest.
    """

    median: float
    lower_quartile: float
    upper_quartile: float
    p10: float
    p90: float
    minimum: float

    @staticmethod
    def of(samples: npt.NDArray[np.float64]) -> Spread:
        """The spread of samples."""
        p10, lower, median, upper, p90 = (float(v) for v in np.percentile(samples, (10, 25, 50, 75, 90)))
        return Spread(median, lower, upper, p10, p90, float(np.min(samples)))


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
        cpu: processor time of the thread. This is the reported latency: other programs on the machine
            disturb it least.
        wall: time by the wall clock, in the same samples.
        repeats: number of samples.
        number: calls in each sample.
        sentinel: processor time of a small fixed kernel, timed before each sample: shows changes of the
            clock.
        sentinel_drift: its median in the last third of the samples over that in the first third; 1 is a
            steady machine.
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
    def median(self) -> float:
        """The reported latency in seconds: the median of the thread's processor time."""
        return self.cpu.median

    @property
    def relative(self) -> float:
        """The latency in units of the sentinel's: comparable between moments of different clock."""
        return self.cpu.median / self.sentinel.median

    def to_json(self) -> dict[str, Any]:
        """The measurement as plain data; the spread of the reported clock also stands at the top level."""
        return {"clock": CLOCK, **asdict(self.cpu), **asdict(self)}

    @staticmethod
    def from_json(data: Any, origin: str = "the data") -> Measurement:
        """Read back what `to_json` made; further keys are ignored.

        Args:
            data: plain data.
            origin: what to call it in messages.

        Raises:
            UserError: when something is missing or of a wrong type.
        """
        spreads = ("cpu", "wall", "sentinel")
        content = _fields_of(Measurement, data, origin)
        return Measurement(
            **{**content, **{n: Spread(**_fields_of(Spread, content[n], origin)) for n in spreads}}
        )

    def save(self, path: Path | str) -> None:
        """Write it to a file with a checksum, whole or not at all.

        Raises:
            UserError: when the file cannot be written.
        """
        with written_whole(Path(path)) as temporary:
            temporary.write_text(self.document(), encoding="utf-8")

    def document(self) -> str:
        """The text of its file."""
        content = self.to_json()
        document = {"format": FORMAT, "checksum": _checksum(content), "measurement": content}
        return json.dumps(document, indent=1)

    @staticmethod
    def load_file(path: Path | str) -> Measurement:
        """Read a file that `save` wrote.

        Raises:
            UserError: when it is missing, cut off, corrupt or something else.
        """
        try:
            document = json.loads(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise UserError(f"there is no file '{path}'") from None
        except (OSError, ValueError) as error:
            raise UserError(f"'{path}' is no measurement: {error}", "cut off or corrupt?") from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise UserError(f"'{path}' is no measurement: it does not say '{FORMAT}'")
        if document.get("checksum") != _checksum(document.get("measurement")):
            raise UserError(f"'{path}' is corrupt: its checksum is wrong")
        return Measurement.from_json(document["measurement"], f"'{path}'")


_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "Spread": (dict,),
    "dict[str, str]": (dict,),
}


def _fields_of(cls: Any, content: Any, origin: str) -> dict[str, Any]:
    """The fields of a dataclass in plain data, checked."""
    if not isinstance(content, dict):
        raise UserError(f"{origin} is no measurement")
    result = {}
    for field in fields(cls):
        value = content.get(field.name)
        if not isinstance(value, _TYPES[str(field.type)]) or isinstance(value, bool):
            raise UserError(
                f"{origin} is no measurement: '{field.name}' is {value!r}", "corrupt, or of another version?"
            )
        result[field.name] = value
    return result


def _checksum(content: Any) -> str:
    return f"{zlib.crc32(json.dumps(content, sort_keys=True).encode()):08x}"
