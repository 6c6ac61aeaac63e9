"""Loops whose number of iterations is decided: unrolled to the maximum, one exit choice for each name."""

from loom import body_codes, domains, module, operations


def test_the_exit_is_one_choice() -> None:
    made = module("n = choose depth from 1..=3 for i in 0..n { image = relu(image) } return image")
    assert domains(made) == {"depth": (1, 2, 3)}
    assert len(operations(made, "relu")) == 3
    (choice,) = operations(made, "choice")
    assert str(choice.attributes["selector"]) == "index(@depth)"
    assert [o.producer.operands[0].producer is None for o in choice.operands] == [True, False, False]


def test_no_iteration_at_all_is_an_alternative() -> None:
    made = module("n = choose depth from 0..=2 for i in 0..n { image = relu(image) } return image")
    (choice,) = operations(made, "choice")
    assert len(choice.operands) == 3
    assert choice.operands[0] is made.entry.inputs[0]


def test_only_reachable_counts_are_alternatives() -> None:
    made = module("n = choose depth from [1, 4] for i in 0..n { image = relu(image) } return image")
    assert len(operations(made, "relu")) == 4
    assert len(operations(made, "choice")[0].operands) == 2


def test_every_rebound_name_has_its_own_exit() -> None:
    body = """
    n = choose depth from 1..=2
    a = image b = image c = 4 unchanged = relu(image)
    for i in 0..n { a = relu(a)  b = tanh(b)  c = 2 * c }
    return concat(a, b, unchanged) |> conv(c, kernel=1)
    """
    made = module(body)
    assert len(operations(made, "choice")) == 2
    assert str(made.entry.outputs[0].type.shape[0]) == "select(index(@depth), [8, 16])"


def test_bodies_see_unmixed_types() -> None:
    body = """
    n = choose depth from 1..=2
    for i in 0..n { image = image |> conv(2 * channels(image), kernel=1) }
    return image
    """
    made = module(body)
    assert [op.attributes["out"] for op in operations(made, "conv2d")] == [6, 12]


def test_a_bound_may_be_computed() -> None:
    body = "n = choose n from [1, 2] for i in 1..2 * n + 1 { image = relu(image) } return image"
    made = module(body)
    assert len(operations(made, "relu")) == 4
    assert len(operations(made, "choice")[0].operands) == 2


def test_a_list_that_grows_gets_presence() -> None:
    body = """
    n = choose n from 1..=3
    xs = [image]
    for i in 0..n { xs += [relu(xs[i])] }
    return concat(xs)
    """
    made = module(body)
    (concat,) = operations(made, "concat")
    flags = [p if isinstance(p, bool) else p.table.tolist() for p in concat.presence]
    assert flags == [True, True, [False, True, True], [False, False, True]]


def test_decisions_inside_are_named_by_the_iteration() -> None:
    body = """
    n = choose depth from 1..=2
    for layer in 0..n { image = image |> conv(3, kernel=choose kernel from [3, 5]) }
    return image
    """
    assert list(module(body).decisions) == ["depth", "layer[0].kernel", "layer[1].kernel"]


def test_iterations_are_guarded() -> None:
    body = """
    n = choose depth from [1, 2]
    c = if n == 2 { 3 } else { 4 }
    for i in 0..n { image = if i == 1 { image + conv(image; c, kernel=1) } else { image } }
    return image
    """
    assert not module(body).constraints


def test_a_name_of_skipped_iterations_is_undefined() -> None:
    assert body_codes("n = choose n from 0..=2 for i in 0..n { y = image } return y") == ["E0101"]
    assert not body_codes("n = choose n from 1..=2 for i in 0..n { y = image } return y")


def test_loops_can_nest() -> None:
    body = """
    n = choose n from 1..=2
    for i in 0..n { m = choose m from 1..=2  for j in 0..m { image = relu(image) } }
    return image
    """
    made = module(body)
    assert list(made.decisions) == ["n", "i[0].m", "i[1].m"]
    assert len(operations(made, "choice")) == 3


def test_a_comprehension_over_a_decided_range() -> None:
    made = module("n = choose n from 1..=3 return sum([relu(image) for i in 0..n])")
    flags = [p if isinstance(p, bool) else p.table.tolist() for p in operations(made, "sum")[0].presence]
    assert flags == [True, [False, True, True], [False, False, True]]
