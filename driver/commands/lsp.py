"""``drawloom lsp``: the language server for editors."""

from __future__ import annotations

from typing import Annotated

import typer

from .failure import BAD_INPUT

_LOOPBACK = "127.0.0.1"


def lsp(
    tcp: Annotated[
        int | None,
        typer.Option(
            "--tcp",
            metavar="PORT",
            min=1,
            max=65535,
            help=f"Listen on this port of {_LOOPBACK} instead of standard input and output.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve editors: errors while you type, types and costs on hover, completion, navigation, renaming.

    Editors start it themselves; docs/language-server.md says how to set them up.

    Examples:
      drawloom lsp
      drawloom lsp --tcp 4389
    """
    from drawloom.lsp.server import Server

    server = Server()
    if tcp is None:
        server.start_io()
    else:
        server.start_tcp(_LOOPBACK, tcp)
    if not server.told_to_stop:
        raise typer.Exit(BAD_INPUT)
