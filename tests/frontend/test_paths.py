"""Names of decisions and of weights: stable paths through calls, loops and arms."""

from loom import body_codes, domains, module, weight_paths

CONV = "block part(x) = x |> conv(channels(x), kernel=choose kernel from [1, 3])\n"


def test_the_network_is_no_prefix_and_loops_calls_and_arms_are() -> None:
    body = """
    k = choose stem from [1, 3]
    for stage, c in [3, 3] {
        for layer in 0..2 { image = choose op { skip: image  part: part(image) } }
    }
    return [part(image) for last in 0..1][0]
    """
    made = module(body, CONV)
    assert list(made.decisions) == [
        "stem",
        "stage[0].layer[0].op",
        "stage[0].layer[0].part.part.kernel",
        "stage[0].layer[1].op",
        "stage[0].layer[1].part.part.kernel",
        "stage[1].layer[0].op",
        "stage[1].layer[0].part.part.kernel",
        "stage[1].layer[1].op",
        "stage[1].layer[1].part.part.kernel",
        "last[0].part.kernel",
    ]
    assert weight_paths(made)[0] == "stage.0.layer.0.part.part.conv"
    assert weight_paths(made)[-1] == "last.0.part.conv"


def test_calls_of_a_block_are_decided_independently() -> None:
    made = module("return part(image) as a |> part as b", CONV)
    assert list(domains(made)) == ["a.kernel", "b.kernel"]
    assert weight_paths(made) == ["a.conv", "b.conv"]


def test_calls_of_a_cell_share_their_decisions() -> None:
    before = CONV + "cell c(x; out) = x |> part |> conv(out, kernel=choose kernel from [1, 3])"
    made = module("return image |> c(8) |> c(8) |> c(16)", before)
    assert list(domains(made)) == ["c.part.kernel", "c.kernel"]
    assert len([f for f in made.functions.values() if f.definition == "c"]) == 3
    assert weight_paths(made) == [f"{c}.{op}" for c in ("c", "c_1", "c_2") for op in ("part.conv", "conv")]


def test_what_decides_nothing_is_shared_between_scopes() -> None:
    before = "block plain(x) = x |> conv(channels(x), kernel=3)\nblock outer(x) = x |> plain |> part\n" + CONV
    made = module("return image |> outer as a |> outer as b", before)
    assert [f for f in made.functions if f.startswith("plain")] == ["plain"]
    assert [f for f in made.functions if f.startswith("outer")] == ["outer", "outer_1"]


def test_weights_of_one_scope_are_numbered() -> None:
    made = module(
        "x = conv(image; 4, kernel=1) |> batch_norm return conv(x; 4, kernel=1) as point |> conv(4, 1)"
    )
    assert weight_paths(made) == ["conv", "batch_norm", "point", "conv_1"]


def test_two_loops_of_one_name_do_not_share_weights() -> None:
    loop = "for i in 0..2 { image = conv(image; 3, kernel=1) }"
    assert weight_paths(module(f"{loop} {loop} return image")) == [
        "i.0.conv",
        "i.1.conv",
        "i.0.conv_1",
        "i.1.conv_1",
    ]


def test_a_label_like_an_arm_does_not_share_weights() -> None:
    before = "block f(x) = x |> conv(channels(x), kernel=1)"
    body = "y = f(image) as a return choose op { a: conv(y; 3, kernel=1)  b: y }"
    assert weight_paths(module(body, before)) == ["a.conv", "a_1.conv"]
    body = "y = choose op { a: conv(image; 3, kernel=1)  b: image } return f(y) as a"
    assert weight_paths(module(body, before)) == ["a.conv", "a_1.conv"]


def test_options_of_a_decided_operation_have_their_own_weights() -> None:
    before = "block f(x) = x |> conv(3, kernel=1)\nblock g(x) = x |> conv(3, kernel=3)"
    made = module("h = choose h from [f, g] return h(image) as a |> h", before)
    assert sorted(weight_paths(made)) == ["a.f.conv", "a.g.conv", "f.conv", "g.conv"]


def test_one_name_twice_asks_for_a_label() -> None:
    assert body_codes("return image |> part |> part", CONV) == ["E0303"]
    assert body_codes("a = choose k from [1, 2] b = choose k from [3, 4] return image") == ["E0303"]
    loop = "for i in 0..2 { a = choose k from [1, 2] }"
    assert body_codes(f"{loop} {loop} return image") == ["E0303"]


def test_a_decision_is_shared_by_passing_it_on() -> None:
    before = "block f(x; k) = x |> conv(3, kernel=k)"
    made = module("k = choose kernel from [1, 3] return image |> f(k) |> f(k)", before)
    assert domains(made) == {"kernel": (1, 3)}
    assert [f for f in made.functions if f.startswith("f")] == ["f"]
