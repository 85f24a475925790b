"""Retrainings that an operator of a running service starts."""

import asyncio
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pba.errors import NotFound, Unavailable, quoted
from pba.monitoring.retraining import RetrainingPolicy
from pba.security import Author

__all__ = ["RetrainingStart"]


class RetrainingStart:
    """Starts retrainings of the models that can be retrained.

    Parameters
    ----------
    models
        Their names; any other name is refused.
    policy
        Submits the jobs.
    deadline_s
        How long a call waits for the cluster that trains.
    """

    def __init__(
        self, models: Collection[str], policy: RetrainingPolicy, deadline_s: float = 30.0
    ) -> None:
        self._models = models
        self._policy = policy
        self._deadline_s = deadline_s
        # A thread of its own, so that a cluster that hangs does not occupy those of the store.
        self._thread = ThreadPoolExecutor(1, "retraining")

    async def start(self, model: str, author: Author, reason: str) -> dict[str, Any]:
        """Submit a retraining of a model's champion; return the model and the id of the job.

        Raises
        ------
        NotFound
            For a model that cannot be retrained.
        Conflict
            While another retraining runs.
        Unavailable
            If the cluster that trains accepts no job, or does not answer.
        """
        if model not in self._models:
            raise NotFound(
                f"no model that can be retrained is called {quoted(model)}; there are "
                f"{', '.join(sorted(self._models))}.",
                "mode",
            )
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._deadline_s):
                event = await loop.run_in_executor(
                    self._thread, self._policy.start, model, author, reason
                )
        except (ConnectionError, RuntimeError) as error:  # what Ray's client raises
            raise Unavailable(
                f"no retraining can be submitted: {error}. Name a Ray head that accepts jobs in "
                "PBA_RETRAIN_ADDRESS (docs/retraining.md)."
            ) from error
        except TimeoutError:
            raise Unavailable(
                f"the cluster that trains has not answered within {self._deadline_s:g} s. The job "
                "may still start: look at the events of the kind retraining."
            ) from None
        return {name: event.body[name] for name in ("model", "job")}
