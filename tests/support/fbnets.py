"""The published FBNets as assignments of `zoo/spaces/fbnet.loom`."""

FBNET = {
    "a": "skip | k3_e3 k3_e1 skip skip | k5_e6 k3_e3 k5_e1 k3_e3 | k5_e6 k5_e3 k5_e1_g2 k5_e6 |"
    " k3_e6 k5_e1_g2 k5_e3 k3_e1_g2 | k5_e6 k5_e6 k5_e3 k5_e6 | k5_e6",
    "b": "k3_e1 | k3_e6 k5_e1 k3_e1 k3_e1 | k5_e6 k5_e3 k3_e6 k5_e6 | k5_e6 k5_e6 skip k5_e3 |"
    " k5_e6 k3_e1 k5_e1 k5_e3 | k5_e6 k5_e1 k5_e6 k5_e6 | k3_e6",
    "c": "k3_e1 | k3_e6 skip k3_e1 k3_e1 | k5_e6 k5_e3 k5_e6 k3_e6 | k5_e6 k5_e3 k5_e6 k5_e6 |"
    " k5_e6 k5_e6 k5_e6 k5_e3 | k5_e6 k5_e6 k5_e6 k5_e6 | k3_e6",
}
"""Stage by stage (Wu et al., 2019; facebookresearch/mobile-vision)."""


def fbnet(name: str) -> dict[str, str]:
    """The assignment of FBNet-A, -B or -C."""
    stages = [stage.split() for stage in FBNET[name].split("|")]
    return {
        f"stage[{s}].layer[{i}].tbs.op": op for s, stage in enumerate(stages) for i, op in enumerate(stage)
    }
