"""Files: networks, their arguments, imports, and what is said when one cannot be read."""

from pathlib import Path

import pytest

from drawloom.frontend import elaborate, load
from drawloom.ir import DiagnosticError, Source, UserError, print_module

TWO = """
network small(image: f32[3, size, size]; size=8, widths=[4, 8]) = image |> conv(widths[1], kernel=3)
network large(image: f32[3, 16, 16]; width) = image |> conv(width, kernel=3)
"""


NETWORK = "network n(image: f32[3, 8, 8]) = image |> f"


def test_a_network_is_asked_for_by_name() -> None:
    assert elaborate(Source("t", TWO), network="small").name == "small"
    with pytest.raises(DiagnosticError, match="several networks"):
        elaborate(Source("t", TWO))
    with pytest.raises(UserError, match=r"unknown network 'smal' .did you mean 'small'"):
        elaborate(Source("t", TWO), network="smal")


def test_arguments_are_set_from_outside() -> None:
    made = elaborate(Source("t", TWO), network="small", arguments={"size": 12, "widths": [1, 2]})
    assert made.entry.outputs[0].type.shape == (2, 12, 12)
    with pytest.raises(UserError, match=r"unknown parameter of network small 'sise' .did you mean 'size'"):
        elaborate(Source("t", TWO), network="small", arguments={"sise": 3})
    with pytest.raises(UserError, match="'large' needs a value for 'width'"):
        elaborate(Source("t", TWO), network="large")
    with pytest.raises(UserError, match="cannot be"):
        elaborate(Source("t", TWO), network="large", arguments={"width": {}})


def test_imports_share_definitions(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.loom").write_text('import "b.loom"\nop f(x) = g(x)')
    (tmp_path / "parts" / "b.loom").write_text("op g(x) = relu(x)\nnetwork other(image: f32[1]) = image")
    main = tmp_path / "main.loom"
    main.write_text('import "parts/a.loom"\nimport "parts/b.loom"\n' + NETWORK + " |> g")
    made = load(main)
    assert list(made.functions) == ["g", "f", "n"]


def test_bad_imports_are_diagnosed(tmp_path: Path) -> None:
    (tmp_path / "a.loom").write_text('import "main.loom"\nop f(x) = relu(x)')
    (tmp_path / "b.loom").write_text("op f(x) = tanh(x)")
    (tmp_path / "c.loom").write_text("op f(x = relu(x)")
    main = tmp_path / "main.loom"
    for imports, code in [
        ('import "a.loom"', "E0107"),
        ('import "b.loom"\nop f(x) = x', "E0102"),
        ('import "c.loom"', "E0001"),
        ('import "d.loom"', "E0107"),
        ('import "/etc/passwd"', "E0107"),
        ('import "../main.txt"', "E0107"),
        ('import "b.loom" as b', "E0101"),
    ]:
        main.write_text(f"{imports}\n{NETWORK}")
        with pytest.raises(DiagnosticError) as caught:
            load(main)
        assert code in {d.code for d in caught.value.diagnostics}, imports


def test_a_name_in_two_files_is_reported_with_both(tmp_path: Path) -> None:
    (tmp_path / "b.loom").write_text("op f(x) = tanh(x)")
    (tmp_path / "main.loom").write_text('import "b.loom"\nop f(x) = x\n' + NETWORK)
    with pytest.raises(DiagnosticError) as caught:
        load(tmp_path / "main.loom")
    text = str(caught.value)
    assert "main.loom:1:1" in text
    assert "op f(x) = x" in text
    assert "b.loom:1:4" in text


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "space.loom").write_text("")
    with pytest.raises(UserError, match=r"there is no file .*did you mean '.*space.loom'"):
        load(tmp_path / "spce.loom")
    with pytest.raises(UserError, match="cannot be read"):
        load(tmp_path)
    (tmp_path / "binary.loom").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="not text in UTF-8"):
        load(tmp_path / "binary.loom")


def test_textual_ir_is_read_too(tmp_path: Path) -> None:
    made = elaborate(Source("t", TWO), network="small")
    path = tmp_path / "small.ir"
    path.write_text(print_module(made))
    assert print_module(load(path)) == print_module(made)
    with pytest.raises(UserError, match="no parameters left"):
        load(path, arguments={"size": 3})


def test_files_imported_under_a_name_keep_their_names(tmp_path: Path) -> None:
    (tmp_path / "a.loom").write_text("op act(x) = relu(x)\nblock f(x; n=4) = x |> conv(n, kernel=1) |> act")
    (tmp_path / "b.loom").write_text("op act(x) = tanh(x)\nblock f(x) = x |> act")
    main = tmp_path / "main.loom"
    main.write_text(
        'import "a.loom" as a\nimport "b.loom" as b\nop act(x) = sigmoid(x)\n'
        "network n(image: f32[3, 8, 8]) { g = b.f  return a.f(image; 5) |> a.f |> g |> b.act |> act }"
    )
    made = load(main)
    names = [op.name for f in made.functions.values() for op in f.operations if op.name != "call"]
    assert names == ["relu", "conv2d", "relu", "conv2d", "tanh", "sigmoid"]
    assert made.entry.outputs[0].type.shape == (4, 8, 8)


def test_defaults_are_read_where_they_are_written(tmp_path: Path) -> None:
    (tmp_path / "a.loom").write_text("op act(x) = relu(x)\nop f(x; g=act) = g(x)")
    main = tmp_path / "main.loom"
    main.write_text('import "a.loom" as a\nop act(x) = tanh(x)\nnetwork n(x: f32[3]) = a.f(x)')
    assert [op.name for f in load(main).functions.values() for op in f.operations] == ["relu", "call", "call"]


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("network n(x: f32[3]) = x |> a.g", "E0101", "'a' defines no 'g'"),
        ("network n(x: f32[3]) = a.actt(x)", "E0101", "did you mean 'a.act'?"),
        ("network n(x: f32[3]) = act(x)", "E0101", "unknown name 'act'"),
        ("network n(x: f32[3]) = x.relu()", "E0101", "there are no methods: write `relu(x)` or `x |> relu`"),
        ("network n(x: f32[3]) = a(x)", "E0109", "'a' is an imported file and cannot be called"),
        ("op a(x) = x network n(x: f32[3]) = a(x)", "E0102", "'a' is defined twice"),
    ],
)
def test_mistakes_with_imported_names(tmp_path: Path, text: str, code: str, said: str) -> None:
    (tmp_path / "a.loom").write_text("op act(x) = relu(x)")
    main = tmp_path / "main.loom"
    main.write_text(f'import "a.loom" as a\n{text}')
    with pytest.raises(DiagnosticError) as caught:
        load(main)
    assert [d.code for d in caught.value.diagnostics] == [code]
    assert said in str(caught.value)


def test_two_imports_of_one_name_say_how_to_keep_both(tmp_path: Path) -> None:
    for name, body in (("a", "relu"), ("b", "tanh")):
        (tmp_path / f"{name}.loom").write_text(f"op f(x) = {body}(x)")
    main = tmp_path / "main.loom"
    main.write_text('import "a.loom"\nimport "b.loom"\nnetwork n(x: f32[3]) = f(x)')
    with pytest.raises(DiagnosticError) as caught:
        load(main)
    text = str(caught.value)
    assert "'f' is defined twice" in text
    assert 'name the file, `import "b.loom" as b`, and write `b.f`' in text


def test_what_a_file_demands_concerns_its_own_networks(tmp_path: Path) -> None:
    (tmp_path / "a.loom").write_text("op f(x) = relu(x)\nrequire params(network) <= 3")
    main = tmp_path / "main.loom"
    main.write_text('import "a.loom"\nrequire depth(network) <= 5\nnetwork n(x: f32[3]) = f(x) |> linear(3)')
    assert [c.message for c in load(main).constraints] == ["depth(network) <= 5"]


def test_what_only_looks_like_a_definition_does_not_end_one() -> None:
    text = "network n(image: f32[3, 8, 8]) { return sum([relu(x) for\nx in ([image])]) }"
    assert len(elaborate(Source("t", text)).entry.operations) == 2


ZOO_IMPORT = 'import "zoo/parts/activations.loom"\nnetwork n(image: f32[3, 8, 8]) = swish_beta(image)'


def test_parts_of_the_zoo_can_be_imported_from_anywhere(tmp_path: Path) -> None:
    main = tmp_path / "main.loom"
    main.write_text(ZOO_IMPORT)
    assert "channel_affine" in print_module(load(main))
    assert "channel_affine" in print_module(elaborate(Source("<stdin>", ZOO_IMPORT)))


def test_a_file_of_that_name_goes_before_the_zoo(tmp_path: Path) -> None:
    (tmp_path / "zoo" / "parts").mkdir(parents=True)
    (tmp_path / "zoo" / "parts" / "activations.loom").write_text("op swish_beta(x) = tanh(x)")
    main = tmp_path / "main.loom"
    main.write_text(ZOO_IMPORT)
    assert "tanh" in print_module(load(main))


def test_what_the_zoo_does_not_have_is_an_error(tmp_path: Path) -> None:
    main = tmp_path / "main.loom"
    main.write_text(ZOO_IMPORT.replace("activations", "activation"))
    with pytest.raises(DiagnosticError, match=r"did you mean '.*activations\.loom'"):
        load(main)
