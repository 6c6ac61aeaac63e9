"""Every network of the catalogue: reads, verifies, and is counted alike by everything that counts."""

from pathlib import Path

import numpy as np
import pytest
from counting import count
from tiny_networks import random_inputs, random_weights
from zoo_files import ENTRIES, small

from drawloom import zoo
from drawloom.catalogue import counted, difference, load_entry, named, network
from drawloom.ir import Module, UserError, parse_module, print_module, verify
from drawloom.passes import network_cost, strip_training

NETWORKS = zoo.networks()
# One network of each file runs; its siblings differ by arguments or a genotype, and are counted above.
RUN = [name for name, entry in ENTRIES.items() if entry.network is not None]


@pytest.fixture(scope="module", params=list(NETWORKS))
def full(request: pytest.FixtureRequest) -> tuple[str, Module]:
    return request.param, load_entry(NETWORKS[request.param])


def test_it_verifies_and_is_counted_alike(full: tuple[str, Module]) -> None:
    name, module = full
    verify(module)
    assert module.resolved
    assert module.name == name
    cost = network_cost(module)
    assert count(module, {}) == (cost.parameters, cost.multiply_adds)


def test_it_round_trips(full: tuple[str, Module]) -> None:
    text = print_module(full[1])
    assert print_module(parse_module(text)) == text


def test_torch_has_as_many_parameters(full: tuple[str, Module]) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    from drawloom.backends.torch import skeleton

    _, module = full
    training, inference = (
        sum(p.numel() for p in skeleton(m).parameters()) for m in (module, strip_training(module))
    )
    assert inference == network_cost(module).parameters
    heads = any(op.name == "auxiliary" for f in module.functions.values() for op in f.operations)
    assert (training > inference) == heads


@pytest.mark.parametrize("name", NETWORKS)
def test_published_figures_are_figures_with_a_source(name: str) -> None:
    published = NETWORKS[name].published
    for figure in filter(None, (published.parameters, published.multiply_adds)):
        difference(1, figure)
        assert published.source
    assert NETWORKS[name].paper


def test_each_file_is_in_the_catalogue() -> None:
    listed = {entry.path for entry in NETWORKS.values()}
    assert listed == {path for name, path in zoo.files().items() if name.startswith("networks/")}


@pytest.mark.parametrize(
    ("count", "figure", "expected"),
    [
        (5_289_978, "5.3M", 0.0),
        (5_350_001, "5.3M", 5_350_001 / 5_300_000 - 1),
        (1_774_300_000, "1.77G", 0.0),
        (1_775_100_000, "1.77 B", 5.1 / 1770),
        (5_645_000, "5.6M ± 0.1M", 0.0),
        (3_504_872, "3,504,872", 0.0),
        (3_504_873, "3,504,872", 1 / 3_504_872),
    ],
)
def test_a_difference_is_none_where_the_count_rounds_to_the_figure(
    count: int, figure: str, expected: float
) -> None:
    assert difference(count, figure) == pytest.approx(expected, rel=1e-9)


def test_what_is_no_figure_is_refused() -> None:
    with pytest.raises(ValueError, match="'about five' is no figure"):
        difference(5, "about five")


@pytest.mark.parametrize("name", RUN)
def test_torch_and_tvm_agree(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pytest.importorskip("tvm", reason="TVM is not installed")
    from drawloom.backends.torch import to_torch
    from drawloom.backends.tvm import compile_network, find_target

    module = small(name)
    weights, inputs = random_weights(module), random_inputs(module, 2)
    with torch.no_grad():
        results = to_torch(module, weights).eval()(*map(torch.from_numpy, inputs))
    expected = [r.numpy() for r in (results if isinstance(results, tuple) else (results,))]
    found = compile_network(module, find_target("cpu"), batch=2).run(weights, inputs)
    for value, wanted, other in zip(module.entry.outputs, expected, found, strict=True):
        assert wanted.shape == (2, *value.type.shape)
        np.testing.assert_allclose(other, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_a_name_stands_for_a_network_with_its_arguments() -> None:
    entry = named("mobilenet_v2_14")
    assert entry is not None
    assert counted(entry).parameters == 6_108_776
    assert network("mobilenet_v2_14", classes=10).entry.outputs[0].type.shape == (10,)
    assert network("mobilenet_v2_14", width=1.0).name == "mobilenet_v2_14"


def test_a_space_has_its_name_too() -> None:
    assert len(network("mobile_fashion").decisions) > 5


@pytest.mark.parametrize("name", ["mobilnet_v2", "mobilenet_v2-14"])
def test_a_wrong_name_is_answered_with_a_near_one(name: str) -> None:
    with pytest.raises(UserError, match=r"of the zoo .*did you mean 'mobilenet_v2"):
        network(name)
    with pytest.raises(UserError, match=r"no file and no .*did you mean 'mobilenet_v2.*drawloom zoo"):
        named(name)


def test_a_file_hides_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mobilenet_v2").write_text("")
    assert named("mobilenet_v2") is None
    assert named("folder/mobilenet_v2_14") is None
    assert named("mobilenet_v2_14.loom") is None
