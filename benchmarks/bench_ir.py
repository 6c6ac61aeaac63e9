"""Operations a second of the textual IR and its passes, next to xDSL on a module of the same size.

    pip install "drawloom[bench]"
    python benchmarks/bench_ir.py [--sizes 100 1000 10000 100000] [--operations 20000] [--json]

Both programs take turns on one core. Each reads its own text, checks it, prints it and simplifies it; every
fifth operation can be folded into its operand and every fifth is dead. What an operation is differs: here a
tensor operation whose type is inferred, there integer arithmetic whose type is written, in its short and in
the generic form. Here simplifying is `canonicalize` and `dce`, there the pass `canonicalize`, which removes
dead operations too. Hashing has no counterpart. Before each step the garbage of earlier ones is collected and
not timed; *together* are the first four steps in a row, with whatever the collector does. Small modules are
repeated until `--operations` of them have been done; medians of processor seconds.
"""

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from io import StringIO

from xdsl.context import Context
from xdsl.dialects.arith import Arith
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.transforms.canonicalize import CanonicalizePass

from drawloom.ir import (
    FunctionBuilder,
    Module,
    TensorType,
    parse_module,
    print_module,
    structural_hash,
    verify,
)
from drawloom.passes import canonicalize, dce

ROUND = 5
"""Operations of a round of the modules' chains."""

Times = dict[str, float]


def timed(work: Callable[[], object]) -> tuple[float, object]:
    """Processor seconds of a call, and its result; what was made before it is settled with the collector."""
    gc.collect()
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def drawloom_text(size: int) -> str:
    """A chain of convolutions and activations with something to simplify."""
    b = FunctionBuilder("m", "network")
    x = b.input(TensorType((8, 16, 16)), "x")
    for i in range(size // ROUND):
        y = b.op("conv2d", [x], {"out": 8, "kernel": 3, "pad": 1, "param": f"conv{i}"})
        b.op("tanh", [y])
        y = b.op("dropout", [y], {"rate": 0.0})
        x = b.op("relu", [b.op("add", [y, x])])
    return print_module(Module("m", {"m": b.finish([x])}))


def drawloom_all(text: str) -> None:
    """Every step that xDSL has too, one after the other."""
    module = parse_module(text, check=False)
    verify(module)
    print_module(module)
    dce(canonicalize(module))


def drawloom_times(text: str) -> Times:
    """Seconds of every step on a text."""
    parse, module = timed(lambda: parse_module(text, check=False))
    assert isinstance(module, Module)
    return {
        "parse": parse,
        "verify": timed(lambda: verify(module))[0],
        "print": timed(lambda: print_module(module))[0],
        "canonicalize": timed(lambda: dce(canonicalize(module)))[0],
        "together": timed(lambda: drawloom_all(text))[0],
        "hash": timed(lambda: structural_hash(module))[0],
    }


def context() -> Context:
    """xDSL with the dialects that the text needs."""
    made = Context()
    for dialect in (Builtin, Func, Arith):
        made.load_dialect(dialect)
    return made


def printed(module: ModuleOp, generic: bool) -> str:
    """The text of an xDSL module."""
    stream = StringIO()
    Printer(stream, print_generic_format=generic).print_op(module)
    return stream.getvalue()


def xdsl_text(size: int, generic: bool) -> str:
    """A chain of integer arithmetic with something to simplify."""
    lines = ["builtin.module {", "func.func @m(%x: i32) -> i32 {"]
    last = "%x"
    for i in range(size // ROUND):
        lines += [
            f"%c{i} = arith.constant {i + 2} : i32",
            f"%p{i} = arith.muli {last}, %c{i} : i32",
            f"%d{i} = arith.subi %p{i}, %c{i} : i32",
            f"%z{i} = arith.constant 0 : i32",
            f"%s{i} = arith.addi %p{i}, %z{i} : i32",
        ]
        last = f"%s{i}"
    lines += [f"func.return {last} : i32", "}", "}"]
    return printed(Parser(context(), "\n".join(lines)).parse_module(), generic)


def xdsl_all(text: str, generic: bool) -> None:
    """All steps one after the other."""
    made = context()
    module = Parser(made, text).parse_module()
    module.verify()
    printed(module, generic)
    CanonicalizePass().apply(made, module)


def xdsl_times(text: str, generic: bool) -> Times:
    """Seconds of every step on a text."""
    made = context()
    parse, module = timed(lambda: Parser(made, text).parse_module())
    assert isinstance(module, ModuleOp)
    return {
        "parse": parse,
        "verify": timed(module.verify)[0],
        "print": timed(lambda: printed(module, generic))[0],
        "canonicalize": timed(lambda: CanonicalizePass().apply(made, module))[0],
        "together": timed(lambda: xdsl_all(text, generic))[0],
    }


def measure(size: int, operations: int) -> dict[str, dict[str, float]]:
    """Operations a second of every program and step: medians over turns."""
    programs: dict[str, Callable[[], Times]] = {}
    text, short, generic = drawloom_text(size), xdsl_text(size, False), xdsl_text(size, True)
    programs["drawloom"] = lambda: drawloom_times(text)
    programs["xDSL"] = lambda: xdsl_times(short, False)
    programs["xDSL generic"] = lambda: xdsl_times(generic, True)
    found: dict[str, list[Times]] = {name: [] for name in programs}
    for _ in range(max(1, min(25, operations // size))):
        for name, run in programs.items():
            found[name].append(run())
    return {
        name: {step: size / statistics.median(t[step] for t in taken) for step in taken[0]}
        for name, taken in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1_000, 10_000, 100_000])
    parser.add_argument("--operations", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="figures for machines")
    arguments = parser.parse_args()
    measure(100, 500)
    found = {size: measure(size, arguments.operations) for size in arguments.sizes}
    about = {
        "python": platform.python_version(),
        "xdsl": version("xdsl"),
        "machine": platform.machine(),
        "load": os.getloadavg()[0],
    }
    if arguments.json:
        json.dump({"about": about, "operations a second": found}, sys.stdout, indent=2)
        print()
        return
    print(", ".join(f"{k} {v}" for k, v in about.items()))
    for size, programs in found.items():
        print(f"\n{size:,} operations, operations a second")
        for step in programs["drawloom"]:
            rates = {name: rate[step] for name, rate in programs.items() if step in rate}
            others = [
                f"{n} {r:>9,.0f} ({rates['drawloom'] / r:4.1f}x)" for n, r in rates.items() if n != "drawloom"
            ]
            print(f"  {step:14}{rates['drawloom']:>10,.0f}   " + "   ".join(others))


if __name__ == "__main__":
    main()
