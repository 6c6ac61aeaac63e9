"""`drawloom --help` answers without the heavy libraries."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "tvm", "tvm_ffi", "lark", "optuna", "ray", "onnx", "onnxruntime", "onnxscript", "networkx")

PROBE = """
import json, sys
from drawloom.cli import main

sys.argv = ["drawloom", *sys.argv[1:]]
code = 0
try:
    main()
except SystemExit as stop:
    code = stop.code or 0
print(json.dumps({"code": code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["search", "--help"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    probe = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert probe.returncode == 0, probe.stderr
    *help_text, last = probe.stdout.splitlines()
    seen = json.loads(last)
    assert seen["code"] == 0, probe.stderr
    assert any("Usage" in line for line in help_text)
    assert not set(HEAVY) & set(seen["modules"])
