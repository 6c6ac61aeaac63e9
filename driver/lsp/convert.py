"""Between what is known about a text and the types of the protocol."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lsprotocol import types as lsp

from drawloom.frontend.inspection import Inspection
from drawloom.ir import Diagnostic, Label, Severity, Source, Span
from drawloom.ir.diagnostic_json import full_message

from .analysis import View
from .completion import Proposal
from .documents import Documents, range_of
from .navigation import Entry
from .signatures import Signature

_SEVERITIES = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
}

_SYMBOL_KINDS = {
    "op": lsp.SymbolKind.Function,
    "block": lsp.SymbolKind.Class,
    "cell": lsp.SymbolKind.Class,
    "network": lsp.SymbolKind.Module,
    "decision": lsp.SymbolKind.Enum,
}

_ITEM_KINDS = {
    "op": lsp.CompletionItemKind.Function,
    "block": lsp.CompletionItemKind.Class,
    "cell": lsp.CompletionItemKind.Class,
    "network": lsp.CompletionItemKind.Module,
    "operation": lsp.CompletionItemKind.Method,
    "function": lsp.CompletionItemKind.Function,
    "parameter": lsp.CompletionItemKind.Property,
    "variable": lsp.CompletionItemKind.Variable,
    "import": lsp.CompletionItemKind.Module,
    "arm": lsp.CompletionItemKind.EnumMember,
    "keyword": lsp.CompletionItemKind.Keyword,
}

_MEANT = re.compile(r"did you mean '([^']+)'\?")


@dataclass(frozen=True, slots=True)
class Converter:
    """Converts for one connection.

    Attributes:
        documents: the open texts.
        encoding: columns are counted in its code units.
    """

    documents: Documents
    encoding: str

    def range(self, source: Source, start: int, end: int) -> lsp.Range:
        """The range of a part of a text."""
        return range_of(source, start, end, self.encoding)

    def location(self, span: Span) -> lsp.Location:
        """A place in any file."""
        return lsp.Location(self.documents.uri_of(span.source), self.range(span.source, span.start, span.end))

    def diagnostics(self, inspection: Inspection) -> list[lsp.Diagnostic]:
        """Everything wrong with a text; what is wrong with a file it imports stands at the import."""
        return [self._diagnostic(inspection, d) for d in inspection.diagnostics]

    def _diagnostic(self, inspection: Inspection, diagnostic: Diagnostic) -> lsp.Diagnostic:
        span, message = diagnostic.label.span, full_message(diagnostic)
        others = list(diagnostic.others)
        if span.source is not inspection.source:
            others = [Label(span, message), *others]
            message = f"in {span}: {message}"
            span = _import_of(inspection)
        remarks = [
            *(f"note: {n}" for n in diagnostic.notes),
            *([f"help: {diagnostic.help}"] if diagnostic.help else []),
        ]
        return lsp.Diagnostic(
            range=self.range(span.source, span.start, max(span.end, span.start)),
            message="\n".join([message, *remarks]),
            severity=_SEVERITIES[diagnostic.severity],
            code=diagnostic.code,
            source="drawloom",
            related_information=[
                lsp.DiagnosticRelatedInformation(self.location(label.span), label.text or "here")
                for label in others
            ],
            data=_repair(diagnostic),
        )

    def symbols(self, view: View, entries: list[Entry] | tuple[Entry, ...]) -> list[lsp.DocumentSymbol]:
        """An outline; what was changed since is left out."""
        made: list[lsp.DocumentSymbol] = []
        for entry in entries:
            whole, place = (view.now(s.start, s.end) for s in (entry.span, entry.place))
            if whole is None or place is None:
                continue
            made.append(
                lsp.DocumentSymbol(
                    entry.name,
                    _SYMBOL_KINDS[entry.kind],
                    self.range(view.source, *whole),
                    self.range(view.source, *place),
                    detail=entry.kind,
                    children=self.symbols(view, entry.children),
                )
            )
        return made


def _import_of(inspection: Inspection) -> Span:
    """The first import of a text, else its beginning."""
    imports = inspection.names.file.imports
    return imports[0].span if imports else Span(inspection.source, 0, 0)


def _repair(diagnostic: Diagnostic) -> dict[str, str] | None:
    """The text to write instead of the guilty one, where the diagnostic names it."""
    meant = _MEANT.fullmatch(diagnostic.help or "")
    return None if meant is None else {"replacement": meant[1]}


def item_of(proposal: Proposal) -> lsp.CompletionItem:
    """A proposal in the editor's list."""
    return lsp.CompletionItem(
        label=proposal.label,
        kind=_ITEM_KINDS[proposal.kind],
        insert_text=proposal.insert,
        detail=proposal.detail or None,
        documentation=lsp.MarkupContent(lsp.MarkupKind.Markdown, proposal.doc) if proposal.doc else None,
        sort_text=f"{proposal.rank}{proposal.label}",
        filter_text=proposal.label,
    )


def help_of(signature: Signature, active: int | None) -> lsp.SignatureHelp:
    """The signature of a call with the parameter at the cursor."""
    parameters = [
        lsp.ParameterInformation(p.text, p.doc or None) for p in (*signature.tensors, *signature.statics)
    ]
    documentation = lsp.MarkupContent(lsp.MarkupKind.Markdown, signature.doc) if signature.doc else None
    information = lsp.SignatureInformation(signature.text, documentation, parameters, active)
    return lsp.SignatureHelp([information], 0, active)
