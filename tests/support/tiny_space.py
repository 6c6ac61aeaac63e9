"""A search space that is small enough to train in seconds, for tests of the command line and of reports."""

from pathlib import Path

TEXT = """\
# A tiny space: 24 assignments.
op conv_bn(x; out, k=1, s=1, groups=1) =
    x |> conv(out, kernel=k, stride=s, groups=groups, bias=false) |> batch_norm |> relu

block separable(x; out) {
    kernel = choose kernel from [3, 5]
    return x |> conv_bn(channels(x), k=kernel, groups=channels(x)) |> conv_bn(out)
}

network tiny(image: f32[1, 28, 28]; classes=10) {
    x = image |> conv_bn(choose stem from [4, 8, 12], k=3, s=4)
    for stage in 0..1 {
        depth = choose depth from 1..=2
        for layer in 0..depth { x = separable(x; 8) }
    }
    return x |> global_avg_pool |> linear(classes)
}
"""

DECISIONS = (
    "stem",
    "stage[0].depth",
    "stage[0].layer[0].separable.kernel",
    "stage[0].layer[1].separable.kernel",
)

FIRST = {
    "stem": 4,
    "stage[0].depth": 1,
    "stage[0].layer[0].separable.kernel": 3,
    "stage[0].layer[1].separable.kernel": 3,
}
"""The assignment of every decision to the first value of its domain."""


def write(folder: Path) -> Path:
    """Write the space into a folder and return the file."""
    path = folder / "tiny.loom"
    path.write_text(TEXT, encoding="utf-8")
    return path
