"""Keeps a replica of v1 running for as long as the flags may send it a request."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ray.exceptions import RayError
from ray.serve.exceptions import RayServeException

from pba.serving.flag_watch import FlagSource

__all__ = ["keep_v1_awake"]

_log = logging.getLogger("ray.serve")
_RETRY_S = 1.0


async def keep_v1_awake(flags: FlagSource, stay: Callable[[], Awaitable[object]]) -> None:
    """Keep a call to v1 open while the flags need v1, so that it does not scale to zero.

    Parameters
    ----------
    flags
        Know the flags now.
    stay
        Calls v1, which answers after some seconds.
    """
    while True:
        try:
            await (stay() if flags.current.wants_v1 else asyncio.sleep(_RETRY_S))
        except (RayError, RayServeException) as error:
            _log.warning("v1_not_awake", extra={"why": str(error)})
            await asyncio.sleep(_RETRY_S)
