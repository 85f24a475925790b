"""Where models run: the order of providers, and what is refused. No GPU takes part."""

from collections.abc import Collection, Sequence
from typing import Any, ClassVar

import numpy as np
import onnxruntime
import pytest

from pba.errors import BadArtifact, InvalidInput
from pba.models import onnx_session
from pba.models.onnx import OnnxForecaster
from pba.models.onnx_session import PROVIDERS, SessionSettings, choose_providers, open_session
from pba.types import NetworkMode
from tests.toy import toy_onnx

MODEL = toy_onnx(NetworkMode.DATACENTER)
ALL = list(PROVIDERS.values())


@pytest.mark.parametrize(
    ("names", "available", "chosen"),
    [
        (["CPU"], ALL, ["CPU"]),
        (["TensorRT", "CUDA", "CPU"], ALL, ["TensorRT", "CUDA", "CPU"]),
        (["CUDA", "TensorRT"], ALL, ["CUDA", "TensorRT"]),
        (["TensorRT", "CUDA", "CPU"], [PROVIDERS["CPU"], PROVIDERS["CUDA"]], ["CUDA", "CPU"]),
        (["OpenVINO", "CPU"], [PROVIDERS["CPU"], "AzureExecutionProvider"], ["CPU"]),
    ],
)
def test_providers_keep_their_order_and_what_is_not_there_is_passed_over(
    names: Sequence[str], available: Sequence[str], chosen: Sequence[str]
) -> None:
    assert choose_providers(names, available) == [PROVIDERS[name] for name in chosen]


def test_a_list_of_which_nothing_is_there_is_refused_with_what_is() -> None:
    available = ["AzureExecutionProvider", PROVIDERS["CPU"], PROVIDERS["OpenVINO"]]
    with pytest.raises(InvalidInput, match="is TensorRT, CUDA; ONNX Runtime has OpenVINO, CPU"):
        choose_providers(["TensorRT", "CUDA"], available)


def test_onnx_runtime_knows_every_name() -> None:
    assert set(ALL) <= set(onnxruntime.get_all_providers())


def test_a_model_runs_on_the_cpu_where_no_gpu_is() -> None:
    windows = np.random.default_rng(0).uniform(1.0, 100.0, (3, 30, 5)).astype(np.float32)
    preferred = OnnxForecaster(MODEL, SessionSettings(providers=("CUDA", "CPU")))
    expected = OnnxForecaster(MODEL).predict(windows)
    assert np.array_equal(preferred.predict(windows).probabilities, expected.probabilities)
    with pytest.raises(InvalidInput, match="providers is CUDA; ONNX Runtime has CPU here"):
        OnnxForecaster(MODEL, SessionSettings(providers=("CUDA",)))


class Session:
    """Stands in for ONNX Runtime's session on a machine some of whose providers do not start."""

    raises: Collection[str] = ()
    lacks: Collection[str] = ()
    passed: ClassVar[list[list[tuple[str, Any]]]] = []

    def __init__(self, model: bytes, *_: Any, providers: Any, enable_fallback: int) -> None:
        assert enable_fallback == 0, "it would go on without the options given"
        self.passed.append(providers)
        self._names = [name for name, _ in providers]
        for name in self._names:
            if name in self.raises:
                raise RuntimeError(f"{name} does not start")
        if model == b"bad":
            raise ValueError("no protobuf")

    def get_providers(self) -> list[str]:
        return [name for name in self._names if name not in self.lacks] or [PROVIDERS["CPU"]]


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> type[Session]:
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ALL)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(Session, "passed", [])
    return Session


@pytest.mark.parametrize("how", ["raises", "lacks"])
def test_a_provider_that_does_not_start_is_no_silent_cpu(
    session: type[Session], monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Without its library or its device, ONNX Runtime still has it in its list."""
    monkeypatch.setattr(session, how, (PROVIDERS["CUDA"], PROVIDERS["TensorRT"]))
    with pytest.raises(InvalidInput, match="is TensorRT, CUDA; ONNX Runtime has CPU here"):
        open_session(MODEL, SessionSettings(providers=("TensorRT", "CUDA")))
    started = open_session(MODEL, SessionSettings(providers=("TensorRT", "CPU")))
    assert started.get_providers() == [PROVIDERS["CPU"]]


def test_the_next_provider_gets_its_options_where_one_does_not_start(
    session: type[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TF32, which is ONNX Runtime's default, CUDA does not give the golden answers."""
    monkeypatch.setattr(session, "raises", (PROVIDERS["TensorRT"],))
    open_session(MODEL, SessionSettings(providers=("TensorRT", "CUDA", "CPU")))
    assert session.passed[-1] == [(PROVIDERS["CUDA"], {"use_tf32": "0"}), (PROVIDERS["CPU"], {})]


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("names", [("CPU",), ("CUDA",), ("CUDA", "CPU")])
def test_a_bad_model_and_a_provider_that_does_not_start_have_errors_of_their_own(
    monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    monkeypatch.setattr(onnx_session, "check_model", lambda model: None)
    with pytest.raises(BadArtifact, match="cannot read the 3 bytes given: no protobuf"):
        open_session(b"bad", SessionSettings(providers=names))
