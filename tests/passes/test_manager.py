"""The manager: order, verification, printing, statistics, fixpoints and reproducers."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
from ir_texts import TINY

from drawloom.ir import Entry, Module, UserError, VerificationError, parse_module, print_module
from drawloom.passes import (
    Context,
    Fixpoint,
    Pass,
    PassError,
    PassManager,
    PassRegistry,
    reproducer_pipeline,
)
from drawloom.passes.manager import reproducer_seed


@dataclass(frozen=True)
class Rename(Pass):
    """Adds a letter to the module's name until it is `longest` long."""

    name: ClassVar[str] = "rename"
    letter: str = "x"
    longest: int = 100

    def run(self, module: Module, context: Context) -> Module:
        context.count(self.name, "letters")
        return module if len(module.name) >= self.longest else replace(module, name=module.name + self.letter)


@dataclass(frozen=True)
class Break(Pass):
    """Makes an invalid module."""

    name: ClassVar[str] = "break"

    def run(self, module: Module, context: Context) -> Module:
        return replace(module, decisions={})


@dataclass(frozen=True)
class Crash(Pass):
    """Has a bug, or refuses."""

    name: ClassVar[str] = "crash"
    kindly: bool = False

    def run(self, module: Module, context: Context) -> Module:
        if self.kindly:
            raise UserError("no decision is left")
        raise ZeroDivisionError("by nothing\nat all")


CLASSES: dict[str, type[Pass]] = {p.name: p for p in (Rename, Break, Crash, Fixpoint)}


class LocalRegistry(PassRegistry):
    """A registry of classes at hand."""

    def load(self, name: str) -> type[Pass]:
        return CLASSES[name]


REGISTRY = LocalRegistry(Entry(name, "here:Here", "") for name in CLASSES)


@pytest.fixture
def module() -> Module:
    return parse_module(TINY)


def manager(text: str, **options: object) -> PassManager:
    return PassManager.from_text(text, registry=REGISTRY, **options)  # type: ignore[arg-type]


def test_passes_run_in_order_and_report(module: Module) -> None:
    m = manager("rename{letter=a},rename{letter=b},rename{longest=0}")
    assert m.run(module).name == "tinyab"
    assert [(r.spec, r.changed) for r in m.reports] == [
        ("rename{letter=a}", True),
        ("rename{letter=b}", True),
        ("rename{longest=0}", False),
    ]
    assert {(r.before, r.after) for r in m.reports} == {(len(module), len(module))}
    assert all(r.seconds >= 0 for r in m.reports)


def test_statistics_are_kept_in_the_context(module: Module) -> None:
    context = Context(REGISTRY)
    manager("rename,rename").run(module, context)
    assert context.statistics == {"rename": {"letters": 2}}


def test_each_step_can_be_observed(module: Module) -> None:
    steps: list[tuple[str, str, str]] = []
    manager(
        "rename,fixpoint(rename{longest=6})",
        before=lambda p, m: steps.append(("before", p.spec(), m.name)),
        after=lambda p, m: steps.append(("after", p.spec(), m.name)),
    ).run(module)
    assert steps == [
        ("before", "rename", "tiny"),
        ("after", "rename", "tinyx"),
        ("before", "rename{longest=6}", "tinyx"),
        ("after", "rename{longest=6}", "tinyxx"),
        ("before", "rename{longest=6}", "tinyxx"),
        ("after", "rename{longest=6}", "tinyxx"),
    ]


def test_a_fixpoint_runs_until_nothing_changes(module: Module) -> None:
    m = manager("fixpoint(rename{longest=7},rename{letter=y,longest=6})")
    assert m.run(module).name == "tinyxyx"
    assert len(m.reports) == 6
    assert Fixpoint((Rename(longest=6),)).run(module, Context(REGISTRY)).name == "tinyxx"


def test_a_fixpoint_that_does_not_settle_is_an_error(module: Module) -> None:
    with pytest.raises(UserError, match=r"fixpoint\(rename\) still changes the module after 3 rounds"):
        manager("fixpoint{limit=3}(rename)").run(module)


def test_an_invalid_module_is_refused_before_any_pass(module: Module) -> None:
    m = manager("rename")
    with pytest.raises(VerificationError):
        m.run(replace(module, decisions={}))
    assert m.reports == []


def test_a_pass_that_breaks_a_rule_is_named(module: Module) -> None:
    with pytest.raises(PassError, match="pass 'break', run after rename, made an invalid module") as caught:
        manager("rename,break,rename").run(module)
    assert isinstance(caught.value.__cause__, VerificationError)
    assert caught.value.earlier == ("rename",)
    assert manager("break", verify=False).run(module).decisions == {}


def test_a_users_mistake_is_not_a_crash(module: Module) -> None:
    with pytest.raises(UserError, match="no decision is left"):
        manager("crash{kindly}").run(module)


def test_a_crash_leaves_a_reproducer_that_can_be_run_again(module: Module, tmp_path: Path) -> None:
    with pytest.raises(
        PassError, match="pass 'crash', run after rename, crashed: ZeroDivisionError"
    ) as caught:
        manager("rename,crash,rename{letter=z}", reproducer=tmp_path).run(module)
    assert caught.value.path is not None
    assert [caught.value.path] == list(tmp_path.glob("drawloom-reproducer-*.ir"))
    assert str(caught.value.path) in str(caught.value)
    text = caught.value.path.read_text(encoding="utf-8")
    assert text == caught.value.reproducer
    pipeline = reproducer_pipeline(text)
    assert pipeline == "crash,rename{letter=z}"
    again = parse_module(text)
    assert again.name == "tinyx"
    with pytest.raises(PassError, match="as the first pass"):
        manager(pipeline).run(again)


def test_a_reproducer_keeps_the_seed_of_the_run(module: Module) -> None:
    with pytest.raises(PassError) as caught:
        manager("crash").run(module, Context(REGISTRY, seed=7))
    assert reproducer_seed(caught.value.reproducer) == 7
    assert reproducer_seed(print_module(module)) == 0


def test_a_crash_in_a_fixpoint_leaves_what_is_left_of_it(module: Module) -> None:
    with pytest.raises(PassError) as caught:
        manager("fixpoint(rename,crash,rename{letter=y}),rename{letter=z}").run(module)
    left = "crash,rename{letter=y},fixpoint(rename,crash,rename{letter=y}),rename{letter=z}"
    assert reproducer_pipeline(caught.value.reproducer) == left
    assert caught.value.path is None


def test_a_reproducer_that_cannot_be_written_does_not_hide_the_crash(module: Module, tmp_path: Path) -> None:
    with pytest.raises(PassError, match="ZeroDivisionError") as caught:
        manager("crash", reproducer=tmp_path / "no" / "such" / "folder.ir").run(module)
    assert caught.value.path is None


def test_ordinary_text_is_no_reproducer() -> None:
    assert reproducer_pipeline(TINY) is None


def test_the_generator_of_a_run_depends_on_both_seeds() -> None:
    draws = {(a, b): Context(REGISTRY, seed=a).rng(b).integers(2**60) for a in (0, 1) for b in (0, 1)}
    assert len(set(draws.values())) == 4
    assert Context(REGISTRY, seed=1).rng(1).integers(2**60) == draws[1, 1]
