"""Histories, and clients of toy models in this process, for the tests of the service."""

import asyncio
from dataclasses import dataclass, field

import numpy as np

from pba.errors import Busy, Unavailable
from pba.forecasting import ModelOutput
from pba.models.onnx import OnnxForecaster
from pba.rollout import Flags
from pba.types import Floats, History
from tests.toy import toy_onnx


@dataclass
class SettableFlags:
    """A source of flags that a test may change."""

    current: Flags = field(default_factory=Flags)


class ToyModel:
    """A client of a toy model, which counts the windows of each call and answers once it may."""

    def __init__(self, name: str) -> None:
        self._forecaster = OnnxForecaster(toy_onnx(name))
        self.sizes: list[int] = []
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def __call__(self, telemetry: Floats) -> ModelOutput:
        """Return the model's output."""
        self.sizes.append(len(telemetry))
        await self.may_answer.wait()
        prediction = self._forecaster.predict(telemetry)
        return ModelOutput(self._forecaster.version, self._forecaster.bins, prediction)


async def unavailable(_: Floats) -> ModelOutput:
    """Fail as a model without replicas."""
    raise Unavailable("gone")


async def busy(_: Floats) -> ModelOutput:
    """Fail as an overloaded model."""
    raise Busy("full")


async def never(_: Floats) -> ModelOutput:
    """Do not answer."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


def history(mbps: float, rtt_ms: float = np.nan, count: int = 60) -> History:
    """Return a steady history of ``count`` samples."""
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = mbps * (1 + 0.01 * np.sin(np.arange(count)))
    telemetry[:, 1] = rtt_ms
    return History(np.arange(count, dtype=float), telemetry)
