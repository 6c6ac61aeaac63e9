"""Networks defined as other networks: the body of the other takes the place of the call."""

import pytest

from drawloom.frontend import elaborate
from drawloom.ir import DiagnosticError, Module, Source, print_module, structural_hash

TEXT = """
op conv_bn(x; out) = x |> conv(out, kernel=3) |> batch_norm
block stage(x; out) = x |> conv_bn(out) |> conv_bn(choose width from [out, 2 * out])
network plain(image: f32[3, size, size]; widths, act=relu, size=8) {
    for layer, width in widths { image = image |> stage(width) |> act }
    return image
}
network small(image: f32[3, 8, 8]) = plain(image; [4, 8], hswish)
network piped(image: f32[3, 16, 16]) = image |> plain([4], size=16)
network longer(image: f32[3, 8, 8]) {
    image = small(image)
    return image |> conv(5, kernel=1)
}
network twice(image: f32[3, 8, 8]) = plain(plain(image; [3], size=8) as first; [3]) as second
network wrong(image: f32[3, 9, 9]) = plain(image; [4])
network clash(image: f32[3, 8, 8]) = plain(plain(image; [3]); [3])
network ping(image: f32[3, 8, 8]) = pong(image)
network pong(image: f32[3, 8, 8]) = ping(image)
"""


def module(network: str, **arguments: object) -> Module:
    return elaborate(Source("networks.loom", TEXT), network=network, arguments=arguments)


def test_it_is_the_other_network() -> None:
    small = module("small")
    text = TEXT.replace("act=relu", "act=hswish")
    other = elaborate(Source("o.loom", text), network="plain", arguments={"widths": [4, 8]})
    assert structural_hash(small) == structural_hash(other)
    texts = [print_module(m).replace("@small", "@plain").split("network @plain") for m in (small, other)]
    (before, ours), (also_before, theirs) = texts
    assert before == also_before
    assert ours.splitlines()[1:] == theirs.splitlines()[1:]
    assert list(small.decisions) == ["layer[0].stage.width", "layer[1].stage.width"]


def test_arguments_bind_as_in_any_call() -> None:
    assert module("piped").entry.outputs[0].type.shape[1:] == (16, 16)


def test_what_follows_reads_its_result() -> None:
    longer = module("longer")
    assert longer.entry.outputs[0].type.shape == (5, 8, 8)
    assert len(longer.decisions) == 2


def test_labels_tell_two_of_them_apart() -> None:
    names = ["first.layer[0].stage.width", "second.layer[0].stage.width"]
    assert list(module("twice").decisions) == names
    paths = [op.param for op in module("twice").entry.operations if op.name == "call"]
    assert paths == ["first.layer.0.stage", "second.layer.0.stage"]


@pytest.mark.parametrize(
    ("network", "code"), [("wrong", "E0502"), ("clash", "E0303"), ("ping", "E0110"), ("pong", "E0110")]
)
def test_what_does_not_fit_is_said(network: str, code: str) -> None:
    with pytest.raises(DiagnosticError) as caught:
        module(network)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_a_genotype_is_shown_as_it_is_written() -> None:
    text = """
    op one(x) = relu(x)
    op two(x) = hswish(x)
    block cell_of(x; nodes) {
        for node, edges in nodes {
            for edge, (f, j) in edges { x = f(x) }
        }
        return x
    }
    network n(image: f32[3, 8, 8]) = cell_of(image; [[(one, 0), (two, 1)], [(one, 2)]])
    """
    cell = elaborate(Source("n.loom", text)).functions["cell_of"]
    assert cell.arguments["nodes"] == ("((one, 0), (two, 1))", "((one, 2))")
