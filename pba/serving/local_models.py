"""The champions of the modes in this process, which answer small requests without a hop."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from pba.errors import BadArtifact, Busy
from pba.forecasting import ModelOutput
from pba.registry import Registry
from pba.serving.forecast_service import ModelClient
from pba.serving.model_host import ModelHost
from pba.serving.model_runner import ModelRunner
from pba.types import Floats

__all__ = ["LocalModels"]

_log = logging.getLogger(__name__)
_MAX_WINDOWS = 32
_THREADS = 1


class LocalModels:
    """Answers calls of few windows with models of its own, and passes on all others.

    Before `configure`, and for models that cannot be loaded here, every call is passed on.

    Parameters
    ----------
    remote
        The clients of the model deployments, by name.
    registry, every_s, announce
        As for `ModelHost`.
    """

    def __init__(
        self,
        remote: Mapping[str, ModelClient],
        registry: Registry,
        every_s: float,
        announce: Callable[[str, dict[str, Any]], None],
    ) -> None:
        self._remote = remote
        self._hosts = {name: ModelHost(name, registry, every_s, announce) for name in remote}
        self._runners: dict[str, ModelRunner] = {}
        self._max_windows = 0
        self._patience_s = 0.0

    @property
    def running(self) -> bool:
        """Whether new champions would be noticed."""
        return all(host.running for host in self._hosts.values())

    @property
    def clients(self) -> dict[str, ModelClient]:
        """A client for each model."""
        return {name: self._client(name) for name in self._remote}

    async def configure(
        self, folders: Mapping[str, str], max_windows: int, patience_s: float
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
        """
        self._max_windows, self._patience_s = max_windows, patience_s
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
            await host.configure(folder, _THREADS)
        except BadArtifact as error:
            _log.warning("model_not_local", extra={"model": name, "why": str(error)})
        else:
            self._runners.setdefault(name, ModelRunner(host, _MAX_WINDOWS))

    def _client(self, name: str) -> ModelClient:
        remote = self._remote[name]

        async def predict(telemetry: Floats) -> ModelOutput:
            runner = self._runners.get(name)
            if runner is not None and len(telemetry) <= self._max_windows:
                try:
                    return await runner.predict(telemetry, self._patience_s)
                except Busy:
                    pass
            return await remote(telemetry)

        return predict
