"""The texts that are open in the editor, and the files beside them."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types as lsp
from pygls.uris import to_fs_path

from drawloom.frontend.load import import_path, read_source
from drawloom.ir import Source


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of a text that was replaced.

    Attributes:
        start: its first offset.
        end: the offset after it, in the text before.
        length: of what stands there instead.
    """

    start: int
    end: int
    length: int

    @property
    def growth(self) -> int:
        """How much longer the text became."""
        return self.length - (self.end - self.start)


@dataclass(slots=True)
class Document:
    """An open text.

    Attributes:
        uri: its address in the editor.
        source: its text, named by its path where it has one.
        version: the editor's number of this text.
    """

    uri: str
    source: Source
    version: int = 0

    def apply(self, change: lsp.TextDocumentContentChangeEvent, encoding: str) -> Edit:
        """Change the text as the editor did; columns are in code units of the encoding."""
        before = self.source
        if isinstance(change, lsp.TextDocumentContentChangePartial):
            start, end = (offset_of(before, p, encoding) for p in (change.range.start, change.range.end))
            edit = Edit(start, max(start, end), len(change.text))
            text = before.text[:start] + change.text + before.text[edit.end :]
        else:
            text, edit = change.text, difference(before.text, change.text)
        self.source = Source(before.name, text)
        return edit


def difference(old: str, new: str) -> Edit:
    """The one stretch in which two texts differ."""
    head = _longest(min(len(old), len(new)), lambda n: old[:n] == new[:n])
    room = min(len(old), len(new)) - head
    tail = _longest(room, lambda n: old[len(old) - n :] == new[len(new) - n :])
    return Edit(head, len(old) - tail, len(new) - tail - head)


def _longest(limit: int, agrees: Callable[[int], bool]) -> int:
    """The largest length up to a limit that agrees, where all smaller ones do."""
    return bisect.bisect_left(range(1, limit + 1), True, key=lambda n: not agrees(n))


@dataclass(slots=True)
class Documents:
    """All open texts by their address."""

    by_uri: dict[str, Document] = field(default_factory=dict)

    def open(self, item: lsp.TextDocumentItem) -> Document:
        """Take in a text that the editor opened."""
        name = to_fs_path(item.uri) or item.uri
        document = Document(item.uri, Source(name, item.text), item.version)
        self.by_uri[item.uri] = document
        return document

    def snapshot(self) -> Snapshot:
        """The texts as they are now, for an analysis in another thread."""
        return Snapshot({d.source.name: d.source for d in self.by_uri.values()})

    def uri_of(self, source: Source) -> str:
        """The address of a source, as the editor wrote it where the source is open."""
        known = (d.uri for d in self.by_uri.values() if d.source.name == source.name)
        return next(known, None) or Path(source.name).absolute().as_uri()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Open texts by the names of their sources; all other files are as on disk."""

    open: dict[str, Source]

    def read(self, importer: Source, text: str) -> Source:
        """An imported file.

        Raises:
            UserError: when it cannot be read.
        """
        path = import_path(importer, text)
        return self.open.get(str(path)) or read_source(path)


def offset_of(source: Source, position: lsp.Position, encoding: str) -> int:
    """The offset of a position of the editor."""
    return source.editor_offset(position.line, position.character, encoding)


def range_of(source: Source, start: int, end: int, encoding: str) -> lsp.Range:
    """The range of a part of a text."""
    first, last = (lsp.Position(*source.editor_position(offset, encoding)) for offset in (start, end))
    return lsp.Range(first, last)
