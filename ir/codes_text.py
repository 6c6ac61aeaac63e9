"""Codes of the diagnostics of the textual IR (E02xx) and of pipelines (E09xx), explained in a line each."""

from __future__ import annotations

CODES: dict[str, str] = {
    "E0201": "A character or token that the textual IR does not have.",
    "E0202": "The text does not follow the grammar of the textual IR; see `drawloom.ir.printer`.",
    "E0203": "A name that is not defined above: an operation, attribute, value, function or decision.",
    "E0204": "A name that is defined twice in its scope.",
    "E0205": "An operation whose operands or attributes do not fit.",
    "E0206": "A type written in the text that is not the one its operation computes.",
    "E0207": "A decision whose domain is empty, too large, repeats a value or does not fit its labels.",
    "E0208": "An expression that cannot be computed or has the wrong kind of value.",
    "E0209": "A text that is nested too deeply or has too large a number.",
    "E0210": "A module that reads well but breaks a rule of the IR; see `drawloom.ir.verifier`.",
    "E0901": "The text of a pipeline does not follow its grammar; see `drawloom.passes.pipeline`.",
    "E0902": "A pipeline names a pass that does not exist.",
    "E0903": "A pipeline gives a pass an option it does not have, or one twice.",
    "E0904": "An option of a pass is missing or has a value of the wrong type.",
    "E0905": "A pipeline gives passes in parentheses to a pass that takes none.",
}
"""What each code means, in one sentence."""
