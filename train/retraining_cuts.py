"""Where a retraining cuts time, whether there is enough telemetry, and a note for resuming."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from pba.errors import NotEnoughData
from pba.telemetry.traces import Trace
from pba.telemetry.validation_parts import gap_steps
from pba.types import rfc3339_of

from .champion import Champion
from .retraining_request import RetrainingRequest
from .telemetry_slices import TimeCuts, between, tuning_slice
from .training_mix import LEAST_LINKS, window_count

__all__ = ["choose_cuts", "read_note", "write_note"]


def choose_cuts(
    request: RetrainingRequest,
    links: Sequence[Trace],
    champion: Champion,
    earlier: TimeCuts | None = None,
) -> TimeCuts:
    """Return where to cut the telemetry of ``links``, or ``earlier``, the cuts of a resumed run.

    Raises
    ------
    NotEnoughData
        If there are too few windows in all, or in one of the slices.
    """
    _check_windows(request, links)
    cuts = earlier or TimeCuts.of(links, champion.seen_until_s)
    _check_gate_links(request, between(links, cuts.gate_from_s, float("inf")), cuts)
    for purpose, of_slice in (
        ("training", between(links, cuts.from_s, cuts.val_from_s)),
        ("validation", tuning_slice(links, cuts, request.window)),
    ):
        if not window_count(of_slice, request.window):
            raise NotEnoughData(
                f"no {request.mode} link has a window of {request.window} samples in the slice for "
                f"{purpose}. Validation ends {gap_steps(request.window)} steps before the gate's "
                "slice. Wait, or raise --days."
            )
    return cuts


def _check_windows(request: RetrainingRequest, links: Sequence[Trace]) -> None:
    count = window_count(links, request.window)
    if count < request.mix.least_windows:
        raise NotEnoughData(
            f"the store has {len(links)} links with {count} windows in {request.mode} mode of the "
            f"last {request.days:g} days; retraining needs {request.mix.least_windows} windows. "
            "Wait, or raise --days."
        )


def _check_gate_links(request: RetrainingRequest, newest: Sequence[Trace], cuts: TimeCuts) -> None:
    count = sum(window_count([link], request.window) > 0 for link in newest)
    if count < LEAST_LINKS:
        raise NotEnoughData(
            f"{count} {request.mode} links have a window of {request.window} samples since "
            f"{rfc3339_of(cuts.gate_from_s)}, the newest slice, which the champion has not seen; "
            f"the gate needs {LEAST_LINKS} links to tell an improvement from chance. Wait, or "
            "raise --days."
        )


def read_note(request: RetrainingRequest, champion: Champion) -> TimeCuts | None:
    """Return the cuts of an interrupted run, if it challenges the same champion."""
    if not request.note.exists():
        return None
    note = json.loads(request.note.read_text())
    return TimeCuts(**note["cuts"]) if note["champion"] == _identity(champion) else None


def write_note(request: RetrainingRequest, champion: Champion, cuts: TimeCuts) -> None:
    """Record ``cuts`` and ``champion``, so that the run can be resumed."""
    note = {"champion": _identity(champion), "cuts": asdict(cuts)}
    request.note.parent.mkdir(parents=True, exist_ok=True)
    draft = request.note.with_suffix(".part")
    draft.write_text(json.dumps(note))
    draft.replace(request.note)


def _identity(champion: Champion) -> list[int | str]:
    return [champion.pointer.number, champion.forecaster.version]
