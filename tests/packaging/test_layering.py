"""The order of the layers and the homes of the heavy libraries."""

from pathlib import Path

import layers
import pytest


def test_every_import_keeps_the_order_of_the_layers() -> None:
    sources = list(layers.files(".py"))
    assert {path.parts[0] for path in sources} == set(layers.MAY_IMPORT)
    found = [line for path in sources for line in layers.violations((layers.ROOT / path).read_text(), path)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("frontend/a.py", "from drawloom.ir import Module"),
        (
            "backends/torch/a.py",
            "import torch.nn\nfrom .. import base\nfrom drawloom.passes.cost import Cost",
        ),
        ("backends/tvm/a.py", "from tvm import relax\nfrom .b import c"),
        ("ir/ops/a.py", "from ..types import T\nfrom .conv import C"),
        ("frontend/a.py", "import lark"),
        ("frontend/importers/a.py", "import onnx\nfrom torch import fx"),
        (
            "driver/storage.py",
            "import optuna\nfrom drawloom.strategies import registry\nfrom . import report",
        ),
        ("driver/commands/a.py", "from ..report import Report\nfrom drawloom import Module"),
        ("passes/a.py", "import torchish\nimport numpy\nfrom safetensors import safe_open"),
    ],
)
def test_allowed(path: str, source: str) -> None:
    assert list(layers.violations(source, Path(path))) == []


@pytest.mark.parametrize(
    ("path", "source", "message"),
    [
        ("ir/a.py", "import drawloom.passes.dce", "ir must not import passes"),
        ("frontend/a.py", "from drawloom import passes", "frontend must not import passes"),
        (
            "passes/a.py",
            "def f():\n    from drawloom.frontend import parse",
            "passes/a.py:2: passes must not import",
        ),
        ("passes/a.py", "from drawloom.backends.torch import x", "passes must not import backends"),
        ("tasks/a.py", "from drawloom.strategies import x", "tasks must not import strategies"),
        ("strategies/a.py", "from drawloom.report import x", "strategies must not import driver"),
        ("strategies/a.py", "import drawloom", "strategies must not import driver"),
        ("ir/ops/a.py", "from ...passes import x", "relative import of another layer"),
        ("driver/a.py", "from .ir import x", "relative import of another layer"),
        ("backends/a.py", "from ir.graph import x", "without its package"),
        ("backends/a.py", "import torch", "torch may be imported in backends/torch and frontend/importers"),
        ("backends/tvm/a.py", "import torch.nn", "torch may be imported"),
        ("frontend/a.py", "import torch", "torch may be imported"),
        ("frontend/a.py", "import onnx", "onnx may be imported"),
        ("tasks/a.py", "from torch import nn", "torch may be imported"),
        ("strategies/a.py", "from safetensors.torch import save", "safetensors.torch may be imported"),
        (
            "driver/a.py",
            "import importlib\nimportlib.import_module('tvm')",
            "driver/a.py:2: tvm may be imported",
        ),
        ("ir/a.py", "import_module('drawloom.passes')", "ir must not import passes"),
        ("driver/a.py", "import tvm_ffi", "tvm_ffi may be imported"),
        ("driver/a.py", "import lark", "lark may be imported in frontend and ir only"),
        ("strategies/a.py", "import optuna.samplers", "optuna may be imported in driver only"),
        ("strategies/a.py", "import ray", "ray may be imported"),
        ("driver/a.py", "import onnx", "onnx may be imported"),
    ],
)
def test_refused(path: str, source: str, message: str) -> None:
    found = list(layers.violations(source, Path(path)))
    assert len(found) == 1
    assert message in found[0]
