"""The whole forecast path in one process, without Ray: for Python users, tests and replays."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pba.errors import PBAError
from pba.forecasting import (
    ForecastJob,
    ForecastResult,
    ModelCall,
    ModelFailure,
    ModelOutput,
    Query,
)
from pba.forecasting.transfer import forecast_transfer
from pba.forecasting.transfer_request import TransferRequest
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts
from pba.telemetry.windows import GAP_INTERVALS
from pba.types import Forecast, History, NetworkMode
from pba.types.profile import PROFILES
from pba.types.transfer import TransferForecast

__all__ = ["LocalService"]


class LocalService:
    """Gives the forecasts that a running service would give for the same histories.

    Parameters
    ----------
    models
        By name: each mode's, and v1's. Without its model a forecast is heuristic and says so.
    clock
        The time of a forecast.
    gap_intervals
        As for `pba.forecasting.ForecastJob`.
    """

    def __init__(
        self,
        models: Mapping[str, OnnxForecaster],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        gap_intervals: float = GAP_INTERVALS,
    ) -> None:
        self._models = models
        self._clock = clock
        self._gap_intervals = gap_intervals

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the service of the models below ``folder``, one folder per mode, verified.

        Raises
        ------
        BadArtifact
            If a model is missing or fails verification.
        """
        return cls({mode: artifacts.load(str(folder / mode), mode)[0] for mode in PROFILES})

    def forecast(
        self, history: History, mode: NetworkMode | None = None, as_of_newest: bool = False
    ) -> Forecast:
        """Return the forecast from ``history``; the mode is detected if it is None.

        Parameters
        ----------
        as_of_newest
            Whether to forecast as of the newest sample, whatever its age.

        Raises
        ------
        InvalidHistory
            For fewer than two samples.
        """
        (forecast,) = self.forecasts([Query(history, mode, as_of_newest=as_of_newest)])
        return forecast

    def transfer(
        self,
        history: History,
        request: TransferRequest,
        mode: NetworkMode | None = None,
        as_of_newest: bool = False,
    ) -> TransferForecast:
        """Return how long a transfer takes over the link with ``history``; as `forecast`."""
        return forecast_transfer(self.forecast(history, mode, as_of_newest), request)

    def forecasts(self, queries: Sequence[Query]) -> list[Forecast]:
        """Return one forecast per query, in order; raises the first error."""
        return [result.forecast for result in self.results(queries)]

    def results(self, queries: Sequence[Query]) -> list[ForecastResult]:
        """Return the same forecasts with what scoring needs to know about them."""
        job = ForecastJob(queries, gap_intervals=self._gap_intervals)
        outputs = [self._run(call) for call in job.calls]
        results = []
        for result in job.finish(outputs, self._clock()):
            if isinstance(result, PBAError):
                raise result
            results.append(result)
        return results

    def _run(self, call: ModelCall) -> ModelOutput | ModelFailure:
        model = self._models.get(call.model)
        if model is None:
            return ModelFailure("model_unavailable")
        return ModelOutput(model.version, model.bins, model.predict(call.telemetry))
