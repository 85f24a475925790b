"""The champions of the modes in this process: small requests, and a share of the large ones."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from pba.errors import BadArtifact, Busy
from pba.forecasting import ModelOutput
from pba.models.onnx_session import CPU_SESSION
from pba.registry import Registry
from pba.serving.forecast_service import ModelClient
from pba.serving.model_host import ModelHost
from pba.serving.model_runner import ModelRunner
from pba.types import Floats

__all__ = ["LocalModels"]

_log = logging.getLogger(__name__)
_MAX_WINDOWS = 32


class LocalModels:
    """Answers calls of few windows with models of its own, and passes on most others.

    Of larger calls at once, some are computed here, for which no small one waits: so deployment and
    router are both busy, and a long request takes less time. They are half as many as the
    deployment has, since the router has requests to read and to answer too.
    Before `configure`, and for models that cannot be loaded here, every call is passed on.

    Parameters
    ----------
    remote
        The clients of the model deployments, by name.
    registry, every_s, announce
        As for `ModelHost`.
    count_run
        Called after each run here with the model, its windows and the seconds that it took.
    """

    def __init__(
        self,
        remote: Mapping[str, ModelClient],
        registry: Registry,
        every_s: float,
        announce: Callable[[str, dict[str, Any]], None],
        count_run: Callable[[str, int, float], None] = lambda model, windows, seconds: None,
    ) -> None:
        self._remote = remote
        self._count_run = count_run
        self._hosts = {name: ModelHost(name, registry, every_s, announce) for name in remote}
        self._runners: dict[str, ModelRunner] = {}
        self._large_runners: dict[str, ModelRunner] = {}
        self._max_windows = 0
        self._patience_s = 0.0
        self._shares_large = False
        self._large_here = dict.fromkeys(remote, 0)
        self._remote_calls = dict.fromkeys(remote, 0)

    @property
    def hosts(self) -> Sequence[ModelHost]:
        """What holds each model."""
        return [*self._hosts.values()]

    @property
    def running(self) -> bool:
        """Whether new champions would be noticed."""
        return all(host.running for host in self._hosts.values())

    @property
    def clients(self) -> dict[str, ModelClient]:
        """A client for each model."""
        return {name: self._client(name) for name in self._remote}

    async def configure(
        self,
        folders: Mapping[str, str],
        max_windows: int,
        patience_s: float,
        shares_large: bool = False,
    ) -> None:
        """Load the models, or only start to if they are loaded already.

        Parameters
        ----------
        folders
            The folder of each shipped model.
        max_windows
            The most windows of a call that is answered here; 0 passes on every call.
        patience_s
            A call that has waited for so long is passed on.
        shares_large
            Whether larger calls are computed here too: half as many as the deployment computes at
            the time, rounded up.
        """
        self._max_windows, self._patience_s = max_windows, patience_s
        self._shares_large = shares_large and max_windows > 0
        if max_windows:
            names = [name for name in folders if name in self._hosts]
            await asyncio.gather(*(self._load(name, folders[name]) for name in names))

    def stop(self) -> None:
        """Stop following the champions."""
        for host in self._hosts.values():
            host.stop()

    async def _load(self, name: str, folder: str) -> None:
        host = self._hosts[name]
        try:
            await host.configure(folder, CPU_SESSION)
        except BadArtifact as error:
            _log.warning("model_not_local", extra={"model": name, "why": str(error)})
        else:
            for runners in (self._runners, self._large_runners):
                count_run = partial(self._count_run, name)
                runners.setdefault(name, ModelRunner(host, _MAX_WINDOWS, count_run))

    def _client(self, name: str) -> ModelClient:
        async def predict(telemetry: Floats) -> ModelOutput:
            runner = self._runners.get(name)
            if runner is not None and len(telemetry) <= self._max_windows:
                try:
                    return await runner.predict(telemetry, self._patience_s)
                except Busy:
                    pass
            elif runner is not None and self._takes_large(name):
                return await self._predict_large(name, telemetry)
            return await self._predict_remote(name, telemetry)

        return predict

    def _takes_large(self, name: str) -> bool:
        share = (self._remote_calls[name] + 1) // 2
        return self._shares_large and self._large_here[name] < share

    async def _predict_large(self, name: str, telemetry: Floats) -> ModelOutput:
        """Return the output for a larger call, piece by piece, which one model version computes."""
        runner = self._large_runners[name]
        self._large_here[name] += 1
        try:
            starts = range(0, len(telemetry), _MAX_WINDOWS)
            parts = [
                await runner.predict(telemetry[start : start + _MAX_WINDOWS]) for start in starts
            ]
        finally:
            self._large_here[name] -= 1
        if len({part.version for part in parts}) > 1:  # a new champion came meanwhile
            return await self._predict_remote(name, telemetry)
        return ModelOutput.concatenate(parts)

    async def _predict_remote(self, name: str, telemetry: Floats) -> ModelOutput:
        self._remote_calls[name] += 1
        try:
            return await self._remote[name](telemetry)
        finally:
            self._remote_calls[name] -= 1
