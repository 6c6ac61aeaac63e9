"""The language server over its real protocol: every feature, asked as an editor asks."""

import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lsp_client import Client, ServerError, Text

from drawloom.frontend.format import format_source
from drawloom.ir import Source
from drawloom.ir.codes import CODES

SPACE = """\
# Convolution and normalisation 😀 in one.
op conv_bn(x; out, k=1) = x |> conv(out, kernel=k, bias=false) |> batch_norm

block part(x; out) {
    label = "😀"  h = conv_bn(x; out, k=choose kernel from [1, 3])
    h = h |> conv_bn(out)
    return h
}

network n(image: f32[3, 8, 8]; classes=10) {
    x = part(image; 4) as first |> part(8) as second
    y = choose op {
        none: x
        act:  relu(x)
    }
    return y |> global_avg_pool |> linear(classes)
}
"""


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    with Client() as made:
        yield made


@pytest.fixture
def space(client: Client, tmp_path: Path) -> Iterator[Text]:
    text = client.open(tmp_path / "space.loom", SPACE)
    assert text.diagnostics() == []
    yield text
    client.notify("textDocument/didClose", {"textDocument": {"uri": text.uri}})


def hover(text: Text, mark: str, inside: int = 0, nth: int = 0) -> str:
    found = text.ask("hover", mark, inside, nth)
    assert found["contents"]["kind"] == "markdown"
    value: str = found["contents"]["value"]
    return value


def labels(items: list[dict[str, Any]]) -> list[str]:
    return [item["label"] for item in sorted(items, key=lambda item: item["sortText"])]


def test_the_server_says_what_it_does(client: Client) -> None:
    assert client.initialized["serverInfo"]["name"] == "drawloom"
    offered = client.initialized["capabilities"]
    assert offered["positionEncoding"] == "utf-16"
    assert offered["textDocumentSync"]["change"] == 2
    for feature in ("hover", "definition", "references", "documentSymbol", "completion", "rename"):
        assert offered[f"{feature}Provider"]


def test_diagnostics_come_and_go_with_changes(space: Text) -> None:
    space.edit("relu(x)", "rleu(x)")
    (found,) = space.diagnostics()
    assert (found["code"], found["source"], found["severity"]) == ("E0101", "drawloom", 1)
    assert space.shown(found["range"]) == "rleu"
    assert found["message"] == "unknown name 'rleu'\nhelp: did you mean 'relu'?"
    space.edit("rleu(x)", "relu(x)")
    assert space.diagnostics() == []


def test_positions_count_utf16_code_units(space: Text) -> None:
    space.edit("conv_bn(x; out, k=choose", "conv_bm(x; out, k=choose")
    (found,) = space.diagnostics()
    assert space.shown(found["range"]) == "conv_bm"
    line = next(line for line in space.text.split("\n") if "conv_bm" in line)
    # the emoji before it is two units but one character
    assert found["range"]["start"]["character"] == line.index("conv_bm") + 1


def test_another_encoding_of_positions_and_an_exit_without_shutdown(tmp_path: Path) -> None:
    client = Client(("utf-8", "utf-16"))
    assert client.initialized["capabilities"]["positionEncoding"] == "utf-8"
    text = client.open(tmp_path / "a.loom", SPACE.replace("conv_bn(x; out, k=c", "conv_bm(x; out, k=c"))
    (found,) = text.diagnostics()
    line = next(line for line in text.text.split("\n") if "conv_bm" in line)
    assert found["range"]["start"]["character"] == len(line[: line.index("conv_bm")].encode())
    client.notify("exit", None)
    assert client.process.wait(60) == 1


def test_related_places_are_given(space: Text) -> None:
    space.edit(" as second", " as first")
    (found,) = space.diagnostics()
    assert found["code"] == "E0303"
    (first,) = found["relatedInformation"]
    assert first["message"] == "the first is here"
    assert first["location"]["uri"] == space.uri
    assert space.shown(first["location"]["range"]) == "part(image; 4) as first"


def test_hover_of_an_error_explains_its_code(space: Text) -> None:
    space.edit("relu(x)", "rleu(x)")
    space.diagnostics()
    assert CODES["E0101"].explanation in hover(space, "rleu")


def test_hover_of_a_definition_shows_its_head_comment_type_and_cost(space: Text) -> None:
    text = hover(space, "conv_bn(out)")
    assert "op conv_bn(x; out, k=1)" in text
    assert "Convolution and normalisation 😀 in one." in text
    # 1x1 convolutions of 4 and 8 channels with two numbers a channel of the normalisation
    assert "- `f32[4, 8, 8]`: 24 parameters, 1,024 multiply-adds" in text
    assert "- `f32[8, 8, 8]`: 80 parameters, 4,096 multiply-adds" in text


def test_hover_of_a_call_that_decides_shows_the_range_of_its_cost(space: Text) -> None:
    # a kernel of 1 or 3 on 3 channels to 4, then 1x1 on 4, and normalisations of 4 channels
    low, high = 3 * 4 + 8 + 4 * 4 + 8, 9 * 3 * 4 + 8 + 4 * 4 + 8
    assert f"`f32[4, 8, 8]`: {low} to {high} parameters" in hover(space, "part(image; 4)")


def test_hover_of_names(space: Text) -> None:
    assert "static parameter `out` of `part`" in hover(space, "out, k=choose")
    assert "- `4`\n- `8`" in hover(space, "out, k=choose")
    assert "variable `h` of `part`" in hover(space, "h = conv_bn")
    assert "tensor parameter `image`" in hover(space, "image; 4")
    assert "by default `10`" in hover(space, "classes)\n", 0)


def test_hover_of_a_choice_shows_paths_and_values(space: Text) -> None:
    text = hover(space, "kernel from")
    assert "- `first.kernel`: one of `1`, `3`\n- `second.kernel`: one of `1`, `3`" in text
    assert "- `op`: one of `none`, `act`" in hover(space, "op {")


def test_hover_of_an_operation_is_its_specification(space: Text) -> None:
    text = hover(space, "global_avg_pool")
    assert "operation global_avg_pool(x" in text
    assert "mean" in text.lower()


def test_hover_of_nothing(space: Text) -> None:
    assert space.ask("hover", "\n\nblock", 1) is None


def test_definition_of_a_name_is_the_binding_before_it(space: Text) -> None:
    found = space.ask("definition", "h |> conv_bn")
    assert space.shown(found["range"]) == "h"
    assert found["range"]["start"]["line"] == 4
    assert space.ask("definition", "return h", 7)["range"]["start"]["line"] == 5
    assert space.ask("definition", "conv_bn(out)")["range"]["start"]["line"] == 1
    assert space.ask("definition", "k=choose")["range"]["start"] == {"line": 1, "character": 19}
    assert space.ask("definition", "relu(x)") is None


def test_references(space: Text) -> None:
    everywhere = space.ask("references", "op conv_bn", 3, context={"includeDeclaration": True})
    assert [p["range"]["start"]["line"] for p in everywhere] == [1, 4, 5]
    uses = space.ask("references", "op conv_bn", 3, context={"includeDeclaration": False})
    assert [p["range"]["start"]["line"] for p in uses] == [4, 5]
    assert [h["range"]["start"]["line"] for h in space.ask("documentHighlight", "h = conv_bn")] == [
        4,
        5,
        5,
        6,
    ]


def test_rename_changes_every_place_and_refuses_names_that_are_taken(space: Text) -> None:
    edit = space.ask("rename", "h = conv_bn", newName="hidden")
    assert [e["range"]["start"]["line"] for e in edit["changes"][space.uri]] == [4, 5, 5, 6]
    for taken in ("out", "relu", "part", "for", "3x"):
        with pytest.raises(ServerError, match=r"already stands|is not a name"):
            space.ask("rename", "h = conv_bn", newName=taken)


def test_the_outline_has_definitions_with_their_decisions(space: Text) -> None:
    entries = space.client.request("textDocument/documentSymbol", {"textDocument": {"uri": space.uri}})
    assert [(e["name"], e["detail"]) for e in entries] == [
        ("conv_bn", "op"),
        ("part", "block"),
        ("n", "network"),
    ]
    assert [[c["name"] for c in e["children"]] for e in entries] == [[], ["kernel"], ["op"]]
    assert space.shown(entries[1]["selectionRange"]) == "part"


def test_completion_knows_what_can_stand_at_the_cursor(space: Text) -> None:
    expression = labels(space.ask("completion", "h |> conv_bn"))
    assert expression[:4] == ["h", "label", "out", "x"]
    assert {"part", "conv_bn", "relu", "channels", "choose", "for"} <= set(expression)
    piped = labels(space.ask("completion", "|> conv_bn(out)", 3))
    assert "relu" in piped
    assert "h" not in piped
    statics = labels(space.ask("completion", "out, k=choose"))
    assert statics[:2] == ["k=", "out="]
    assert labels(space.ask("completion", "\n\nblock", 1))[:2] == ["block", "cell"]
    assert space.ask("completion", "# Convolution", 5) == []


def test_completion_proposes_the_arms_of_a_choice(space: Text) -> None:
    space.edit("act:  relu(x)\n", "act:  relu(x)\n        pa\n")
    items = space.ask("completion", "        pa\n", 10)
    part = next(item for item in items if item["label"] == "part:")
    assert part["insertText"] == "part: part(x)"
    assert "none:" in labels(items)


def test_completion_in_a_line_that_is_being_written(space: Text) -> None:
    space.edit("    return h\n", "    h = h |> \n    return h\n")
    assert "relu" in labels(space.ask("completion", "h |> \n", 5))
    space.edit("h |> \n", "h |> conv_bn(\n")
    assert labels(space.ask("completion", "h |> conv_bn(\n", 13))[:2] == ["k=", "out="]


def test_signature_help_follows_the_cursor(space: Text) -> None:
    found = space.ask("signatureHelp", "conv_bn(x; out, k=choose", len("conv_bn("))
    assert found["signatures"][0]["label"] == "op conv_bn(x; out, k=1)"
    assert found["activeParameter"] == 0
    assert space.ask("signatureHelp", "conv_bn(x; out, k=choose", len("conv_bn(x; "))["activeParameter"] == 1
    assert (
        space.ask("signatureHelp", "conv_bn(x; out, k=choose", len("conv_bn(x; out, k="))["activeParameter"]
        == 2
    )
    piped = space.ask("signatureHelp", "linear(classes", len("linear("))
    assert piped["signatures"][0]["label"].startswith("operation linear(x; out")
    assert piped["activeParameter"] == 1
    assert space.ask("signatureHelp", "return h", 3) is None


def test_formatting_changes_only_what_differs_and_nothing_of_a_broken_text(space: Text) -> None:
    options = {"textDocument": {"uri": space.uri}, "options": {"tabSize": 4, "insertSpaces": True}}
    (edit,) = space.client.request("textDocument/formatting", options)
    space.text = apply(space, edit)
    assert space.text == format_source(Source("space.loom", SPACE))
    space.replace(space.text)
    assert space.client.request("textDocument/formatting", options) == []
    space.edit("relu(x)", "relu(x")
    assert space.client.request("textDocument/formatting", options) is None


def apply(text: Text, edit: dict[str, Any]) -> str:
    """The text after an edit that the server asks for."""
    source = Source("space.loom", text.text)
    ends = [edit["range"][end] for end in ("start", "end")]
    start, end = (source.editor_offset(p["line"], p["character"]) for p in ends)
    return text.text[:start] + str(edit["newText"]) + text.text[end:]


def test_a_repair_is_offered_for_a_misspelt_name(space: Text) -> None:
    space.edit("relu(x)", "rleu(x)")
    found = space.diagnostics()
    params = {
        "textDocument": {"uri": space.uri},
        "range": found[0]["range"],
        "context": {"diagnostics": found},
    }
    (action,) = space.client.request("textDocument/codeAction", params)
    assert action["edit"]["changes"][space.uri] == [{"range": found[0]["range"], "newText": "relu"}]


def test_a_broken_text_keeps_what_is_known(space: Text) -> None:
    space.edit("    h = h |> conv_bn(out)", "    h = h |> conv_bn(out")
    (found,) = space.diagnostics()
    assert found["code"].startswith("E00")
    assert "f32[4, 8, 8]" in hover(space, "h = conv_bn")
    assert "Before the last mistake:\n\n- `f32[8]`" in hover(space, "global_avg_pool")
    assert space.ask("definition", "part(8)")["range"]["start"]["line"] == 3
    # what stands behind the mistake has moved, and is found where it is now
    space.edit("\n\nblock", "\n\n# one more line\n\nblock")
    assert space.ask("definition", "part(8)")["range"]["start"]["line"] == 5
    assert "`f32[4, 8, 8]`" in hover(space, "part(image; 4)")


def test_changes_in_one_message_apply_one_after_the_other(space: Text) -> None:
    start = space.position(space.text.index("relu(x)"))
    end = {"line": start["line"], "character": start["character"] + 4}
    space.text = space.text.replace("relu(x)", "tanx(x)")
    again = {"start": {"line": start["line"], "character": start["character"] + 3}, "end": end}
    space.change([{"range": {"start": start, "end": end}, "text": "tanh"}, {"range": again, "text": "x"}])
    (found,) = space.diagnostics()
    assert space.shown(found["range"]) == "tanx"


def test_imports_are_followed_into_open_texts_and_files(client: Client, tmp_path: Path) -> None:
    shared = "op act(x) = relu(x)\n"
    (tmp_path / "shared.loom").write_text(shared, encoding="utf-8")
    main = client.open(
        tmp_path / "main.loom",
        'import "shared.loom" as s\nnetwork n(x: f32[3]) {\n    y = s.act(x)\n    return y\n}\n',
    )
    assert main.diagnostics() == []
    found = main.ask("definition", "act(x)")
    assert found["uri"] == (tmp_path / "shared.loom").as_uri()
    assert found["range"]["start"] == {"line": 0, "character": 3}
    assert main.ask("definition", "shared.loom")["uri"] == (tmp_path / "shared.loom").as_uri()
    assert "op act(x)" in hover(main, "act(x)")
    assert labels(main.ask("completion", "s.act", 2)) == ["act"]
    # a change of the open file that is imported is seen at once, with its error at the import
    other = client.open(tmp_path / "shared.loom", shared)
    assert other.diagnostics() == []
    other.edit("relu", "rleu")
    assert other.diagnostics()[0]["code"] == "E0101"
    (error,) = client.diagnostics(main.uri)
    assert main.shown(error["range"]) == 'import "shared.loom" as s'
    assert error["relatedInformation"][0]["location"]["uri"] == other.uri


def test_a_text_that_is_not_open_is_an_error_and_not_the_end(client: Client, space: Text) -> None:
    params = {"textDocument": {"uri": "file:///nowhere.loom"}, "position": {"line": 0, "character": 0}}
    for feature in ("hover", "definition", "completion", "signatureHelp"):
        with pytest.raises(ServerError, match="not open"):
            client.request(f"textDocument/{feature}", params)
    assert space.ask("hover", "conv_bn(out)") is not None


def test_a_file_to_be_imported_and_a_file_with_two_networks_are_good(client: Client, tmp_path: Path) -> None:
    assert client.open(tmp_path / "library.loom", "op f(x; k) = x |> conv(k, kernel=1)\n").diagnostics() == []
    two = "network a(x: f32[3]) { return x |> linear(choose n from [1, 2]) }\n"
    text = client.open(tmp_path / "two.loom", two + two.replace("network a", "network b"))
    assert text.diagnostics() == []
    assert "`n`: one of `1`, `2`" in hover(text, "choose n")
    assert "`n`: one of `1`, `2`" in hover(text, "choose n", nth=1)


def test_no_text_ends_the_server(client: Client, tmp_path: Path) -> None:
    rng = random.Random(1)
    pieces = [
        *SPACE.split(" "),
        "\n",
        "{",
        "}",
        "((",
        "choose",
        '"',
        "#",
        "😀",
        "\u2028",
        "\x00",
        "9" * 40,
        "\t",
    ]
    text = client.open(tmp_path / "fuzz.loom", SPACE)
    text.diagnostics()
    for _ in range(12):
        text.replace(" ".join(rng.choices(pieces, k=rng.randrange(60))) + "\r\n")
        place = {"line": rng.randrange(8), "character": rng.randrange(90)}
        for feature in ("hover", "completion", "signatureHelp", "definition", "documentHighlight"):
            params = {"textDocument": {"uri": text.uri}, "position": place}
            client.request(f"textDocument/{feature}", params)
        client.request("textDocument/documentSymbol", {"textDocument": {"uri": text.uri}})
    text.replace(SPACE)
    assert text.diagnostics() == []
    assert "op conv_bn" in hover(text, "conv_bn(out)")


def test_a_text_of_2000_lines_is_answered_while_it_is_analysed(client: Client, tmp_path: Path) -> None:
    part = SPACE[SPACE.index("block part") : SPACE.index("network n")]
    copies = "".join(part.replace("part", f"part_{i}") for i in range(400))
    text = client.open(tmp_path / "long.loom", SPACE + "\n" + copies)
    assert text.text.count("\n") > 2000
    assert text.diagnostics() == []
    text.edit(
        "h = h |> conv_bn(out)\n    return h\n}\n\nblock part_300",
        "h = h |> \n    return h\n}\n\nblock part_300",
    )
    start = time.perf_counter()
    assert "relu" in labels(text.ask("completion", "h |> \n", 5))
    assert "op conv_bn" in hover(text, "conv_bn(out)", nth=3)
    # two waits for the analysis under way; generous, for the machine may be busy
    assert time.perf_counter() - start < 10


def test_tcp_listens_on_the_loopback_interface_only() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "drawloom", "lsp", "--tcp", str(port)])
    try:
        connection = _connect(port)
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}})
        connection.sendall(f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        assert b"Content-Length" in connection.recv(100)
        connection.close()
        listening = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
        addresses = {line.split()[1] for line in listening if line.split()[3] == "0A"}
        assert {a for a in addresses if a.endswith(f":{port:04X}")} <= {f"0100007F:{port:04X}"}
    finally:
        process.kill()
        process.wait()


def _connect(port: int) -> socket.socket:
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except ConnectionRefusedError:
            time.sleep(0.1)
    raise AssertionError("the server does not listen")
