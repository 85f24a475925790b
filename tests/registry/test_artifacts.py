"""A model is served only if its files are complete, of its mode, and give the golden outputs."""

import hashlib
import json
from pathlib import Path

import fsspec
import numpy as np
import onnx
import pytest

from pba.errors import BadArtifact
from pba.models import v1_features
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts
from pba.types import COLUMNS, NetworkMode
from tests.toy import BINS, toy_artifact, toy_onnx

DATACENTER, INTERNET = NetworkMode.DATACENTER, NetworkMode.INTERNET


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toy_artifact(tmp_path / "datacenter", DATACENTER)


def edit(file: Path, changes: dict[str, object]) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_complete_artefact_loads(folder):
    forecaster, card = artifacts.load(str(folder), DATACENTER)
    assert (forecaster.name, forecaster.version, forecaster.window) == ("datacenter", "toy-1", 30)
    np.testing.assert_array_equal(forecaster.bins.edges, BINS.edges)
    assert card["version"] == "toy-1"


def test_v1_loads_by_its_name_with_its_own_input(tmp_path):
    folder = toy_artifact(tmp_path / "v1", v1_features.NAME)
    assert (folder / "v1_bandwidth_predictor.onnx").exists()
    forecaster, _ = artifacts.load(str(folder), "v1")
    assert (forecaster.name, forecaster.window) == ("v1", 10)
    assert forecaster.columns == v1_features.COLUMNS


def test_an_artefact_can_be_at_any_fsspec_url(folder):
    memory = fsspec.filesystem("memory")
    memory.put(str(folder), "/models/datacenter", recursive=True)
    forecaster, _ = artifacts.load("memory://models/datacenter", DATACENTER)
    assert forecaster.version == "toy-1"


def test_a_file_is_named_after_its_mode():
    assert artifacts.onnx_name(INTERNET) == "internet_bandwidth_predictor.onnx"


@pytest.mark.parametrize(
    "name", ["datacenter_bandwidth_predictor.onnx", "card.json", "golden.json"]
)
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    with pytest.raises(BadArtifact, match="does not hold"):
        artifacts.load(str(folder), DATACENTER)


@pytest.mark.parametrize("text", ["{", "[]", "7"])
def test_a_card_that_is_not_a_json_object_is_refused(folder, text):
    (folder / "card.json").write_text(text)
    with pytest.raises(BadArtifact, match="does not hold"):
        artifacts.load(str(folder), DATACENTER)


def test_an_unknown_protocol_is_refused():
    with pytest.raises(BadArtifact, match="does not hold"):
        artifacts.load("nowhere://models", DATACENTER)


def test_a_truncated_file_is_refused_by_its_sum(folder):
    path = folder / artifacts.onnx_name(DATACENTER)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadArtifact, match="sha256"):
        artifacts.load(str(folder), DATACENTER)


def test_a_card_without_a_sum_is_refused(folder):
    (folder / "card.json").write_text("{}")
    with pytest.raises(BadArtifact, match="its card says None"):
        artifacts.load(str(folder), DATACENTER)


def test_a_model_of_the_other_mode_is_refused(folder):
    path = folder / artifacts.onnx_name(DATACENTER)
    path.rename(folder / artifacts.onnx_name(INTERNET))
    with pytest.raises(BadArtifact, match="holds a model for datacenter"):
        artifacts.load(str(folder), INTERNET)


@pytest.mark.parametrize("part", ["probabilities", "level_mbps", "path", "intervals"])
def test_a_model_with_other_outputs_is_refused(tmp_path, part):
    folder = toy_artifact(tmp_path / "datacenter", DATACENTER, intervals=(5, 15))
    assert artifacts.load(str(folder), DATACENTER)[0].intervals == (5, 15)
    golden = json.loads((folder / "golden.json").read_text())
    shifted = np.array(golden[part], dtype=float) * 1.01 + 0.01
    edit(folder / "golden.json", {part: np.where(np.isnan(shifted), None, shifted).tolist()})
    with pytest.raises(BadArtifact, match=f"golden answers .{part}"):
        artifacts.load(str(folder), DATACENTER)


@pytest.mark.parametrize(
    "wrong",
    [{"probabilities": [1.0]}, {"telemetry": [[1.0]]}, {"telemetry": []}, {"level_mbps": "x"}],
)
def test_golden_outputs_of_the_wrong_shape_are_refused(folder, wrong):
    edit(folder / "golden.json", wrong)
    with pytest.raises(BadArtifact):
        artifacts.load(str(folder), DATACENTER)


@pytest.mark.parametrize("text", ["{}", "[]", "3"])
def test_a_golden_file_without_outputs_is_refused(folder, text):
    (folder / "golden.json").write_text(text)
    with pytest.raises(BadArtifact):
        artifacts.load(str(folder), DATACENTER)


def test_a_model_with_constant_output_is_refused(folder):
    golden = json.loads((folder / "golden.json").read_text())
    telemetry = np.array(golden["telemetry"], dtype=float)
    telemetry[:] = telemetry[1]
    model = OnnxForecaster((folder / artifacts.onnx_name(DATACENTER)).read_bytes())
    (folder / "golden.json").write_text(json.dumps(artifacts.golden(model, telemetry)))
    with pytest.raises(BadArtifact, match="constant"):
        artifacts.load(str(folder), DATACENTER)


@pytest.mark.parametrize("varies", [True, False])
def test_if_the_level_is_the_learned_output_it_must_vary(folder, varies):
    path = folder / artifacts.onnx_name(DATACENTER)
    model = onnx.load_model(path)
    props = {prop.key: prop.value for prop in model.metadata_props}
    onnx.helper.set_model_props(model, props | {"learned": "level_mbps"})
    # The same probabilities for every window, and the same level unless it is to vary.
    (scale,) = (node for node in model.graph.node if "scale" in node.output)
    scale.CopyFrom(onnx.helper.make_node("Div", ["level_mbps", "level_mbps"], ["scale"]))
    path.write_bytes(model.SerializeToString())
    telemetry = np.random.default_rng(0).uniform(1, 100, (4, 30, 5))
    telemetry[:, -1, 0] *= varies
    answers = artifacts.golden(OnnxForecaster(path.read_bytes()), telemetry)
    (folder / "golden.json").write_text(json.dumps(answers))
    edit(folder / "card.json", {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()})
    if varies:
        assert artifacts.load(str(folder), DATACENTER)[0].learned == "level_mbps"
        return
    with pytest.raises(BadArtifact, match="constant"):
        artifacts.load(str(folder), DATACENTER)


def test_golden_vectors_are_json_with_null_for_missing_values(folder):
    text = (folder / "golden.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["telemetry"][0][0][1] is None


def test_bytes_that_are_not_onnx_are_refused():
    with pytest.raises(BadArtifact, match="5 bytes given are no ONNX file"):
        OnnxForecaster(b"hello")


def changed(change) -> bytes:
    model = onnx.load_model_from_string(toy_onnx(DATACENTER))
    change(model)
    content: bytes = model.SerializeToString()
    return content


@pytest.mark.parametrize("lost", ["mode", "version", "window", "columns", "bin_edges"])
def test_a_model_without_its_metadata_is_refused(lost):
    def drop(model: onnx.ModelProto) -> None:
        kept = [prop for prop in model.metadata_props if prop.key != lost]
        del model.metadata_props[:]
        model.metadata_props.extend(kept)

    with pytest.raises(BadArtifact, match=lost):
        OnnxForecaster(changed(drop))


@pytest.mark.parametrize(
    ("key", "value"),
    [("window", "many"), ("bin_edges", "[0, "), ("columns", "5"), ("learned", "all")],
)
def test_a_model_with_garbled_metadata_is_refused(key, value):
    def garble(model: onnx.ModelProto) -> None:
        onnx.helper.set_model_props(
            model, {prop.key: prop.value for prop in model.metadata_props} | {key: value}
        )

    with pytest.raises(BadArtifact, match="lacks or garbles"):
        OnnxForecaster(changed(garble))


@pytest.mark.parametrize(
    ("key", "value"), [("window", "31"), ("columns", "[]"), ("bin_edges", "[0.0, 1.0]")]
)
def test_metadata_that_does_not_fit_the_graph_is_refused(key, value):
    def alter(model: onnx.ModelProto) -> None:
        onnx.helper.set_model_props(
            model, {prop.key: prop.value for prop in model.metadata_props} | {key: value}
        )

    with pytest.raises(BadArtifact, match="the ONNX (input|outputs)"):
        OnnxForecaster(changed(alter))


@pytest.mark.parametrize("change", [{"window": "31"}, {"columns": json.dumps(COLUMNS[::-1])}])
def test_a_model_for_another_input_is_refused(folder, change):
    def alter(model: onnx.ModelProto) -> None:
        metadata = {prop.key: prop.value for prop in model.metadata_props}
        onnx.helper.set_model_props(model, metadata | change)
        model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = int(
            change.get("window", metadata["window"])
        )

    content = changed(alter)
    (folder / artifacts.onnx_name(DATACENTER)).write_bytes(content)
    edit(folder / "card.json", {"sha256": hashlib.sha256(content).hexdigest()})
    with pytest.raises(BadArtifact, match="datacenter is given 30 of bandwidth_mbps"):
        artifacts.load(str(folder), DATACENTER)


def test_a_batch_gives_the_outputs_of_its_single_windows():
    model = OnnxForecaster(toy_onnx(DATACENTER))
    telemetry = np.random.default_rng(0).uniform(1, 9, (70, 40, 5))
    together = model.predict(telemetry)
    for row in (0, 31, 32, 69):
        alone = model.predict(telemetry[row : row + 1, -30:])
        np.testing.assert_allclose(together.probabilities[row], alone.probabilities[0], rtol=1e-6)
        assert together.level_mbps[row] == alone.level_mbps[0]
        np.testing.assert_array_equal(together.path[row], alone.path[0])
