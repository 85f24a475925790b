"""The whole forecast path in one process, without Ray: for Python users, tests and replays."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from pba.forecasting.assembly import ForecastResult, assemble
from pba.forecasting.planning import ModelCall, ModelFailure, ModelOutput, Query, model_calls, plan
from pba.models.onnx import OnnxForecaster
from pba.registry import artifacts
from pba.types import Forecast, History, NetworkMode
from pba.types.profile import PROFILES

__all__ = ["LocalService"]


class LocalService:
    """Gives the forecasts that the service would give.

    Parameters
    ----------
    models
        By name: each mode's, and v1's. Where one is missing, forecasts are heuristic and say so.
    clock
        The time of a forecast.
    """

    def __init__(
        self,
        models: Mapping[str, OnnxForecaster],
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._models = models
        self._clock = clock

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return the service of the models below ``folder``, one folder a mode, verified.

        Raises
        ------
        BadArtifact
            If a model is missing or must not be served.
        """
        return cls({mode: artifacts.load(str(folder / mode), mode)[0] for mode in PROFILES})

    def forecast(self, history: History, mode: NetworkMode | None = None) -> Forecast:
        """Return the forecast from ``history``; ``mode`` None means that it is detected."""
        return self.forecasts([Query(history, mode)])[0]

    def forecasts(self, queries: Sequence[Query]) -> list[Forecast]:
        """Return one forecast a query, in order."""
        return [made.forecast for made in self.made(queries)]

    def made(self, queries: Sequence[Query]) -> list[ForecastResult]:
        """Return the same forecasts with what their outcomes will teach."""
        plans = [plan(query) for query in queries]
        asked = model_calls(plans)
        answers = [self._ask(batch) for batch in asked]
        return assemble(plans, asked, answers, self._clock())

    def _ask(self, batch: ModelCall) -> ModelOutput | ModelFailure:
        model = self._models.get(batch.model)
        if model is None:
            return ModelFailure("model_unavailable")
        return ModelOutput(model.version, model.bins, model.predict(batch.telemetry))
