"""Forecasts of a candidate at every evaluation point, in chunks, with a cache for reruns."""

import hashlib
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np

from pba.evaluation.candidates import Candidate, CandidateForecasts
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.evaluation.targets import TARGETS

__all__ = ["walk_forward"]

_CHUNK = 2048
_FIELDS = ("bandwidth_mbps", "confidence", "quantiles_mbps", "path")


def walk_forward(
    candidate: Candidate,
    points: EvaluationPoints,
    cache: Path | None = None,
    on_progress: Callable[[int], None] = lambda done: None,
) -> CandidateForecasts:
    """Return the forecasts of ``candidate`` at all ``points``, each from earlier samples alone.

    Parameters
    ----------
    cache
        File for the forecasts. They are read from it if it holds those of the same candidate at
        the same points.
    on_progress
        Called after each chunk with the number of points done so far.
    """
    key = _key(candidate, points)
    cached = _read(cache, key)
    if cached is not None:
        on_progress(len(points))
        return cached
    chunks = []
    for start in range(0, len(points), _CHUNK):
        indices = np.arange(start, min(start + _CHUNK, len(points)))
        chunks.append(candidate.forecast(points.windows.gather(indices).telemetry))
        on_progress(int(indices[-1]) + 1)
    columns = zip(*(astuple(chunk) for chunk in chunks), strict=True)
    forecasts = CandidateForecasts(*(np.concatenate(column) for column in columns))
    if cache is not None:
        _write(cache, key, forecasts)
    return forecasts


def _key(candidate: Candidate, points: EvaluationPoints) -> str:
    """Return a digest of the candidate and the points."""
    identity = f"{candidate.name} {candidate.identity} {points.windows.length} {TARGETS}"
    digest = hashlib.sha256(identity.encode())
    digest.update(points.windows.values.tobytes())
    digest.update(points.windows.ends.tobytes())
    return digest.hexdigest()


def _read(cache: Path | None, key: str) -> CandidateForecasts | None:
    if cache is None or not cache.exists():
        return None
    with np.load(cache, allow_pickle=False) as archive:
        if str(archive["key"]) != key:
            return None
        return CandidateForecasts(*(archive[field] for field in _FIELDS))


def _write(cache: Path, key: str, forecasts: CandidateForecasts) -> None:
    """Write a temporary file and rename it, so that a killed run leaves no partial cache."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    partial = cache.with_suffix(".partial.npz")
    arrays = dict(zip(_FIELDS, astuple(forecasts), strict=True))
    np.savez_compressed(partial, key=np.array(key), **arrays)
    partial.replace(cache)
