"""The parts of a network and the rows of its table."""

from loom import module

from drawloom.anatomy import Row, flattened, parts, rows
from drawloom.ir import Counting, Module
from drawloom.passes import network_cost

BLOCKS = """
op wide(x; c, s=1) = x |> conv(c, kernel=3, stride=s) |> batch_norm
block twice(x; c) = x |> wide(c) as first |> wide(c) as second
"""


def table(made: Module, levels: int | None = None) -> list[Row]:
    return list(rows(parts(made, levels)))


def test_neighbours_of_one_loop_and_output_are_one_row() -> None:
    made = module(
        """
        x = image
        for stage, c in [8, 8, 16] {
            for layer in 0..3 { x = wide(x; c, s=if layer == 0 and stage == 1 { 2 } else { 1 }) }
        }
        return x
        """,
        BLOCKS,
    )
    found = [(r.stage, r.repeats, r.details["c"], r.details["s"], str(r.output)) for r in table(made)]
    assert found == [
        ("stage.0.layer.0..2", 3, "8", "1", "f32[8, 8, 8]"),
        # a loop of its own, though of the same kind and width
        ("stage.1.layer.0..2", 3, "8", "2,1", "f32[8, 4, 4]"),
        ("stage.2.layer.0..2", 3, "16", "1", "f32[16, 4, 4]"),
    ]
    cost = network_cost(made)
    assert sum(r.parameters for r in table(made)) == cost.parameters
    assert sum(r.multiply_adds for r in table(made)) == cost.multiply_adds


def test_stages_of_one_output_stay_apart() -> None:
    body = "x = image\nfor stage in 0..2 { for layer in 0..2 { x = wide(x; 3) } }\nreturn x"
    assert [(r.stage, r.repeats) for r in table(module(body, BLOCKS))] == [
        ("stage.0.layer.0..1", 2),
        ("stage.1.layer.0..1", 2),
    ]


def test_what_is_between_parts_of_a_loop_parts_them() -> None:
    body = "x = image\nfor layer in 0..2 { x = x |> wide(3) |> relu }\nreturn x"
    assert [r.kind for r in table(module(body, BLOCKS))] == ["wide", "relu", "wide", "relu"]


def test_a_run_of_rows_that_repeats_is_written_once() -> None:
    body = """
    x = image
    for step in 0..5 { x = x |> relu |> slice(1, 0, 8) |> tanh }
    return x |> relu |> tanh |> relu
    """
    found = [(r.kind, r.repeats) for r in table(module(body))]
    assert found == [("relu", 5), ("slice", 5), ("tanh", 5), ("relu", 1), ("tanh", 1), ("relu", 1)]


def test_a_run_with_other_results_is_another() -> None:
    body = "x = image\nfor step in 1..4 { x = x |> relu |> slice(1, 0, 8 - step) }\nreturn x"
    assert [(r.kind, r.repeats) for r in table(module(body))] == [("relu", 1), ("slice", 1)] * 3


def test_with_parts_below_only_equal_ones_are_one_row() -> None:
    body = "x = image\nfor layer in 0..3 { x = twice(x; 4) }\nreturn x"
    assert [(r.stage, r.repeats) for r in table(module(body, BLOCKS))] == [("layer.0..2", 3)]
    assert [(r.stage, r.repeats, r.depth) for r in table(module(body, BLOCKS), 2)] == [
        ("layer.0", 1, 0),
        ("layer.0.twice.first", 1, 1),
        ("layer.0.twice.second", 1, 1),
        ("layer.1..2", 2, 0),
        ("layer.1.twice.first", 1, 1),
        ("layer.1.twice.second", 1, 1),
    ]


def test_weights_that_are_shared_count_where_they_are_met_first() -> None:
    made = module(
        "ys, h = scan(image, zeros(4); body=step)\nreturn h",
        "cell step(x, h) = tanh(linear(x; 4) as input + linear(h; 4) as state)",
        inputs="image: f32[3, 5]",
    )
    steps = [p for p in parts(made) if p.kind == "step"]
    assert [p.parameters for p in steps] == [(5 * 4 + 4) + (4 * 4 + 4), 0, 0]
    assert sum(p.parameters for p in steps) == network_cost(made).parameters
    assert sum(p.multiply_adds for p in flattened(parts(made))) == network_cost(made).multiply_adds


def test_dead_parts_are_none() -> None:
    made = module("unused = wide(image; 5)\nreturn image |> relu", BLOCKS)
    assert [p.kind for p in parts(made)] == ["relu"]


def test_other_counts() -> None:
    made = module("return wide(image; 4)", BLOCKS)
    (plain,), (whole,) = parts(made), parts(made, counting=Counting.parse("conv+bn"))
    assert whole.multiply_adds - plain.multiply_adds == 2 * 4 * 8 * 8


def test_blocks_made_of_cells_are_opened_down_to_the_cells() -> None:
    made = module(
        "x = image |> wide(4)\nx = tower(x)\nreturn twice(x; 4)",
        f"""{BLOCKS}
        cell normal(x; c) = twice(x; c)
        block tower(x) {{
            for layer in 0..3 {{ x = normal(x; 4) }}
            return x
        }}
        """,
    )
    assert [(r.stage, r.kind, r.repeats, r.depth) for r in table(made)] == [
        ("wide", "wide", 1, 0),
        ("tower", "tower", 1, 0),
        ("tower.layer.0..2", "normal", 3, 1),
        ("twice", "twice", 1, 0),
    ]
    assert [r.depth for r in table(made, 1)] == [0, 0, 0]
