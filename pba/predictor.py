"""`BandwidthPredictorV3`: the old system's Python interface to the new models, in one process."""

import hashlib
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pba.errors import InvalidInput, InvalidMode, NotEnoughData, NotTrained
from pba.forecasting.transfer_request import TransferRequest
from pba.models.onnx import OnnxForecaster
from pba.nets.keras_model import keras_bytes, require_tensorflow
from pba.registry import artifacts
from pba.serving.local_service import LocalService
from pba.telemetry.windows import sliding_windows
from pba.types import COLUMNS, Floats, History, NetworkMetrics, NetworkMode, parse_mode
from pba.types.profile import PROFILES, ModeProfile
from pba.types.transfer import TransferForecast

__all__ = ["BandwidthPredictorV3", "PredictionConfig"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PredictionConfig:
    """The input of a predictor of one mode, and its confidence threshold."""

    mode: str
    sequence_length: int
    feature_count: int
    prediction_horizon: int
    confidence_threshold: float


class BandwidthPredictorV3:
    """Trains and queries the network of one mode.

    Parameters
    ----------
    mode
        ``datacenter`` or ``internet``.
    model_path
        A folder to load, written by `save_model` or ``python -m train``.
    rng
        Randomness of training: weights, dropout and order; by default a new generator.

    Raises
    ------
    ValueError
        For any other mode.
    BadArtifact
        If ``model_path`` has no model of this mode.

    Examples
    --------
    >>> predictor = BandwidthPredictorV3(mode="internet")
    >>> predictor.config.sequence_length, predictor.config.confidence_threshold
    (60, 0.7)
    """

    def __init__(
        self,
        mode: str = "datacenter",
        model_path: str | Path | None = None,
        rng: np.random.Generator | None = None,
    ) -> None:
        self._mode = parse_mode(mode)
        if self._mode not in PROFILES:
            raise InvalidMode(f"mode is {mode!r}; a predictor has one of {', '.join(PROFILES)}.")
        self._profile = PROFILES[self._mode]
        self._rng = np.random.default_rng() if rng is None else rng
        self._forecaster: OnnxForecaster | None = None
        self._files: dict[str, bytes] = {}
        if model_path is not None:
            self.load_model(model_path)

    @property
    def mode(self) -> str:
        """The mode's name."""
        return self._mode.value

    @property
    def config(self) -> PredictionConfig:
        """The predictor's input and confidence threshold."""
        return self._get_mode_config(self.mode)

    @property
    def model(self) -> OnnxForecaster | ModeProfile:
        """The forecaster; before training or loading, the profile of the network to train."""
        return self._forecaster or self._profile

    def prepare_training_data(self, data: Sequence[NetworkMetrics]) -> tuple[Floats, Floats]:
        """Return every window and the bandwidth after it, in physical units.

        Returns
        -------
        X, y
            Shapes ``(n, window, 5)`` and ``(n,)``, Mbps; ``n`` is ``len(data) - window``.

        Raises
        ------
        ValueError
            If there are too few samples for one window and its target.
        """
        telemetry = self._history(data, self._profile.window + 1).telemetry
        windows = sliding_windows(telemetry[:-1], self._profile.window)
        return windows, telemetry[self._profile.window :, 0]

    def train(
        self,
        data: Sequence[NetworkMetrics],
        validation_split: float = 0.2,
        epochs: int = 50,
        batch_size: int = 32,
    ) -> dict[str, Any]:
        """Train a new network on ``data``, oldest first; the newest part is for validation.

        Returns
        -------
        dict
            ``history`` (``loss``, ``val_loss``, ``val_mae`` by epoch), ``final_val_loss``
            (nats), ``final_val_mae`` (Mbps), ``epochs_trained``.

        Raises
        ------
        ValueError
            If there are too few samples, or the split leaves one side empty.
        ImportError
            If TensorFlow is not installed.
        """
        require_tensorflow()
        from pba.nets.fit import fit
        from pba.telemetry.datasets import WindowSet

        if not 0 < validation_split < 1:
            raise InvalidInput(
                f"validation_split is {validation_split}; it is a share above 0 and below 1. "
                "Give 0.2.",
                "validation_split",
            )
        window = self._profile.window
        history = self._history(data, window + 2)
        cut = min(max(int(len(history) * (1 - validation_split)), window + 1), len(history) - 1)
        # Validation windows begin before the cut, so that their targets are all after it.
        older, newer = history.first(cut), history.last(len(history) - cut + window)
        train, val = (WindowSet.of({"data": [series]}, window) for series in (older, newer))
        shape = replace(self._profile, intervals=())  # one set cannot calibrate them
        fitted = fit(shape, train, val, epochs, batch_size, self._rng)
        self._adopt(fitted.model, train.columns_seen, fitted.history)
        return {
            "history": fitted.history,
            "final_val_loss": fitted.history["val_loss"][-1],
            "final_val_mae": fitted.history["val_mae"][-1],
            "epochs_trained": len(fitted.history["loss"]),
        }

    def predict(
        self, history: Sequence[NetworkMetrics], return_confidence: bool = True
    ) -> tuple[float, float | None]:
        """Return the bandwidth of the next step in Mbps, and the probability that it is in band.

        Raises
        ------
        RuntimeError
            Before training or loading.
        ValueError
            If ``history`` is shorter than the mode's window.
        """
        service, samples = self._service(), self._window(history)
        forecast = service.forecast(samples, self._mode, as_of_newest=True)
        return forecast.bandwidth_mbps, forecast.confidence if return_confidence else None

    def transfer(
        self,
        history: Sequence[NetworkMetrics],
        size_bytes: int,
        *,
        deadline_s: float | None = None,
        dirty_mbps: float | None = None,
    ) -> TransferForecast:
        """Return how long a transfer of ``size_bytes`` takes that begins after ``history``.

        With ``dirty_mbps`` it is a live migration whose machine writes at that rate. Parameters
        have the ranges of `pba.forecasting.transfer_request.TransferRequest`; raises as `predict`.
        """
        request = TransferRequest(size_bytes, deadline_s, dirty_mbps)
        service, samples = self._service(), self._window(history)
        return service.transfer(samples, request, self._mode, as_of_newest=True)

    def predict_datacenter(self, history: Sequence[NetworkMetrics]) -> tuple[float, float | None]:
        """Return `predict`; warns if this predictor is of another mode."""
        return self._predict_as(NetworkMode.DATACENTER, history)

    def predict_internet(self, history: Sequence[NetworkMetrics]) -> tuple[float, float | None]:
        """Return `predict`; warns if this predictor is of another mode."""
        return self._predict_as(NetworkMode.INTERNET, history)

    def save_model(self, folder: str | Path) -> None:
        """Write Keras and ONNX files, card and golden answers, as the service loads them."""
        self._write(folder, *self._trained_files())

    def export_to_onnx(self, folder: str | Path) -> None:
        """Write ``<mode>_bandwidth_predictor.onnx`` alone."""
        self._trained_files()
        self._write(folder, artifacts.onnx_name(self._mode))

    def load_model(self, folder: str | Path) -> None:
        """Load the model in ``folder``; TensorFlow is not needed.

        Raises
        ------
        BadArtifact
            If there is none of this mode, or its files were altered.
        """
        self._forecaster, _ = artifacts.load(str(folder), self._mode)
        names = (artifacts.onnx_name(self._mode), self._keras_name, "card.json", "golden.json")
        paths = {name: Path(folder) / name for name in names}
        self._files = {name: path.read_bytes() for name, path in paths.items() if path.exists()}

    @property
    def _keras_name(self) -> str:
        return f"{self._mode}_model.keras"

    def _get_mode_config(self, mode: str) -> PredictionConfig:
        profile = PROFILES[parse_mode(mode)]
        return PredictionConfig(
            mode=profile.mode.value,
            sequence_length=profile.window,
            feature_count=len(COLUMNS),
            prediction_horizon=1,
            confidence_threshold=profile.accuracy_target,
        )

    def _service(self) -> LocalService:
        if self._forecaster is None:
            raise NotTrained("the predictor has no model. Call train() or load_model() first.")
        # The old interface counts samples and knows no gaps.
        return LocalService({self._mode: self._forecaster}, gap_intervals=math.inf)

    def _window(self, history: Sequence[NetworkMetrics]) -> History:
        return self._history(history, self._profile.window).last(self._profile.window)

    def _history(self, data: Sequence[NetworkMetrics], least: int) -> History:
        if len(data) < least:
            raise NotEnoughData(
                f"there are {len(data)} samples; {self._mode} mode needs at least {least} here. "
                "Give more."
            )
        return History.of(data)

    def _predict_as(
        self, mode: NetworkMode, history: Sequence[NetworkMetrics]
    ) -> tuple[float, float | None]:
        if self._mode is not mode:
            _log.warning("predict_%s called on a predictor in %s mode", mode, self._mode)
        return self.predict(history)

    def _trained_files(self) -> tuple[str, ...]:
        if not self._files:
            raise NotTrained("there is no model to write. Call train() or load_model() first.")
        return tuple(self._files)

    def _write(self, folder: str | Path, *names: str) -> None:
        Path(folder).mkdir(parents=True, exist_ok=True)
        for name in names:
            (Path(folder) / name).write_bytes(self._files[name])

    def _adopt(self, network: Any, seen: tuple[bool, ...], history: dict[str, list[float]]) -> None:
        """Use ``network`` for predictions, and save its files on request."""
        from pba.nets.bin_layout import bins_for
        from pba.nets.inference.graph import inference_graph
        from pba.nets.inference.trained_network import TrainedNetwork
        from pba.nets.onnx_export import Origin, export_onnx, varied_windows

        version, bins = f"{self._mode}-in-process", bins_for(self._mode)
        graph = inference_graph(TrainedNetwork(network, bins, seen))
        content = export_onnx(network, graph, bins, Origin(version, seen))
        forecaster = OnnxForecaster(content)
        golden = artifacts.golden(forecaster, varied_windows(self._rng, 4, forecaster.window))
        card = {
            "mode": self.mode,
            "version": version,
            "sha256": hashlib.sha256(content).hexdigest(),
            "window": forecaster.window,
            "metrics": {"training": history},
        }
        self._forecaster = forecaster
        self._files = {
            artifacts.onnx_name(self._mode): content,
            self._keras_name: keras_bytes(network),
            "card.json": json.dumps(card).encode(),
            "golden.json": json.dumps(golden).encode(),
        }
