"""Constants are stored once, and a model is checked."""

import onnx
import pytest

from pba.nets.inference.graph_builder import GraphBuilder


def test_equal_constants_are_stored_once_and_kinds_are_kept_apart() -> None:
    graph = GraphBuilder()
    assert graph.constant([1, 2]) == graph.constant([1, 2])
    assert graph.constant([1.0, 2.0]) != graph.constant([1, 2])
    first, second = graph.split("x", [1, 2], axis=1)
    total = graph.add("Add", first, 1.0)
    graph.add("Add", graph.add("Mul", second, 1.0), total, outputs=["y"])
    model = graph.model("m", {"x": ["batch", 3]}, {"y": ["batch", 2]}, opset=17)
    assert [list(tensor.dims) for tensor in model.graph.initializer] == [[2], [2], []]


def test_a_graph_with_a_mistake_is_refused() -> None:
    graph = GraphBuilder()
    graph.add("Add", "x", outputs=["y"])
    with pytest.raises(onnx.checker.ValidationError):
        graph.model("m", {"x": ["batch"]}, {"y": ["batch"]}, opset=17)
