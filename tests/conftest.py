"""Settings of the whole suite, and the collector of FileCheck tests (tests/support/filecheck_runner.py)."""

import importlib
import os
from collections.abc import Iterator
from pathlib import Path

# One thread a library: the suite shares its cores, and timings of two fighting thread pools mean nothing.
for variable in ("OMP_NUM_THREADS", "TVM_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest
from filecheck_runner import Command, RunFailed, RunLine, run, run_lines
from hypothesis import settings

settings.register_profile("drawloom", deadline=None, print_blob=True)
settings.load_profile("drawloom")

FILECHECK_FOLDER = Path(__file__).parent / "filecheck"
FILECHECK_SUFFIXES = (".loom", ".ir")


def drawloom() -> Command:
    """The function behind the `drawloom` command."""
    command: Command = importlib.import_module("drawloom.cli").main
    return command


class FileCheckFile(pytest.File):
    """A `.loom` or `.ir` file under tests/filecheck/: one test a RUN line."""

    def collect(self) -> Iterator[pytest.Item]:
        """The RUN lines as tests named `line7`; a file without any is an error, for it would test nothing."""
        lines = list(run_lines(self.path.read_text(encoding="utf-8")))
        if not lines:
            raise self.CollectError(f"{self.path}: a FileCheck test needs a line `# RUN: drawloom ...`")
        for line in lines:
            yield FileCheckItem.from_parent(self, name=f"line{line.line}", run_line=line)


class FileCheckItem(pytest.Item):
    """One RUN line."""

    def __init__(self, *, run_line: RunLine, **rest: object) -> None:
        super().__init__(**rest)  # type: ignore[arg-type]
        self.run_line = run_line

    def runtest(self) -> None:
        """Run it in this process."""
        run(self.run_line.text, self.path, drawloom())

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        """What FileCheck or the command said; a traceback only for what the command let through."""
        head = f"RUN: {self.run_line.text}\n"
        if isinstance(excinfo.value, RunFailed):
            return head + str(excinfo.value)
        return head + str(super().repr_failure(excinfo))

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the RUN line stands, for the headings of the report."""
        return self.path, self.run_line.line - 1, f"{self.path.name}:{self.run_line.line}"


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect `tests/filecheck/**/*.loom` and `*.ir`."""
    if file_path.suffix in FILECHECK_SUFFIXES and file_path.is_relative_to(FILECHECK_FOLDER):
        collected: pytest.Collector = FileCheckFile.from_parent(parent, path=file_path)
        return collected
    return None
