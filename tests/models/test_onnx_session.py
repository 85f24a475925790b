"""Where models run: the order of providers, and what is refused. No GPU takes part."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnxruntime
import pytest

from pba.errors import InvalidInput
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


def test_a_provider_that_does_not_start_is_no_silent_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its driver, ONNX Runtime has CUDA in its list, and goes on with the CPU alone."""
    passed: list[Any] = []

    class Session:
        def __init__(self, *arguments: Any, providers: Sequence[str]) -> None:
            passed.append(providers)

        def get_providers(self) -> list[str]:
            return [PROVIDERS["CPU"]]

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ALL)
    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    with pytest.raises(InvalidInput, match="is TensorRT, CUDA; ONNX Runtime has CPU here"):
        open_session(MODEL, SessionSettings(providers=("TensorRT", "CUDA")))
    open_session(MODEL, SessionSettings(providers=("TensorRT", "CPU")))
    names = [
        [PROVIDERS[name] for name in row] for row in (("TensorRT", "CUDA"), ("TensorRT", "CPU"))
    ]
    assert passed == names
