"""What only training does, in the language."""

from loom import body_codes, module, operations

from drawloom.passes import network_cost, satisfied


def test_auxiliary_takes_two_tensors_and_a_weight() -> None:
    made = module(
        """
        x = image |> conv(4, kernel=3) as stem
        head = x |> global_avg_pool |> linear(10) as head
        x = x |> auxiliary(head; weight=0.3)
        x = auxiliary(x, head)
        return x |> drop_path(0.2) |> global_avg_pool |> linear(10)
        """
    )
    assert [op.attributes["weight"] for op in operations(made, "auxiliary")] == [0.3, 0.4]
    assert [op.attributes["rate"] for op in operations(made, "drop_path")] == [0.2]
    assert network_cost(made).parameters == 3 * 4 * 9 + 4 * 10 + 10


def test_requirements_do_not_count_heads() -> None:
    heads = "head = image |> global_avg_pool |> linear(10) as head\nx = auxiliary(image, head)"
    body = f"{heads}\nreturn x |> global_avg_pool |> linear(2)"
    for bound, holds in ((8, True), (48, False)):
        made = module(f'require params(network) == {bound}, "no"\n{body}')
        assert satisfied(made, [{}]).tolist() == [holds]


def test_rates_and_weights_have_limits() -> None:
    assert body_codes("return image |> drop_path(1.0)") == ["E0502"]
    assert body_codes("return auxiliary(image, image; weight=-1)") == ["E0502"]
