"""Networks made and found for phones, and residual ones, have the published numbers."""

import pytest
from counting import count

from drawloom.catalogue import network

COUNTS = {
    # counted from the authors' tables and code by another program
    "detnas_fpn_1300m": (10_426_328, 1318.4),
    "detnas_fpn_1300m_backbone": (8_415_216, 1269.2),
    "detnas_fpn_300m": (3_533_112, 321.2),
    "detnas_fpn_300m_backbone": (1_849_680, 288.1),
    "detnas_fpn_3800m": (31_444_596, 4085.9),
    "detnas_fpn_3800m_backbone": (26_724_428, 3937.8),
    "detnas_retinanet_300m": (3_725_320, 324.3),
    "detnas_retinanet_300m_backbone": (2_041_888, 291.2),
    "df1": (8_533_128, 746.7),
    "df2": (17_987_208, 1774.3),
    "df2a": (19_151_240, 1916.1),
    "fbnet_a": (4_321_464, 249.92),
    "fbnet_a_mobile_vision": (4_304_584, 244.45),
    "fbnet_b": (4_863_288, 306.21),
    "fbnet_b_mobile_vision": (4_801_368, 291.00),
    "fbnet_c": (5_572_200, 384.96),
    "fbnet_c_mobile_vision": (5_570_664, 378.14),
    "mnasnet_a1": (3_887_038, 311.58),
    "mnasnet_b1": (4_383_312, 314.42),
    "mnasnet_small": (2_030_264, 68.34),
    "mobilenet_v1": (4_231_976, 568.74),
    "mobilenet_v2": (3_504_872, 300.77),
    "mobilenet_v2_13": (5_386_792, 509.37),
    "mobilenet_v2_14": (6_108_776, 582.20),
    "mobilenet_v3_large": (5_483_032, 216.59),
    "mobilenet_v3_small": (2_542_856, 56.51),
    "proxyless_cpu": (4_361_648, 439.24),
    "proxyless_gpu": (7_119_848, 465.26),
    "proxyless_mobile": (4_080_512, 320.43),
    "proxyless_mobile_14": (6_857_568, 580.88),
    "shufflenet_v1_10": (1_864_728, 137.46),
    "shufflenet_v1_15": (3_441_168, 292.44),
    "shufflenet_v1_20": (5_449_776, 524.05),
    "shufflenet_v1_20_g8": (6_521_232, 521.94),
    "shufflenet_v2_05": (1_365_792, 40.48),
    "shufflenet_v2_10": (2_278_760, 145.81),
    "shufflenet_v2_15": (3_506_720, 298.97),
    "shufflenet_v2_20": (7_402_600, 590.78),
    # torchvision's figures
    "efficientnet_b0": (5_288_548, 386),
    "efficientnet_b1": (7_794_184, 687),
    "efficientnet_b3": (12_233_232, 1827),
    "efficientnet_b4": (19_341_616, 4394),
    "efficientnet_b5": (30_389_784, 10266),
    "efficientnet_b6": (43_040_704, 19068),
    "efficientnet_b7": (66_347_960, 37746),
    "resnet_18": (11_689_512, 1814),
    "resnet_34": (21_797_672, 3664),
    "resnet_50": (25_557_032, 4089),
    "resnet_101": (44_549_160, 7801),
    "resnet_152": (60_192_808, 11514),
    # parameters of other implementations (the paper prints 0.27 M and 1.7 M), multiply-adds by hand
    "resnet_20": (269_722, 40.55),
    "resnet_110": (1_727_962, 252.89),
}
"""Parameters, and millions of multiply-adds to the digits that are known."""

ROUGHLY = {
    "mnasnet_a1_035": (1.747, 61.7),
    "mnasnet_a1_05": (2.082, 103.2),
    "mnasnet_a1_075": (2.912, 223.5),
    "mnasnet_a1_14": (6.106, 586.3),
}
"""Millions of both, known to three or four digits only."""


@pytest.mark.parametrize("name", COUNTS)
def test_it_has_the_published_size(name: str) -> None:
    parameters, multiply_adds = COUNTS[name]
    found = count(network(name), {})
    assert found[0] == parameters
    last_digit = 10.0 ** -len(str(multiply_adds).partition(".")[2])
    assert found[1] / 1e6 == pytest.approx(multiply_adds, abs=0.51 * last_digit)


@pytest.mark.parametrize("name", ROUGHLY)
def test_widths_of_mnasnet_have_about_the_published_size(name: str) -> None:
    assert [n / 1e6 for n in count(network(name), {})] == pytest.approx(ROUGHLY[name], rel=5e-4)


def test_efficientnet_b2_has_the_size_of_torchvision() -> None:
    assert count(network("efficientnet_b2", size=288), {}) == (9_109_994, pytest.approx(1088e6, abs=0.51e6))


def test_spos_has_the_published_multiply_adds() -> None:
    assert round(count(network("spos"), {})[1] / 1e6) == 323
