"""Retraining: from the champion and reported telemetry to a challenger and the gate's decision.

The champion pointer is changed once, at the very end; a run that ends earlier changes nothing that
is served.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pba.evaluation.evaluation_points import EvaluationPoints
from pba.models.onnx import OnnxForecaster
from pba.registry import Registry, artifacts
from pba.registry.promotion import RETRAINED, LogEvent, Promoter
from pba.security.author import SERVICE, Author
from pba.telemetry.traces import Trace
from pba.telemetry.validation_parts import gap_steps
from pba.types import Event
from pba.types.profile import PROFILES

from . import gate, weight_interpolation
from .artifact_writer import write_artifacts, write_card
from .champion import Champion, load_champion
from .checkpoint import TrainingState
from .data_origin import data_entries
from .judging import points_by_set, validation_entries
from .model_card import next_version
from .ray_trainer import TrainingRun, run_all
from .retraining_cuts import choose_cuts, read_note, write_note
from .retraining_request import RetrainingRequest
from .splits import TraceSplits, trace_splits
from .telemetry_slices import TimeCuts, between, read_links
from .training_mix import DAILY_WEIGHT, TrainingMix, training_mix
from .training_plan import TrainingPlan

__all__ = ["ACTOR", "Collaborators", "retrain"]

ACTOR = "retrain"
"""Who publishes and promotes, in the registry."""


@dataclass(frozen=True, slots=True)
class Collaborators:
    """What a retraining uses and reports to.

    Parameters
    ----------
    registry
        Where the champion is and the challenger goes.
    log_event
        Takes the events; must not raise.
    clock
        Unix seconds now.
    on_line
        Takes lines about the progress, also from another thread.
    """

    registry: Registry
    log_event: LogEvent
    clock: Callable[[], float]
    on_line: Callable[[str], None] = lambda line: None


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """The data of a retraining: telemetry, its cuts, the original traces, and their mix."""

    links: Sequence[Trace]
    cuts: TimeCuts
    old: TraceSplits
    mix: TrainingMix


def retrain(
    request: RetrainingRequest, export: Path, collaborators: Collaborators, command: str
) -> dict[str, Any]:
    """Train a challenger, let the gate decide, publish it, and promote it if it is better.

    Needs a running Ray. Returns the challenger's card; ``gate`` in it is the decision. An event
    reports how it ended, unless the process is killed.

    Parameters
    ----------
    export
        The folder of the telemetry, as `pba export` writes it.
    command
        The command line, for the card.

    Raises
    ------
    NotEnoughData
        If there is too little telemetry; says how much is missing.
    Conflict
        If the champion changed meanwhile: the challenger is published, the pointer unchanged.
    BadArtifact
        If the champion's files are incomplete or damaged.
    """
    registry, clock = collaborators.registry, collaborators.clock
    summary: dict[str, Any] = {"model": request.mode.value, "version": None, "champion": None}
    try:
        champion = load_champion(registry, request.mode, request.shipped)
        summary["champion"] = champion.forecaster.version
        card = _challenger(request, export, champion, collaborators, command)
        decision = {name: card["gate"][name] for name in ("decision", "reasons")}
        summary |= {"version": card["version"], **decision}
        if decision["decision"] == "promote":
            why = f"better than {summary['champion']} on the reported telemetry"
            author = Author(ACTOR, SERVICE)
            promoter = Promoter(registry, collaborators.log_event, clock)
            promoter.promote(request.mode, card["version"], author, why, champion.pointer.number)
    except Exception as error:
        summary |= {"decision": "refuse", "reasons": [str(error) or repr(error)]}
        raise
    finally:
        if "decision" in summary:  # not if the process is being ended
            collaborators.log_event(Event(RETRAINED, clock(), None, summary))
    request.note.unlink()
    return card


def _challenger(
    request: RetrainingRequest,
    export: Path,
    champion: Champion,
    collaborators: Collaborators,
    command: str,
) -> dict[str, Any]:
    """Train, judge and publish a challenger; return its card."""
    earlier = read_note(request, champion) if request.resume else None
    material = _material(request, export, champion, earlier)
    run = _run(request, champion, material.mix)
    if earlier is None:
        request.note.unlink(missing_ok=True)
        run.delete_checkpoints()
        write_note(request, champion, material.cuts)
    on_line = collaborators.on_line
    on_line(f"{len(material.links)} links; starting the training (usually half a minute)")
    ((_, state),) = run_all([run], on_line=on_line)
    on_line(f"{run.name}: trained for {state.epochs} epochs; exporting and judging")
    tuning = points_by_set(material.old["val"], request.window)
    share = _interpolate(run, state, tuning)
    entries = _card_entries(request, champion, material) | {"share_kept": share}
    version = _version(request, champion, collaborators)
    folder = request.output / run.name
    more = {"retraining": entries, **_data_entries(request, material.old)}
    card = write_artifacts(run, state, folder, command, plot=False, version=version, more=more)
    card["gate"] = _judge(request, champion, folder, material)
    write_card(folder, card)
    collaborators.registry.publish(str(folder), ACTOR)
    return card


def _material(
    request: RetrainingRequest, export: Path, champion: Champion, earlier: TimeCuts | None
) -> _Material:
    until_s = earlier.until_s if earlier else float("inf")
    links = read_links(export, request.mode, request.days, until_s)
    cuts = choose_cuts(request, links, champion, earlier)
    old: TraceSplits = {"train": {}, "val": {}, "judge": {}, "test": {}}
    if request.traces is not None:
        old = trace_splits(request.traces, request.mode, request.selection)
    settings = request.mix
    mix = training_mix(links, cuts, old, request.window, settings.windows, settings.replay)
    return _Material(links, cuts, old, mix)


def _run(request: RetrainingRequest, champion: Champion, mix: TrainingMix) -> TrainingRun:
    settings = request.fine_tuning
    shape = champion.shape(PROFILES[request.mode])
    plan = TrainingPlan(
        profile=replace(shape, learning_rate=settings.learning_rate),
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        windows_per_set=mix.epoch_quotas,
        val_per_set=mix.val_quotas,
        patience=settings.patience,
        workers=settings.workers,
        seed=settings.seed,
        columns_seen=champion.columns_seen,
    )
    weights = champion.weights(plan.profile)
    return TrainingRun(plan, mix.splits, request.output / "runs", initial_weights=weights)


def _interpolate(
    run: TrainingRun, state: TrainingState, tuning: Mapping[str, EvaluationPoints]
) -> float:
    """Move the best weights back towards the champion's until no old set is forgotten.

    Returns the share of the way that is kept.
    """
    limit = gate.GateLimits().forgotten
    share = weight_interpolation.largest_safe_share(run, state, tuning, limit)
    state.best = weight_interpolation.interpolate(run.initial_weights, state.best, share)
    return share


def _version(request: RetrainingRequest, champion: Champion, collaborators: Collaborators) -> str:
    published = [entry["version"] for entry in collaborators.registry.versions(request.mode)]
    today = datetime.fromtimestamp(collaborators.clock(), UTC).date()
    folder = request.output / request.mode
    return next_version(request.mode, today, folder, [champion.forecaster.version, *published])


def _card_entries(
    request: RetrainingRequest, champion: Champion, material: _Material
) -> dict[str, Any]:
    """Return the card's entries about the challenger's origin."""
    return {
        "champion": champion.forecaster.version,
        "days": request.days,
        "links": len(material.links),
        "samples": sum(map(len, material.links)),
        "cuts": asdict(material.cuts),
        "gap_steps": gap_steps(request.window),
        "daily_weight": DAILY_WEIGHT,
        "replay": request.mix.replay if request.traces else 0.0,
        "learning_rate": request.fine_tuning.learning_rate,
        **material.mix.card_entries(),
    }


def _data_entries(request: RetrainingRequest, old: TraceSplits) -> dict[str, Any]:
    """Return the card's entries about the original traces; none if there are none."""
    if request.traces is None:
        return {}
    return {
        "data": data_entries([request.traces / request.mode], old),
        "validation": validation_entries(old["val"], old["judge"], request.window),
    }


def _judge(
    request: RetrainingRequest, champion: Champion, folder: Path, material: _Material
) -> dict[str, Any]:
    """Return the gate's decision on the file that would be served."""
    content = (folder / artifacts.onnx_name(request.mode)).read_bytes()
    newest = between(material.links, material.cuts.gate_from_s, float("inf"))
    points = EvaluationPoints.of(newest, request.window)
    old = points_by_set(material.old["judge"], request.window)
    challenger = OnnxForecaster(content)
    # Of the thread, in which models with one thread run: a busy machine slows neither of them.
    return gate.judge(champion.forecaster, challenger, points, old, time.thread_time)
