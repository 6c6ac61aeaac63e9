"""What holds of every pass there is: valid IR in, valid IR out, and the module given stays as it was."""

from collections.abc import Callable
from typing import Any

import pytest
from generators import modules
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from drawloom.ir import Module, UserError, choice_text, parse_module, print_module, structural_hash, verify
from drawloom.passes import PASSES, Context, PassManager, narrow, parse_pipeline, pipeline_text

Draw = Callable[[st.SearchStrategy[Any]], Any]
Options = Callable[[Draw, Module], str]


def _values(draw: Draw, module: Module, some: bool) -> list[str]:
    """Options that name decisions and a value of each; of all of them, or of some."""
    names = [n for n in module.decisions if not some or draw(st.booleans())]
    return [f'{n}="{choice_text(draw(st.sampled_from(module.decisions[n].domain)))}"' for n in names]


def _pairs(draw: Draw, module: Module) -> list[str]:
    names = [n for n in module.decisions if draw(st.booleans())]
    texts = {n: [choice_text(v) for v in module.decisions[n].domain] for n in names}
    return [f'{n}=["{draw(st.sampled_from(t))}","{draw(st.sampled_from(t))}"]' for n, t in texts.items()]


def _kept(draw: Draw, module: Module) -> list[str]:
    """A value to drop for some decisions; patterns that name several are in the tests of the pass."""
    return [f"{n}=-{choice_text(d.domain[-1])}" for n, d in module.decisions.items() if draw(st.booleans())]


def _seed(draw: Draw) -> list[str]:
    return [f"seed={draw(st.integers(0, 9))}"]


def _braces(options: list[str]) -> str:
    return "{" + ",".join(options) + "}"


OPTIONS: dict[str, Options] = {
    "assign": lambda draw, m: _braces(_values(draw, m, some=True)),
    "resolve": lambda draw, m: _braces(_values(draw, m, some=False)),
    "sample": lambda draw, m: _braces(_seed(draw)),
    "mutate": lambda draw, m: _braces([*_values(draw, m, some=True), *_seed(draw)]),
    "crossover": lambda draw, m: _braces(
        [*_pairs(draw, m), *_seed(draw), f"method={draw(st.sampled_from(['uniform', 'one-point']))}"]
    ),
    "deepen": lambda draw, m: "{after=*}",
    "narrow": lambda draw, m: _braces(_kept(draw, m)),
    "inline": lambda draw, m: _braces([f"keep=[{','.join(draw(st.sets(st.sampled_from(['op', 'cell']))))}]"]),
    "fixpoint": lambda draw, m: draw(st.sampled_from(["(cse,dce)", "(canonicalize,fixpoint(dce),inline)"])),
}
"""Options for the passes that do little or nothing without; all others run with their defaults."""


@pytest.mark.parametrize("name", PASSES.names())
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_every_pass_makes_valid_modules_of_valid_ones(name: str, data: st.DataObject) -> None:
    module = data.draw(modules(resolved=data.draw(st.booleans())))
    before = print_module(module)
    options = OPTIONS[name](data.draw, module) if name in OPTIONS else ""
    passes = parse_pipeline(name + options)
    assert parse_pipeline(pipeline_text(passes)) == passes
    try:
        after = PassManager(passes).run(module)
    except UserError:
        # nothing to mutate, no candidate that meets a constraint, a concat without members; a pass that
        # refuses every module fails the test
        assume(False)
    verify(after)
    text = print_module(after)
    assert print_module(parse_module(text)) == text
    assert structural_hash(parse_module(text)) == structural_hash(after)
    assert print_module(module) == before
    # the same again is the same: passes have no memory, and random ones a seed
    assert print_module(PassManager(passes).run(module, Context(PASSES))) == text


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_passes_in_any_order_make_valid_modules(data: st.DataObject) -> None:
    module = data.draw(modules())
    names = st.sampled_from(["canonicalize", "dce", "cse", "inline", "fold-batch-norm", "sample", "narrow"])
    for name in data.draw(st.lists(names, min_size=2, max_size=5)):
        options = OPTIONS[name](data.draw, module) if name in OPTIONS else ""
        try:
            module = PassManager.from_text(name + options).run(module)
        except UserError:
            break
    verify(module)
    assert narrow(module, {}) is module
