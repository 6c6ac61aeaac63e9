"""Hardware-aware spaces: their sizes, the published networks in them, and candidates drawn at random."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from benchmark_data import table
from counting import count
from fbnets import fbnet

from drawloom import zoo
from drawloom.catalogue import network
from drawloom.frontend import elaborate, load
from drawloom.ir import Module, Source, structural_hash, verify
from drawloom.passes import active_decisions, price, resolve, sample, satisfied, space_size, strip_training

SIZES = {
    "accel_nasbench": 36**6 * 48,
    "detnas_large": 4**40,
    "detnas_small": 4**20,
    "fbnet": 9**22,
    "mnasnet": 432**7,
    "nasbench_macro": 6561,
    "netadapt_mobilenet_v1": 4 * 8 * 16**2 * 32**2 * 64**6 * 128**2,
    "netadapt_mobilenet_v3_large": math.prod(
        [2, 3, 5, 10, 14, 20, 12, 18, 9, 15, 15, 30, 60, 60, 60, 60, 84, 84, 120, 120]
    ),
    "netadapt_mobilenet_v3_small": math.prod([2, 3, 5, 6, 12, 12, 18, 18, 30, 30, 30, 36, 36, 72, 72]),
    "ofa_mobilenet_v3": 3**5 * 9**20,
    "partial_order_pruning": 44**3,
    "proxylessnas": 6**6 * 7**15,
    "single_path_one_shot": 4**20,
}
"""Assignments of each space."""


@dataclass(frozen=True)
class Member:
    """A published network as an assignment of a space.

    Attributes:
        space: the space.
        assignment: of the decisions that matter.
        arguments: for the space.
        network: for the network.
    """

    space: str
    assignment: Mapping[str, Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)


def stages(name: str, text: str) -> dict[str, str]:
    """A choice for each layer: words, stages apart by a bar."""
    return {
        f"stage[{stage}].layer[{layer}].{name}": choice
        for stage, choices in enumerate(text.split("|"))
        for layer, choice in enumerate(choices.split())
    }


UNITS = ["shuffle3", "shuffle5", "shuffle7", "xception"]


def units(text: str) -> dict[str, str]:
    """Units by the numbers that DetNAS and SPOS give them, stages apart by a bar."""
    return stages("any_unit.op", " ".join(UNITS[int(c)] if c in "0123" else c for c in text if c != " "))


def by_stage(names: str, rows: Iterable[Iterable[Any]]) -> dict[str, Any]:
    """A row of values for each stage."""
    return {
        f"stage[{stage}].{name}": value
        for stage, row in enumerate(rows)
        for name, value in zip(names.split(), row, strict=True)
    }


def mnasnet(*rows: tuple[str, int, float, str, float, int]) -> dict[str, Any]:
    """Each stage: form, kernel, squeezed part, skip, ratio of channels, layers."""
    return by_stage("form kernel se skip ratio depth", rows)


def efficient(*rows: tuple[int, int, int, bool]) -> dict[str, Any]:
    """Each stage: expansion, kernel, layers, whether they excite."""
    return by_stage("expansion kernel depth excites", rows)


def narrowed(stem: int, *groups: tuple[int, ...]) -> dict[str, int]:
    """Each group: its bottleneck, then the expansions of its layers."""
    return {"group[0].bottleneck": stem} | {
        f"group[{group}].{f'layer[{i - 1}].expanded' if i else 'bottleneck'}": width
        for group, widths in enumerate(groups, 1)
        for i, width in enumerate(widths)
    }


def pruned(*stages: tuple[int, int]) -> dict[str, int]:
    """Each stage: blocks, and those that are wide."""
    return by_stage("depth wide", stages)


def mobilenet_v1(width: float) -> Member:
    channels = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024]
    assignment = {f"layer[{i}].channels": int(width * c) for i, c in enumerate(channels)}
    stem = {"stem": int(32 * width)}
    return Member("netadapt_mobilenet_v1", stem | assignment, network={"width": width})


RATIOS = {"ratios": [0.75, 1.0, 1.17, 1.2, 1.25]}
PROXYLESS = {
    "proxyless_mobile": "k5_e3 k3_e3 zero zero | k7_e3 k3_e3 k5_e3 k5_e3 | k7_e6 k5_e3 k5_e3 k5_e3 |"
    " k5_e6 k5_e3 k5_e3 k5_e3 | k7_e6 k7_e6 k7_e3 k7_e3 | k7_e6",
    "proxyless_gpu": "k5_e3 zero zero zero | k7_e3 zero zero k3_e3 | k7_e6 zero zero k5_e3 |"
    " k5_e6 zero k3_e3 k5_e3 | k7_e6 k7_e6 k7_e6 k5_e6 | k7_e6",
    "proxyless_cpu": "k3_e6 k3_e3 k3_e3 k3_e3 | k3_e6 k3_e3 k3_e3 k5_e3 | k3_e6 zero zero k3_e3 |"
    " k5_e6 k3_e3 k3_e3 k3_e3 | k5_e6 k5_e3 k5_e3 k3_e3 | k5_e6",
}
PROXYLESS["proxyless_mobile_14"] = PROXYLESS["proxyless_mobile"]
PROXYLESS_WIDTHS: dict[str, tuple[int, int, list[int], int]] = {
    "proxyless_mobile": (32, 16, [32, 40, 80, 96, 192, 320], 1280),
    "proxyless_gpu": (40, 24, [32, 56, 112, 128, 256, 432], 1728),
    "proxyless_cpu": (40, 24, [32, 48, 88, 104, 216, 360], 1432),
    "proxyless_mobile_14": (48, 24, [40, 56, 112, 136, 256, 448], 1792),
}
DETNAS = {
    "detnas_fpn_300m": ("detnas_small", "2120|2112|33130031|3132"),
    "detnas_fpn_300m_b": ("detnas_small", "0001|2033|12223331|3232"),
    "detnas_retinanet_300m": ("detnas_small", "2311|3213|31113320|3333"),
    "detnas_fpn_1300m": ("detnas_large", "00312102|03123320|2113202221310333|13333333"),
}
LARGE = DETNAS["detnas_fpn_1300m"][1]
WIDER = {"stem": 72, "widths": [172, 432, 864, 1728], "head": 1728}

MEMBERS: dict[str, Member] = {
    "efficientnet_b0": Member(
        "accel_nasbench",
        efficient(
            (1, 3, 1, True),
            (6, 3, 2, True),
            (6, 5, 2, True),
            (6, 3, 3, True),
            (6, 5, 3, True),
            (6, 5, 4, True),
            (6, 3, 1, True),
        ),
    ),
    "mnasnet_a1": Member(
        "mnasnet",
        mnasnet(
            ("separable", 3, 0.0, "none", 1.0, 1),
            ("mbconv6", 3, 0.0, "identity", 1.0, 2),
            ("mbconv3", 5, 0.25, "identity", 1.25, 3),
            ("mbconv6", 3, 0.0, "identity", 1.25, 4),
            ("mbconv6", 3, 0.25, "identity", 1.17, 2),
            ("mbconv6", 5, 0.25, "identity", 1.0, 3),
            ("mbconv6", 3, 0.0, "none", 1.0, 1),
        ),
        RATIOS,
    ),
    "mnasnet_b1": Member(
        "mnasnet",
        mnasnet(
            ("separable", 3, 0.0, "none", 1.0, 1),
            ("mbconv3", 3, 0.0, "identity", 1.0, 3),
            ("mbconv3", 5, 0.0, "identity", 1.25, 3),
            ("mbconv6", 5, 0.0, "identity", 1.25, 3),
            ("mbconv6", 3, 0.0, "identity", 1.0, 2),
            ("mbconv6", 5, 0.0, "identity", 1.2, 4),
            ("mbconv6", 3, 0.0, "none", 1.0, 1),
        ),
        RATIOS,
    ),
    "mobilenet_v3_large": Member(
        "netadapt_mobilenet_v3_large",
        narrowed(
            16,
            (24, 64, 72),
            (40, 72, 120, 120),
            (80, 240, 200, 184, 184),
            (112, 480, 672),
            (160, 672, 960, 960),
        ),
    ),
    "mobilenet_v3_small": Member(
        "netadapt_mobilenet_v3_small",
        narrowed(16, (24, 72, 88), (40, 96, 240, 240), (48, 120, 144), (96, 288, 576, 576)),
    ),
    "mobilenet_v1": mobilenet_v1(1.0),
    "mobilenet_v1 0.75": mobilenet_v1(0.75),
    "mobilenet_v1 0.5": mobilenet_v1(0.5),
    "mobilenet_v1 0.25": mobilenet_v1(0.25),
    "spos": Member("single_path_one_shot", units("2101|2020|20230000|3233")),
    "df1": Member("partial_order_pruning", pruned((3, 0), (3, 0), (4, 1))),
    "df2": Member("partial_order_pruning", pruned((3, 1), (11, 1), (6, 2))),
}
MEMBERS |= {f"fbnet_{x}": Member("fbnet", fbnet(x), {"head": 1504 if x == "a" else 1984}) for x in "abc"}
MEMBERS |= {
    name: Member(
        "proxylessnas",
        stages("searched.op", PROXYLESS[name]),
        dict(zip(("stem", "first", "widths", "head"), widths, strict=True)),
    )
    for name, widths in PROXYLESS_WIDTHS.items()
}
MOBILENET_V2 = (
    "k3_e6 k3_e6 zero zero | k3_e6 k3_e6 k3_e6 zero | k3_e6 k3_e6 k3_e6 k3_e6 |"
    " k3_e6 k3_e6 k3_e6 zero | k3_e6 k3_e6 k3_e6 zero | k3_e6"
)
MEMBERS |= {
    name: Member(
        "proxylessnas",
        stages("searched.op", MOBILENET_V2),
        {"stem": stem, "first": first, "widths": widths, "head": head},
    )
    for name, (stem, first, widths, head) in {
        "mobilenet_v2": (32, 16, [24, 32, 64, 96, 160, 320], 1280),
        "mobilenet_v2_14": (48, 24, [32, 48, 88, 136, 224, 448], 1792),
    }.items()
}
MEMBERS |= {name: Member(space, units(text)) for name, (space, text) in DETNAS.items()}
MEMBERS |= {
    f"{name}_backbone": Member(space, units(text), {"classes": 0}) for name, (space, text) in DETNAS.items()
}
MEMBERS |= {
    "detnas_fpn_3800m": Member("detnas_large", units(LARGE), WIDER),
    "detnas_fpn_3800m_backbone": Member("detnas_large", units(LARGE), WIDER | {"classes": 0}),
}
"""Published networks by their name in the catalogue, to which a remark may be added."""


def space(name: str, **arguments: Any) -> Module:
    return load(zoo.spaces()[name].path, arguments=arguments)


def completed(module: Module, assignment: Mapping[str, Any]) -> dict[str, Any]:
    """With the first value for all decisions that are not mentioned."""
    return {name: d.domain[0] for name, d in module.decisions.items()} | dict(assignment)


@pytest.mark.parametrize("name", SIZES)
def test_it_has_as_many_assignments_as_published(name: str) -> None:
    assert space_size(space(name)) == SIZES[name]


@pytest.mark.parametrize("name", MEMBERS)
def test_a_published_network_is_a_candidate(name: str) -> None:
    member = MEMBERS[name]
    module = space(member.space, **member.arguments)
    assert set(member.assignment) <= set(module.decisions)
    assignment = completed(module, member.assignment)
    assert satisfied(module, [assignment]).all()
    assert active_decisions(module, assignment) <= set(member.assignment)
    published = resolve(network(name.split()[0], **member.network), {})
    candidate = resolve(module, assignment)
    assert structural_hash(strip_training(candidate)) == structural_hash(strip_training(published))


@pytest.mark.parametrize("name", SIZES)
def test_random_candidates_verify_and_are_priced_as_counted(name: str) -> None:
    module = space(name)
    drawn = sample(module, 100, seed=1).assignments()
    prices = price(module, drawn)
    for i, assignment in enumerate(drawn):
        candidate = resolve(module, assignment)
        verify(candidate)
        assert (prices["parameters"][i], prices["multiply_adds"][i]) == count(candidate, {})
    assert len(set(prices["parameters"].tolist())) > 80


@pytest.mark.parametrize("name", SIZES)
def test_candidates_run_in_torch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    from drawloom.backends.torch import to_torch

    narrow = {"stem": 16, "widths": [32, 64, 128, 256]} if name.startswith("detnas") else {}
    module = space(name, size=32, classes=10, **narrow)
    for assignment in sample(module, 2, seed=2).assignments():
        found = to_torch(resolve(module, assignment)).eval()
        with torch.no_grad():
            result = found(torch.randn(2, 3, 32, 32))
        assert result.shape == (2, 10)
        assert torch.isfinite(result).all()
        assert sum(p.numel() for p in found.parameters()) == count(module, assignment)[0]


def test_prices_of_nasbench_macro_are_those_of_the_table() -> None:
    rows = table("nasbench_macro_cifar10.npz")
    module = space("nasbench_macro")
    kinds = ["identity", "k3_e3", "k5_e6"]
    candidates = [dict(zip(module.decisions, (kinds[c] for c in row), strict=True)) for row in rows["choice"]]
    prices = price(module, candidates)
    np.testing.assert_array_equal(prices["parameters"], rows["params"])
    np.testing.assert_array_equal(prices["multiply_adds"], rows["flops"])


@pytest.mark.parametrize(
    ("digits", "parameters", "multiply_adds"),
    [
        ("00000000", 387_882, 7_713_280),
        ("02012100", 890_666, 47_327_744),
        ("11111221", 2_181_386, 65_012_224),
    ],
)
def test_rows_of_nasbench_macro(digits: str, parameters: int, multiply_adds: int) -> None:
    module = space("nasbench_macro")
    kinds = ["identity", "k3_e3", "k5_e6"]
    assignment = dict(zip(module.decisions, (kinds[int(d)] for d in digits), strict=True))
    assert count(module, assignment) == (parameters, multiply_adds)


def test_parameters_of_accel_nasbench_are_those_of_the_table() -> None:
    """The table has millions in single precision."""
    rows = table("accel_nasbench.npz")
    candidates = [
        efficient(*((int(e), int(k), int(n), bool(se)) for e, k, n, se in row.reshape(7, 4)))
        for row in rows["arch"]
    ]
    parameters = price(space("accel_nasbench"), candidates)["parameters"]
    np.testing.assert_array_equal(parameters, np.rint(rows["params"].astype(float) * 1e6))


def test_ofa_has_as_many_architectures_as_published() -> None:
    """Published are (9^2 + 9^3 + 9^4)^5: decisions about layers beyond the depth do not count."""
    module = space("ofa_mobilenet_v3")
    depths = [name for name in module.decisions if name.endswith("depth")]
    architectures = 0
    for chosen in itertools.product(*(module.decisions[name].domain for name in depths)):
        assignment = completed(module, dict(zip(depths, chosen, strict=True)))
        active = active_decisions(module, assignment)
        architectures += math.prod(len(module.decisions[name]) for name in active - set(depths))
    assert architectures == (9**2 + 9**3 + 9**4) ** 5


def test_an_architecture_of_ofa_is_a_mobilenet_v3_with_its_layers() -> None:
    """But for the bias of the last convolution, which OFA leaves out."""
    module = space("ofa_mobilenet_v3")
    (assignment,) = sample(module, 1, seed=5).assignments()
    layers = ["(3, 16, 16, false, relu, 1)"]
    channels = 16
    for stage, (c, s, se, act) in enumerate(
        [
            (24, 2, "false", "relu"),
            (40, 2, "true", "relu"),
            (80, 2, "false", "hswish"),
            (112, 1, "true", "hswish"),
            (160, 2, "true", "hswish"),
        ]
    ):
        for i in range(assignment[f"stage[{stage}].depth"]):
            layer = f"stage[{stage}].i[{i}].layer"
            mid = assignment[f"{layer}.expansion"] * channels
            stride = s if i == 0 else 1
            layers.append(f"({assignment[f'{layer}.kernel']}, {mid}, {c}, {se}, {act}, {stride})")
            channels = c
    body = f"""{{
        outputs = mobilenet_v3_features(image; [{", ".join(layers)}], 960)
        x = outputs[len(outputs) - 1] |> global_avg_pool |> linear(1280, bias=false) as head
        return x |> hswish |> linear(1000) as classifier
    }}"""
    other = resolve(written("../networks/mobilenet_v3.loom", body), {})
    assert structural_hash(strip_training(resolve(module, assignment))) == structural_hash(other)


def test_layers_of_mnasnet_that_no_published_network_has() -> None:
    candidate = mnasnet(
        ("convolution", 5, 0.25, "pooling", 1.25, 2),
        ("separable", 3, 0.25, "pooling", 0.75, 1),
        ("mbconv3", 3, 0.25, "none", 1.0, 2),
        ("convolution", 3, 0.0, "identity", 0.75, 3),
        ("mbconv6", 5, 0.0, "none", 1.0, 2),
        ("mbconv3", 5, 0.0, "pooling", 1.25, 2),
        ("mbconv6", 3, 0.0, "identity", 1.0, 0),
    )
    body = """{
        x = image |> conv_bn(32, k=3, s=2) as stem |> conv_bn(24, k=5) |> squeeze_excite(8)
        x = avg_pool(x; 3) + (x |> conv_bn(24, k=5) as a |> squeeze_excite(6) as b)
        x = inverted_residual(x; 24, 3, 2, t=1, excite=squeeze_excite(; 6)) as c
        x = inverted_residual(x; 32, 3, 2, t=3, excite=squeeze_excite(; 6)) as d
        x = inverted_residual(x; 32, 3, 1, t=3, excite=squeeze_excite(; 8), residual=false) as e
        x = conv_bn(x; 48, k=3, s=2) as f
        x = x + conv_bn(x; 48, k=3) as g
        x = x + conv_bn(x; 48, k=3) as h
        x = inverted_residual(x; 96, 5, 1, t=6) as i
        x = inverted_residual(x; 96, 5, 1, t=6, residual=false) as j
        x = inverted_residual(x; 200, 5, 2, t=3) as k
        x = avg_pool(x; 3) + inverted_residual(x; 200, 5, 1, t=3, residual=false) as l
        return x |> conv_bn(1280) as head |> global_avg_pool |> linear(1000)
    }"""
    found = strip_training(resolve(space("mnasnet"), candidate))
    assert structural_hash(found) == structural_hash(resolve(written("../parts/mobile.loom", body), {}))


def written(imports: str, body: str) -> Module:
    """A network that is written out, with a file of the zoo imported."""
    text = f'import "{imports}"\nnetwork written(image: f32[3, 224, 224]) {body}\n'
    return elaborate(Source(str(zoo.ROOT / "spaces" / "written.loom"), text))
