"""The service with an internet model that takes 50 ms and no CPU, for `benchmarks.elastic`.

Then replicas are the capacity, and not the cores of the machine. Only the time is made up: router,
reports to the policies, and policies are those of the service.
"""

import time
from typing import Any

from ray import serve
from ray.serve import Application

from deployments.ingress.router import Router
from deployments.replicas.model_replica import ModelReplica
from deployments.replicas.monitor_replica import Monitor
from deployments.settings import Settings, read_settings
from pba.models.base import Prediction
from pba.models.onnx import OnnxForecaster
from pba.serving.model_runner import ForecasterHolder, ModelRunner
from pba.types import Floats

RUN_S = 0.05


class SleepingForecaster:
    """A forecaster that sleeps before each run."""

    def __init__(self, forecaster: OnnxForecaster) -> None:
        self._forecaster = forecaster
        self.version, self.bins = forecaster.version, forecaster.bins

    def predict(self, telemetry: Floats) -> Prediction:
        time.sleep(RUN_S)
        return self._forecaster.predict(telemetry)


class SleepingHost:
    """Holds the sleeping form of the model that a host holds."""

    def __init__(self, host: ForecasterHolder) -> None:
        self._host = host

    @property
    def forecaster(self) -> Any:
        return SleepingForecaster(self._host.forecaster)


class SleepingReplica(ModelReplica):
    """A model deployment whose runs take 50 ms more, one window each with `max_batch: 1`."""

    def __init__(self, name: str, settings: Settings) -> None:
        super().__init__(name, settings)
        self._runner = ModelRunner(SleepingHost(self._host), max_windows=1)


def build(args: dict[str, Any]) -> Application:
    settings = read_settings(args)
    datacenter = serve.deployment(name="DatacenterModel")(ModelReplica).bind("datacenter", settings)
    internet = serve.deployment(name="InternetModel")(SleepingReplica).bind("internet", settings)
    monitor = serve.deployment(name="Monitor")(Monitor).bind(settings)
    return serve.deployment(name="Router")(Router).bind(
        datacenter, internet, None, monitor, settings
    )
