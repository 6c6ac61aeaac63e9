"""A Drawloom plugin that adds the concatenated rectifier, and what goes with it."""

from drawloom.ir import Entry
from drawloom.plugins import Plugin

from .operation import CRelu
from .rule import crelu_of_zeros

# What is imported here is imported with every `drawloom` command. Passes, strategies and lowerings are named
# by where they are defined, and imported when they are used: none of this needs PyTorch or TVM.
PLUGIN = Plugin(
    operations=(CRelu(),),
    rules=(crelu_of_zeros,),
    passes=(
        Entry("use-crelu", "drawloom_example.passes:UseCRelu", "replace relu between convolutions by crelu"),
    ),
    lowerings=(
        (("torch", "crelu"), "drawloom_example.lowerings.torch:CRELU"),
        (("onnx", "crelu"), "drawloom_example.lowerings.onnx:crelu"),
        (("tvm", "crelu"), "drawloom_example.lowerings.tvm:crelu"),
    ),
    strategies=(
        Entry(
            "first_values", "drawloom_example.strategy:FirstValues", "prefers the first value of a decision"
        ),
    ),
)
