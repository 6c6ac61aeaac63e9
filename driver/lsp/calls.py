"""Help with the arguments of a call while it is written."""

from __future__ import annotations

from dataclasses import dataclass

from drawloom.frontend.inspection import Inspection

from .cursor import OpenCall, at
from .signatures import Signature, signature_of


@dataclass(frozen=True, slots=True)
class CallHelp:
    """The signature of a call and which of its parameters the cursor is at.

    Attributes:
        signature: what is called.
        active: position among tensors and static parameters together, None when there are not so many.
    """

    signature: Signature
    active: int | None


def call_help(inspection: Inspection, text: str, offset: int) -> CallHelp | None:
    """Help with the innermost call around an offset of a text; None outside of calls."""
    call = at(text, offset).call
    signature = None if call is None else signature_of(inspection, call.name, call.member)
    if call is None or signature is None:
        return None
    return CallHelp(signature, _active(signature, call))


def _active(signature: Signature, call: OpenCall) -> int | None:
    tensors, statics = len(signature.tensors), [p.name for p in signature.statics]
    if call.keyword:
        return tensors + statics.index(call.keyword) if call.keyword in statics else None
    if call.after_semicolon or (call.piped and statics):
        return tensors + call.position if call.position < len(statics) else None
    if not tensors:
        return None
    return (
        min(call.position, tensors - 1)
        if signature.tensors[-1].text.endswith("...")
        else (call.position if call.position < tensors else None)
    )
