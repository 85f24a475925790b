"""Only the standard's operators, and only values in the file itself, reach ONNX Runtime."""

import random
from pathlib import Path

import onnx
import onnxruntime
import pytest
from hypothesis import given, strategies as st
from onnx import TensorProto, helper

from pba.errors import BadArtifact
from pba.models import onnx_check
from pba.models.onnx import OnnxForecaster
from pba.models.onnx_check import MAX_BYTES, check_model

SHIPPED = sorted((Path(__file__).parents[2] / "models").glob("*/*.onnx"))


def model(*nodes: onnx.NodeProto, **others: object) -> onnx.ModelProto:
    """Return a model with an operator of the standard and ``nodes``."""
    value = helper.make_tensor("v", TensorProto.FLOAT, [2], [1.0, 2.0])
    start = helper.make_node("Constant", [], ["c"], value=value)
    graph = helper.make_graph([start, *nodes], "g", [], [], [value])
    return helper.make_model(graph, **others)


def external(name: str = "/etc/passwd") -> onnx.TensorProto:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    tensor.ClearField("float_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=name)
    return tensor


def branch(depth: int, inner: onnx.NodeProto) -> onnx.NodeProto:
    """Return ``inner`` in ``depth`` graphs that are attributes of each other's nodes."""
    for _ in range(depth):
        graph = helper.make_graph([inner], "branch", [], [])
        inner = helper.make_node("If", ["x"], ["y"], then_branch=graph)
    return inner


CUSTOM = helper.make_node("Evil", ["x"], ["y"], domain="evil")
MICROSOFT = helper.make_node("FusedMatMul", ["x"], ["y"], domain="com.microsoft")
INITIALIZER = model()
INITIALIZER.graph.initializer.append(external())
HALF = model()
HALF.graph.initializer.append(external())
HALF.graph.initializer[-1].ClearField("data_location")
SPARSE = model()
SPARSE.graph.sparse_initializer.add().values.CopyFrom(external())
FUNCTION = model()
FUNCTION.functions.add(name="f", domain="ai.onnx")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_models_pass(path: Path):
    check_model(path.read_bytes())


def test_the_standards_operators_pass_in_branches_too():
    check_model(model(branch(3, helper.make_node("Relu", ["x"], ["y"]))).SerializeToString())
    scaler = helper.make_node("Scaler", ["x"], ["y"], domain="ai.onnx.ml")
    check_model(model(scaler).SerializeToString())


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (model(CUSTOM), "operators of b'evil'"),
        (model(MICROSOFT), "operators of b'com.microsoft'"),
        (model(branch(3, CUSTOM)), "operators of b'evil'"),
        (model(opset_imports=[helper.make_opsetid("evil", 1)]), "operators of b'evil'"),
        (FUNCTION, "operators of its own"),
        (INITIALIZER, "values in another file"),
        (HALF, "values in another file"),
        (SPARSE, "values in another file"),
        (model(helper.make_node("Constant", [], ["d"], value=external())), "values in another"),
        (model(branch(12, helper.make_node("Relu", ["x"], ["y"]))), "deep"),
    ],
)
def test_what_is_not_the_standards_is_refused(refused: onnx.ModelProto, reason: str):
    content = refused.SerializeToString()
    with pytest.raises(BadArtifact, match=reason):
        check_model(content)
    with pytest.raises(BadArtifact, match=reason):
        OnnxForecaster(content)


@pytest.fixture
def own_format(tmp_path: Path) -> bytes:
    """Return a shipped model in ONNX Runtime's own format."""
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "model.ort")
    options.add_session_config_entry("session.save_model_format", "ORT")
    onnxruntime.InferenceSession(SHIPPED[0].read_bytes(), options)
    return (tmp_path / "model.ort").read_bytes()


def test_a_file_in_the_runtimes_own_format_is_refused(own_format: bytes):
    both = b"\x0a\x08\x00\x00" + own_format[4:10] + b"\x0a\x00"  # a message as well
    for content in (own_format, both):
        with pytest.raises(BadArtifact, match="own format"):
            OnnxForecaster(content)


def test_the_runtime_takes_no_other_format_by_itself(
    monkeypatch: pytest.MonkeyPatch, own_format: bytes
):
    monkeypatch.setattr("pba.models.onnx_session.check_model", lambda model: None)
    with pytest.raises(BadArtifact, match="cannot read"):
        OnnxForecaster(own_format)


def test_a_file_that_is_too_large_is_not_looked_at(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(onnx_check, "MAX_BYTES", 100)
    with pytest.raises(BadArtifact, match="at most"):
        check_model(bytes(101))
    assert max(path.stat().st_size for path in SHIPPED) < MAX_BYTES


@given(st.binary(max_size=200))
def test_any_bytes_pass_or_are_refused(content: bytes):
    _passes(content)


def test_a_shipped_model_with_changed_bytes_passes_or_is_refused():
    generator, content = random.Random(1), bytearray(SHIPPED[0].read_bytes())
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(3):
            changed[generator.randrange(4000)] = generator.randrange(256)
        _passes(bytes(changed))


def _passes(content: bytes) -> None:
    message = ""
    try:
        check_model(content)
    except BadArtifact as error:
        message = error.message
    assert len(message) < 400
