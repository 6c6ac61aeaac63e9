"""A pass in twenty lines."""

from dataclasses import dataclass
from typing import ClassVar

from drawloom.ir import OPS, Function, FunctionBuilder, Module, Operation, Value
from drawloom.passes import Context, Pass


@dataclass(frozen=True)
class UseCRelu(Pass):
    """Replaces every ``relu`` by a ``crelu`` and a 1x1 convolution back to as many channels."""

    name: ClassVar[str] = "use-crelu"

    def run(self, module: Module, context: Context) -> Module:
        """See the class."""
        return module.with_functions([self._changed(f, context) for f in module.functions.values()])

    def _changed(self, function: Function, context: Context) -> Function:
        builder = FunctionBuilder(function.name, function.kind)
        values: dict[Value, Value] = {v: builder.input(v.type, v.name) for v in function.inputs}
        for number, op in enumerate(function.operations):
            operands = tuple(values[v] for v in op.operands)
            if op.name == "relu" and op.result.type.rank == 3:
                context.count(self.name, "replaced")
                made = builder.op("crelu", operands)
                back = {"out": op.result.type.shape[0], "kernel": 1, "param": f"crelu_{number}"}
                values[op.result] = builder.op("conv2d", [made], back)
                continue
            types = [r.type for r in op.results]
            copy = Operation(OPS[op.name], operands, op.attributes, types, op.presence, op.span)
            builder.operations.append(copy)
            values.update(zip(op.results, copy.results, strict=True))
        outputs = [values[v] for v in function.outputs]
        return builder.finish(outputs, arguments=function.arguments, definition=function.definition)
