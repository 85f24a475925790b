"""Forecasts of transfers in, messages of `proto/pba.proto` out."""

from collections.abc import Iterable, Sequence
from math import isfinite

from pba.errors import PBAError
from pba.types import QUANTILES
from pba.types.transfer import PrecopyForecast, TransferForecast

from . import pba_pb2 as pb
from .responses import MODE_NUMBERS, error_detail

__all__ = ["transfer", "transfer_batch"]


def transfer(source: TransferForecast) -> pb.TransferForecast:
    """Return ``source`` as a message."""
    return pb.TransferForecast(
        link_id=source.link_id,
        mode=MODE_NUMBERS[source.mode],
        source=source.source,
        model_version=source.model_version,
        made_at_s=source.made_at.timestamp(),
        newest_sample_at_s=source.newest_sample_at.timestamp(),
        step_s=source.step_s,
        bytes=source.bytes,
        deadline_s=source.deadline_s,
        dirty_mbps=source.dirty_mbps,
        duration_s=_quantiles(source.duration_s),
        probability_in_time=source.probability_in_time,
        precopy=None if source.precopy is None else _precopy(source.precopy),
        advice=source.advice,
        reasons=source.reasons,
    )


def transfer_batch(items: Sequence[TransferForecast | PBAError]) -> pb.TransfersResponse:
    """Return a forecast, or an error, for each of ``items``, in order."""
    return pb.TransfersResponse(transfers=[_item(item) for item in items])


def _item(item: TransferForecast | PBAError) -> pb.TransferItem:
    if isinstance(item, PBAError):
        return pb.TransferItem(error=error_detail(item))
    return pb.TransferItem(transfer=transfer(item))


def _precopy(source: PrecopyForecast) -> pb.Precopy:
    return pb.Precopy(
        probability_converges=source.probability_converges,
        rounds=source.rounds,
        downtime_s=None if source.downtime_s is None else _quantiles(source.downtime_s),
    )


def _quantiles(durations_s: Iterable[float]) -> list[pb.DurationQuantile]:
    """Return durations by level; one without an end has no seconds."""
    pairs = zip(QUANTILES, durations_s, strict=True)
    return [
        pb.DurationQuantile(level=level, seconds=seconds if isfinite(seconds) else None)
        for level, seconds in pairs
    ]
