"""The server: keeps an analysis of every open text up to date and answers the editor's questions with it.

Analyses run one at a time in a thread of their own, a moment after the last change. Questions are answered
from the newest one, seen from the text as it is now; while the text is broken, what it was before answers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from drawloom import __version__
from drawloom.frontend.format import format_source
from drawloom.frontend.inspection import Inspection
from drawloom.ir import DiagnosticError, Span, UserError

from . import calls, completion, hover, navigation
from .analysis import View, analyse
from .convert import Converter, help_of, item_of
from .documents import Document, Documents, difference, offset_of

_PAUSE = 0.15
"""Seconds without a change after which a text is analysed."""

_PATIENCE = 0.5
"""Seconds that a question waits for an analysis that is under way."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class State:
    """An open text and what is known about it.

    Attributes:
        document: the text.
        latest: the newest analysis.
        good: the newest analysis of a text without errors, often the same.
        pending: the analysis under way.
    """

    document: Document
    latest: View | None = None
    good: View | None = None
    pending: asyncio.Task[None] | None = None

    @property
    def views(self) -> list[View]:
        """What is known, newest first."""
        different = [self.latest] if self.latest is self.good else [self.latest, self.good]
        return [view for view in different if view is not None]


class Position(Protocol):
    """The parameters of a request about a position of a text."""

    text_document: lsp.TextDocumentIdentifier
    position: lsp.Position


class Server(LanguageServer):
    """The language server of one editor.

    Attributes:
        documents: the open texts.
        states: what is known about each, by its address.
        told_to_stop: whether the editor asked for the end, without which an end is a failure.
    """

    def __init__(self) -> None:
        """Offer every feature; nothing runs before `start_io` or `start_tcp`."""
        super().__init__("drawloom", __version__)
        self.documents = Documents()
        self.states: dict[str, State] = {}
        self.told_to_stop = False
        self.analyses = ThreadPoolExecutor(max_workers=1, thread_name_prefix="analysis")
        for feature, handler, options in _FEATURES:
            self.feature(feature, options)(handler)

    @property
    def convert(self) -> Converter:
        """Converts to the types of the protocol."""
        return Converter(self.documents, self._encoding)

    @property
    def _encoding(self) -> str:
        encoding = self.workspace.position_encoding
        return encoding.value if isinstance(encoding, lsp.PositionEncodingKind) else str(encoding or "utf-16")

    # Texts

    def open(self, item: lsp.TextDocumentItem) -> None:
        """Take in a text and analyse it at once."""
        self.states[item.uri] = State(self.documents.open(item))
        self.schedule(item.uri, 0)

    def change(self, uri: str, version: int, changes: list[lsp.TextDocumentContentChangeEvent]) -> None:
        """Change a text, and analyse it when it rests."""
        state = self.states[uri]
        for change in changes:
            edit = state.document.apply(change, self._encoding)
            for view in state.views:
                view.follow(edit, state.document.source)
        state.document.version = version
        self.schedule(uri, _PAUSE)

    def close(self, uri: str) -> None:
        """Forget a text."""
        state = self.states.pop(uri, None)
        self.documents.by_uri.pop(uri, None)
        if state is not None and state.pending is not None:
            state.pending.cancel()
        self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    # Analyses

    def schedule(self, uri: str, pause: float) -> None:
        """Analyse a text after a pause, instead of any analysis that waits."""
        state = self.states[uri]
        if state.pending is not None:
            state.pending.cancel()
        state.pending = asyncio.get_running_loop().create_task(self._analyse(uri, pause))

    async def _analyse(self, uri: str, pause: float) -> None:
        await asyncio.sleep(pause)
        state = self.states[uri]
        source, version = state.document.source, state.document.version
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self.analyses, analyse, source, self.documents.snapshot())
        except Exception:
            _log.exception("the analysis of %s failed", uri)
            return
        if self.states.get(uri) is not state or state.document.source is not source:
            return
        importers = self._importers(source.name) if state.latest is not None else []
        state.latest = View(found, source)
        if not found.diagnostics:
            state.good = state.latest
        self.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri, self.convert.diagnostics(found), version)
        )
        for importer in importers:
            self.schedule(importer, _PAUSE)

    def _importers(self, name: str) -> list[str]:
        """The open texts that import a source."""
        return [
            uri
            for uri, state in self.states.items()
            if state.document.source.name != name
            and state.latest is not None
            and name in state.latest.inspection.symbols
        ]

    async def views(self, uri: str) -> list[View]:
        """What is known about a text, newest first; waits a moment for an analysis under way."""
        state = self.states.get(uri)
        if state is None:
            raise JsonRpcInvalidParams(f"{uri} is not open")
        if state.pending is not None and not state.pending.done():
            await asyncio.wait({state.pending}, timeout=_PATIENCE)
        return state.views

    async def answers(
        self, params: Position, question: Callable[[Inspection, int], T | None]
    ) -> list[tuple[View, T]]:
        """The answers that are not empty, from the newest analysis and from the last one without errors."""
        found: list[tuple[View, T]] = []
        for view in await self.views(params.text_document.uri):
            offset = view.earlier(offset_of(view.source, params.position, self._encoding))
            answer = question(view.inspection, offset) if offset is not None else None
            if answer:
                found.append((view, answer))
        return found

    async def ask(
        self, params: Position, question: Callable[[Inspection, int], T | None]
    ) -> tuple[View, T] | None:
        """The newest answer that is not empty."""
        return next(iter(await self.answers(params, question)), None)

    def place(self, view: View, span: Span) -> lsp.Location | None:
        """A place of an analysis as it is now; None when it was changed."""
        if span.source is not view.inspection.source:
            return self.convert.location(span)
        now = view.now(span.start, span.end)
        return None if now is None else self.convert.location(Span(view.source, *now))

    def places(self, view: View, spans: list[Span]) -> list[lsp.Location]:
        """Places of an analysis as they are now."""
        return [place for span in spans if (place := self.place(view, span)) is not None]


def _shutdown(server: Server, _: None) -> None:
    server.told_to_stop = True


def _did_open(server: Server, params: lsp.DidOpenTextDocumentParams) -> None:
    server.open(params.text_document)


def _did_change(server: Server, params: lsp.DidChangeTextDocumentParams) -> None:
    if params.text_document.uri in server.states:
        server.change(params.text_document.uri, params.text_document.version, list(params.content_changes))


def _did_close(server: Server, params: lsp.DidCloseTextDocumentParams) -> None:
    server.close(params.text_document.uri)


async def _hover(server: Server, params: lsp.HoverParams) -> lsp.Hover | None:
    """What is known now; where a mistake keeps values from being known, those from before it."""
    answers = await server.answers(params, hover.hover)
    if not answers:
        return None
    view, answer = answers[0]
    text = answer.text
    if not answer.values and answers[-1][1].values:
        text += f"\n\nBefore the last mistake:\n\n{answers[-1][1].values}"
    now = view.now(answer.start, answer.end)
    contents = lsp.MarkupContent(lsp.MarkupKind.Markdown, text)
    return lsp.Hover(contents, None if now is None else server.convert.range(view.source, *now))


async def _definition(server: Server, params: lsp.DefinitionParams) -> lsp.Location | None:
    found = await server.ask(params, navigation.declaration)
    return None if found is None else server.place(*found)


async def _references(server: Server, params: lsp.ReferenceParams) -> list[lsp.Location] | None:
    declared = params.context.include_declaration
    found = await server.ask(params, lambda i, offset: navigation.references(i, offset, declared=declared))
    return None if found is None else server.places(*found)


async def _highlight(
    server: Server, params: lsp.DocumentHighlightParams
) -> list[lsp.DocumentHighlight] | None:
    found = await server.ask(params, navigation.references)
    if found is None:
        return None
    uri = params.text_document.uri
    return [lsp.DocumentHighlight(place.range) for place in server.places(*found) if place.uri == uri]


async def _rename(server: Server, params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
    try:
        found = await server.ask(params, lambda i, offset: navigation.renamed(i, offset, params.new_name))
    except UserError as error:
        raise JsonRpcInvalidParams(str(error)) from None
    if found is None:
        return None
    places = server.places(*found)
    if len(places) < len(found[1]):
        raise JsonRpcInvalidParams("the text is changing; rename once more")
    edits = [lsp.TextEdit(place.range, params.new_name) for place in places]
    return lsp.WorkspaceEdit(changes={params.text_document.uri: edits})


async def _symbols(server: Server, params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
    for view in await server.views(params.text_document.uri):
        return server.convert.symbols(view, navigation.outline(view.inspection))
    return []


async def _completion(server: Server, params: lsp.CompletionParams) -> list[lsp.CompletionItem]:
    """What the newest analysis proposes, and what only the last one without errors knows."""
    proposals: dict[str, completion.Proposal] = {}
    for view in await server.views(params.text_document.uri):
        offset = offset_of(view.source, params.position, server._encoding)
        for proposal in completion.complete(view.inspection, view.source.text, offset):
            proposals.setdefault(proposal.label, proposal)
    return [item_of(proposal) for proposal in proposals.values()]


async def _signature(server: Server, params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
    for view in await server.views(params.text_document.uri):
        offset = offset_of(view.source, params.position, server._encoding)
        found = calls.call_help(view.inspection, view.source.text, offset)
        if found is not None:
            return help_of(found.signature, found.active)
    return None


async def _formatting(server: Server, params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit] | None:
    """The one layout, as a change of the stretch that differs; None for a text with syntax errors."""
    state = server.states.get(params.text_document.uri)
    if state is None:
        raise JsonRpcInvalidParams(f"{params.text_document.uri} is not open")
    source = state.document.source
    try:
        loop = asyncio.get_running_loop()
        text = await loop.run_in_executor(server.analyses, format_source, source)
    except DiagnosticError:
        return None
    edit = difference(source.text, text)
    if not edit.length and edit.start == edit.end:
        return []
    place = server.convert.range(source, edit.start, edit.end)
    return [lsp.TextEdit(place, text[edit.start : edit.start + edit.length])]


def _actions(server: Server, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    """A repair for each diagnostic that names one."""
    uri = params.text_document.uri
    return [
        lsp.CodeAction(
            f"write '{diagnostic.data['replacement']}'",
            lsp.CodeActionKind.QuickFix,
            [diagnostic],
            edit=lsp.WorkspaceEdit({uri: [lsp.TextEdit(diagnostic.range, diagnostic.data["replacement"])]}),
        )
        for diagnostic in params.context.diagnostics
        if isinstance(diagnostic.data, dict) and isinstance(diagnostic.data.get("replacement"), str)
    ]


_FEATURES: tuple[tuple[str, Callable[..., Any], Any], ...] = (
    (lsp.SHUTDOWN, _shutdown, None),
    (lsp.TEXT_DOCUMENT_DID_OPEN, _did_open, None),
    (lsp.TEXT_DOCUMENT_DID_CHANGE, _did_change, None),
    (lsp.TEXT_DOCUMENT_DID_CLOSE, _did_close, None),
    (lsp.TEXT_DOCUMENT_HOVER, _hover, None),
    (lsp.TEXT_DOCUMENT_DEFINITION, _definition, None),
    (lsp.TEXT_DOCUMENT_REFERENCES, _references, None),
    (lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT, _highlight, None),
    (lsp.TEXT_DOCUMENT_RENAME, _rename, None),
    (lsp.TEXT_DOCUMENT_FORMATTING, _formatting, None),
    (lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL, _symbols, None),
    (lsp.TEXT_DOCUMENT_COMPLETION, _completion, lsp.CompletionOptions(trigger_characters=[".", ">", ";"])),
    (
        lsp.TEXT_DOCUMENT_SIGNATURE_HELP,
        _signature,
        lsp.SignatureHelpOptions(trigger_characters=["(", ",", ";"], retrigger_characters=["="]),
    ),
    (
        lsp.TEXT_DOCUMENT_CODE_ACTION,
        _actions,
        lsp.CodeActionOptions(code_action_kinds=[lsp.CodeActionKind.QuickFix]),
    ),
)
"""What the server does, by the protocol's name of it, with what it tells the editor about it."""
