"""Asking a contestant at every moment, in chunks, keeping its answers so that a rerun goes on."""

import hashlib
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import numpy as np

from pba.evaluation.candidates import Candidate, CandidateForecasts
from pba.evaluation.evaluation_points import EvaluationPoints

__all__ = ["walk_forward"]

_CHUNK = 2048
_PARTS = ("bandwidth_mbps", "confidence", "quantiles_mbps", "path")


def walk_forward(
    one: Candidate,
    moments: EvaluationPoints,
    kept: Path | None = None,
    on_moments: Callable[[int], None] = lambda done: None,
) -> CandidateForecasts:
    """Return what ``one`` says at all ``moments``, knowing nothing later than each.

    Parameters
    ----------
    kept
        File for the answers; taken from there where the same contestant has answered the same
        moments before.
    on_moments
        Told of how many moments are done so far, chunk by chunk.
    """
    key = _key(one, moments)
    held = _held(kept, key)
    if held is not None:
        on_moments(len(moments))
        return held
    parts = []
    for start in range(0, len(moments), _CHUNK):
        indices = np.arange(start, min(start + _CHUNK, len(moments)))
        parts.append(one.say(moments.windows.gather(indices).telemetry))
        on_moments(int(indices[-1]) + 1)
    columns = zip(*(astuple(part) for part in parts), strict=True)
    said = CandidateForecasts(*(np.concatenate(column) for column in columns))
    if kept is not None:
        _keep(kept, key, said)
    return said


def _key(one: Candidate, moments: EvaluationPoints) -> str:
    """Return what tells these answers from all others."""
    digest = hashlib.sha256(f"{one.name} {one.identity} {moments.windows.length}".encode())
    digest.update(moments.windows.values.tobytes())
    digest.update(moments.windows.ends.tobytes())
    return digest.hexdigest()


def _held(kept: Path | None, key: str) -> CandidateForecasts | None:
    if kept is None or not kept.exists():
        return None
    with np.load(kept, allow_pickle=False) as held:
        if str(held["key"]) != key:
            return None
        return CandidateForecasts(*(held[part] for part in _PARTS))


def _keep(kept: Path, key: str, said: CandidateForecasts) -> None:
    """Write beside and rename, so that a killed run leaves no half file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    beside = kept.with_suffix(".partial.npz")
    parts = dict(zip(_PARTS, astuple(said), strict=True))
    np.savez_compressed(beside, key=np.array(key), **parts)
    beside.replace(kept)
