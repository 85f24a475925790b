"""The raw models of the modes: windows of telemetry in, distributions out, nothing around them."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pba.errors import InvalidInput, NotFound, TooLarge, Unavailable, quoted
from pba.forecasting import ModelOutput
from pba.serving.forecast_service import ModelClient
from pba.types import COLUMNS, HORIZONS, Floats

__all__ = ["INPUT", "MAX_WINDOWS", "OUTPUTS", "ServedModel", "ModelInference", "Tensor"]

INPUT = "telemetry"
"""The name of the one input; its columns are `pba.types.COLUMNS`."""

OUTPUTS = ("probabilities", "level_mbps", "path", "intervals")
"""The names of the outputs, which are fields of `pba.models.base.Prediction`; not every model has
the last.
"""

MAX_WINDOWS = 256
"""The most windows of a call: about 0.2 s of a core, for which forecasts wait."""

_PATH = 3


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name and shape of an input or output of 32-bit floats; -1 stands for any size."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ServedModel:
    """The version of a model that serves now, its input and its outputs."""

    name: str
    version: str
    window: int
    outputs: tuple[Tensor, ...]

    @property
    def input(self) -> Tensor:
        """Windows of the newest samples, NaN where a value was not measured."""
        return Tensor(INPUT, (-1, self.window, len(COLUMNS)))

    def check_shape(self, shape: Sequence[int]) -> None:
        """Check the shape of an input.

        Raises
        ------
        InvalidInput
            If it is another one.
        TooLarge
            For too many windows.
        """
        windows, *rest = shape or (0,)
        if rest != [self.window, len(COLUMNS)] or windows < 1:
            raise InvalidInput(
                f"{INPUT} has shape {list(shape)}; it is [windows, {self.window}, "
                f"{len(COLUMNS)}]: samples, the newest last, of {', '.join(COLUMNS)}.",
                INPUT,
            )
        if windows > MAX_WINDOWS:
            raise TooLarge(
                f"{INPUT} has {windows} windows; one call carries at most {MAX_WINDOWS}. Split it.",
                INPUT,
            )


class ModelInference:
    """Runs what serves each mode on given windows.

    Parameters
    ----------
    clients
        The client of each mode's model.
    describe
        Returns the description of a mode's model, as `ModelHost.describe` does, or one with
        ``error``.
    deadline_s
        How long a model may take for one call.
    """

    def __init__(
        self,
        clients: Mapping[str, ModelClient],
        describe: Callable[[str], Awaitable[Mapping[str, Any]]],
        deadline_s: float,
    ) -> None:
        self._clients = clients
        self._describe = describe
        self._deadline_s = deadline_s
        self._loaded: dict[str, ServedModel] = {}

    async def loaded(self, model: str, version: str = "") -> ServedModel:
        """Return what serves ``model`` now; with a ``version``, only that one.

        Raises
        ------
        NotFound
            If there is no such model, or another version serves.
        Unavailable
            If its deployment does not answer.
        """
        if model not in self._clients:
            raise NotFound(
                f"no model is called {quoted(model)}; there are "
                f"{', '.join(sorted(self._clients))}.",
                "model",
            )
        description = await self._describe(model)
        if "error" in description:
            raise Unavailable(f"the model {model} does not answer: {description['error']}")
        if "bins" not in description:
            raise Unavailable(f"the model {model} runs in the release before. Try again later.")
        loaded = self._loaded[model] = _served(model, description)
        _check_version(model, version, loaded.version)
        return loaded

    async def infer(self, model: str, version: str, telemetry: Floats) -> ModelOutput:
        """Return the output of ``model`` for ``telemetry``, whose shape is checked.

        With a ``version``, that one has to compute it.

        Raises
        ------
        NotFound, Unavailable
            As `loaded`; also where the model takes too long.
        InvalidInput, TooLarge
            For another shape.
        Busy
            If the model has too much to do.
        """
        loaded = self._loaded.get(model)
        if loaded is None or version not in ("", loaded.version):
            loaded = await self.loaded(model, version)
        loaded.check_shape(telemetry.shape)
        try:
            async with asyncio.timeout(self._deadline_s):
                output = await self._clients[model](telemetry)
        except TimeoutError:
            raise Unavailable(
                f"the model {model} took over {self._deadline_s:g} s. Send fewer windows, or later."
            ) from None
        if output.version != loaded.version:  # another champion has come
            self._loaded.pop(model, None)  # another call may have done so
            _check_version(model, version, output.version)
        return output


def _check_version(model: str, version: str, loaded: str) -> None:
    if version not in ("", loaded):
        raise NotFound(
            f"{model} {quoted(version)} is not loaded; {loaded} is. Leave the version out, or "
            "promote the other one.",
            "version",
        )


def _served(model: str, description: Mapping[str, Any]) -> ServedModel:
    bins, intervals = description["bins"], len(description["intervals"])
    shapes = [(-1, len(HORIZONS), bins), (-1,), (-1, _PATH)]
    shapes += [(-1, intervals, bins)] if intervals else []
    outputs = tuple(map(Tensor, OUTPUTS, shapes))
    return ServedModel(model, description["version"], description["window"], outputs)
