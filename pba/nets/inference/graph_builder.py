"""An ONNX graph under construction: nodes in order, and constants, each stored once."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pba.types import Floats

__all__ = ["GraphBuilder"]

_IR_VERSION = 10


class GraphBuilder:
    """Collects the nodes of a graph. A value is a name: of an input, a constant or an output."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], tuple[str, Any]] = {}

    def constant(self, values: Any) -> str:
        """Return the name of a constant: float32, or int64 for integers."""
        array = np.asarray(values)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        key = (array.dtype.str, array.shape, array.tobytes())
        return self._constants.setdefault(key, (f"constant_{len(self._constants)}", array))[0]

    def add(
        self, operator: str, *inputs: Any, outputs: Sequence[str] = (), **attributes: Any
    ) -> str:
        """Add a node and return the name of its first output.

        Parameters
        ----------
        operator
            Such as ``MatMul``.
        inputs
            Names, or arrays and numbers, which become constants.
        outputs
            The names of the outputs; by default there is one, with a name of its own.
        attributes
            Of the node.
        """
        from onnx import helper

        name = f"{operator}_{len(self._nodes)}"
        values = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        named = list(outputs) or [name]
        self._nodes.append(helper.make_node(operator, values, named, name=name, **attributes))
        return next(filter(None, named))

    def split(self, value: str, sizes: Sequence[int], axis: int) -> list[str]:
        """Return the parts of ``value`` along ``axis``."""
        outputs = [f"{value}_part_{len(self._nodes)}_{place}" for place in range(len(sizes))]
        self.add("Split", value, list(sizes), outputs=outputs, axis=axis)
        return outputs

    def reshape(self, value: str, *shape: int) -> str:
        """Return ``value`` in ``shape``, where -1 stands for the batch."""
        return self.add("Reshape", value, list(shape))

    def model(
        self,
        name: str,
        inputs: Mapping[str, Sequence[Any]],
        outputs: Mapping[str, Sequence[Any]],
        opset: int,
    ) -> Any:
        """Return the graph as a checked ONNX model of float32 inputs and outputs.

        Parameters
        ----------
        inputs, outputs
            Names and shapes; a word in a shape is a length that may vary.
        """
        import onnx
        from onnx import helper, numpy_helper

        def described(values: Mapping[str, Sequence[Any]]) -> list[Any]:
            kind = onnx.TensorProto.FLOAT
            return [helper.make_tensor_value_info(key, kind, v) for key, v in values.items()]

        constants = [numpy_helper.from_array(array, key) for key, array in self._arrays()]
        graph = helper.make_graph(
            self._nodes, name, described(inputs), described(outputs), constants
        )
        versions = [helper.make_opsetid("", opset)]
        model = helper.make_model(graph, opset_imports=versions, ir_version=_IR_VERSION)
        onnx.checker.check_model(model)
        return model

    def _arrays(self) -> list[tuple[str, Floats]]:
        return list(self._constants.values())
