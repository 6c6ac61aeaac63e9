"""``drawloom import``: a network of another program as IR."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import console, options
from .show import network_json, print_network


def import_(
    model: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="An ONNX file.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE.ir",
            help="Where to write the IR; - prints that and nothing else.",
            show_default=False,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights",
            metavar="FILE.safetensors",
            help="Where to write the weights.",
            show_default=False,
            callback=options.a_file,
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="What to call the network; after the file unless given.",
            show_default=False,
        ),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Import a network from an ONNX file, and show its parts with shapes and prices.

    Operations that Drawloom does not have are listed all at once, with their positions. The IR that is
    written can be given to every command that takes a network.

    Examples:
      drawloom import model.onnx
      drawloom import model.onnx -o model.ir --weights model.safetensors
      drawloom export model.ir --weights model.safetensors --format tvm
    """
    from drawloom.backends.weights import save_weights
    from drawloom.frontend import from_onnx
    from drawloom.ir import PAPERS, print_module

    module, arrays = from_onnx(model, name)
    if weights is not None:
        save_weights(module, arrays, weights)
    if out is not None:
        console.write_text(print_module(module), out)
    if out is not None and not console.is_file(out):
        return
    if as_json:
        console.print_json(network_json(module, None, PAPERS))
    else:
        print_network(module, None, PAPERS)


import_.__name__ = "import"  # commands are called after their functions, but this is a keyword
