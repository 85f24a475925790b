"""Retraining: from the champion and what links reported to a challenger, and the gate's decision.

The champion pointer is touched once, at the very end; whatever ends a run before that changes
nothing that is served.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pba.errors import NotEnoughData
from pba.evaluation.evaluation_points import EvaluationPoints
from pba.models.onnx import OnnxForecaster
from pba.registry import Registry, artifacts
from pba.registry.promotion import RETRAINED, Promoter
from pba.telemetry.traces import Trace
from pba.types import Event, NetworkMode, rfc3339_of
from pba.types.profile import PROFILES

from . import gate, telemetry_slices, weight_interpolation
from .artifact_writer import write
from .card import markdown, next_version
from .champion import Champion, find
from .data import Parts, parts_of
from .job import Run, run_all
from .telemetry_slices import TimeCuts, between
from .training_mix import DAILY, LEAST_LINKS, TrainingMix, mix, window_count
from .training_plan import TrainingPlan

__all__ = ["WHO", "RetrainingRequest", "retrain"]

WHO = "retrain"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """What a retraining is asked to do.

    Parameters
    ----------
    mode
        Whose champion to challenge: datacenter or internet.
    export
        Folder of the telemetry, as `pba export` writes it.
    days
        How far to look back.
    traces, without
        The original traces, as for `train.data.parts_of`; None for none.
    shipped
        The folder of the model that serves while the registry has no champion.
    output
        Where challenger, cards and checkpoints go.
    windows, replay
        As for `train.training_mix.mix`.
    least_windows
        Of telemetry, with which it is worth while.
    epochs, batch_size, learning_rate, workers, patience, seed
        As for `train.training_plan.TrainingPlan`.
    resume
        Whether to go on with a run that was cut off.
    """

    mode: NetworkMode
    export: Path
    days: float
    traces: Path | None
    without: Sequence[str]
    shipped: Path
    output: Path
    windows: int
    replay: float
    least_windows: int
    epochs: int
    batch_size: int
    learning_rate: float
    workers: int
    patience: int
    seed: int
    resume: bool

    @property
    def note(self) -> Path:
        """The file that says where the run at hand cut time, and whom it challenges."""
        return self.output / "runs" / f"{self.mode}.json"


def retrain(
    asked: RetrainingRequest,
    registry: Registry,
    tell: Callable[[Event], None],
    clock: Callable[[], float],
    command: str,
) -> dict[str, Any]:
    """Train a challenger, have the gate decide, publish it, and promote it if it is better.

    Needs a running Ray. Returns the challenger's card; ``gate`` in it is the decision. However it
    ends, an event tells of it, but for a process that is killed.

    Parameters
    ----------
    tell
        Takes the events; must not raise.
    clock
        Unix seconds now.
    command
        For the card.

    Raises
    ------
    NotEnoughData
        If there is too little telemetry; says how much is missing.
    Conflict
        If the champion was changed meanwhile: the challenger is published, the pointer left alone.
    BadArtifact
        If the champion is not whole.
    """
    said: dict[str, Any] = {"model": asked.mode.value, "version": None, "champion": None}
    try:
        champion = find(registry, asked.mode, asked.shipped)
        said["champion"] = champion.forecaster.version
        card = _challenger(asked, champion, registry, clock, command)
        said |= {"version": card["version"], **_decision(card)}
        if said["decision"] == "promote":
            why = f"better than {said['champion']} on what links reported"
            champions = Promoter(registry, tell, clock)
            champions.promote(asked.mode, said["version"], WHO, why, champion.pointer.number)
    except Exception as error:
        said |= {"decision": "refuse", "reasons": [str(error) or repr(error)]}
        raise
    finally:
        if "decision" in said:  # not where somebody ends the process
            tell(Event(RETRAINED, clock(), None, said))
    asked.note.unlink()
    return card


def _decision(card: dict[str, Any]) -> dict[str, Any]:
    return {name: card["gate"][name] for name in ("decision", "reasons")}


def _challenger(
    asked: RetrainingRequest,
    champion: Champion,
    registry: Registry,
    clock: Callable[[], float],
    command: str,
) -> dict[str, Any]:
    """Train, judge and publish a challenger; return its card."""
    begun = _begun(asked, champion) if asked.resume else None
    until_s = begun.until_s if begun else float("inf")
    links = telemetry_slices.read(asked.export, asked.mode, asked.days, until_s)
    cuts = _cuts(asked, links, champion, begun)
    old = _old(asked)
    mixed = mix(links, cuts, old, _window(asked), asked.windows, asked.replay)
    run = Run(_plan(asked, champion, mixed), mixed.splits, asked.output / "runs")
    run = replace(run, first=champion.weights(run.plan.profile))
    if begun is None:
        asked.note.unlink(missing_ok=True)
        run.forget()
        _note(asked, champion, cuts)
    ((_, state),) = run_all([run])
    judged_on = _moments(asked, old["val"])
    share = weight_interpolation.share_kept(run, state, judged_on, gate.Limits().forgotten)
    state.best = weight_interpolation.between(run.first, state.best, share)
    folder = asked.output / run.name
    taken = [champion.forecaster.version, *_published(registry, asked.mode)]
    version = next_version(asked.mode, datetime.fromtimestamp(clock(), UTC).date(), folder, taken)
    more = {"retraining": _told(asked, champion, links, cuts, mixed) | {"share_kept": share}}
    card = write(run, state, folder, command, plot=False, version=version, more=more)
    newest = between(links, cuts.gate_from_s, float("inf"))
    card["gate"] = _judged(asked, champion, folder, newest, judged_on)
    (folder / "card.json").write_text(json.dumps(card, indent=1))
    (folder / "card.md").write_text(markdown(card))
    registry.publish(str(folder), WHO)
    return card


def _begun(asked: RetrainingRequest, champion: Champion) -> TimeCuts | None:
    """Return the cuts of the run that was cut off, if it challenges the same champion."""
    if not asked.note.exists():
        return None
    told = json.loads(asked.note.read_text())
    same = told["champion"] == [champion.pointer.number, champion.forecaster.version]
    return TimeCuts(**told["cuts"]) if same else None


def _note(asked: RetrainingRequest, champion: Champion, cuts: TimeCuts) -> None:
    told = {
        "champion": [champion.pointer.number, champion.forecaster.version],
        "cuts": asdict(cuts),
    }
    asked.note.parent.mkdir(parents=True, exist_ok=True)
    draft = asked.note.with_suffix(".part")
    draft.write_text(json.dumps(told))
    draft.replace(asked.note)


def _window(asked: RetrainingRequest) -> int:
    return PROFILES[asked.mode].window


def _cuts(
    asked: RetrainingRequest, links: Sequence[Trace], champion: Champion, begun: TimeCuts | None
) -> TimeCuts:
    """Return where time is cut, or raise if what is left of it is too little."""
    window = _window(asked)
    found = window_count(links, window)
    if found < asked.least_windows:
        raise NotEnoughData(
            f"the store has {len(links)} links with {found} windows in {asked.mode} mode of the "
            f"last {asked.days:g} days; retraining needs {asked.least_windows} windows. Wait, or "
            "raise --days."
        )
    cuts = begun or TimeCuts.of(links, champion.seen_until_s)
    newest = between(links, cuts.gate_from_s, float("inf"))
    judged = sum(window_count([link], window) > 0 for link in newest)
    if judged < LEAST_LINKS:
        since = rfc3339_of(cuts.gate_from_s)
        raise NotEnoughData(
            f"{judged} {asked.mode} links have a window of {window} samples since {since}, the "
            f"newest slice, which the champion has not seen; the gate needs {LEAST_LINKS} links to "
            "tell better from luck. Wait, or raise --days."
        )
    for part, low, high in (
        ("learn from", cuts.from_s, cuts.val_from_s),
        ("validate on", cuts.val_from_s, cuts.gate_from_s),
    ):
        if not window_count(between(links, low, high), window):
            raise NotEnoughData(
                f"no {asked.mode} link has a window of {window} samples in the slice to {part}. "
                "Wait, or raise --days."
            )
    return cuts


def _old(asked: RetrainingRequest) -> Parts:
    if asked.traces is None:
        return {"train": {}, "val": {}, "test": {}}
    return parts_of(asked.traces, asked.mode, asked.without)


def _plan(asked: RetrainingRequest, champion: Champion, mixed: TrainingMix) -> TrainingPlan:
    return TrainingPlan(
        profile=replace(PROFILES[asked.mode], learning_rate=asked.learning_rate),
        epochs=asked.epochs,
        batch_size=asked.batch_size,
        windows_per_set=mixed.an_epoch,
        val_per_set=mixed.to_validate,
        patience=asked.patience,
        workers=asked.workers,
        seed=asked.seed,
        columns_seen=champion.columns_seen,
    )


def _published(registry: Registry, mode: str) -> list[str]:
    return [told["version"] for told in registry.versions(mode)]


def _told(
    asked: RetrainingRequest,
    champion: Champion,
    links: Sequence[Trace],
    cuts: TimeCuts,
    mixed: TrainingMix,
) -> dict[str, Any]:
    """Return what the card tells of where the challenger comes from."""
    return {
        "champion": champion.forecaster.version,
        "days": asked.days,
        "links": len(links),
        "samples": sum(map(len, links)),
        "cuts": asdict(cuts),
        "daily_weight": DAILY,
        "replay": asked.replay if asked.traces else 0.0,
        "learning_rate": asked.learning_rate,
        **mixed.told(),
    }


def _moments(
    asked: RetrainingRequest, sets: Mapping[str, Sequence[Trace]]
) -> dict[str, EvaluationPoints]:
    """Return the moments of those ``sets`` that hold a window."""
    window = _window(asked)
    held = {name: traces for name, traces in sets.items() if window_count(traces, window)}
    return {name: EvaluationPoints.of(traces, window) for name, traces in held.items()}


def _judged(
    asked: RetrainingRequest,
    champion: Champion,
    folder: Path,
    newest: Sequence[Trace],
    old: Mapping[str, EvaluationPoints],
) -> dict[str, Any]:
    """Return the gate's decision on the file that would be served."""
    content = (folder / artifacts.onnx_name(asked.mode)).read_bytes()
    moments = EvaluationPoints.of(newest, _window(asked))
    challenger = OnnxForecaster(content)
    return gate.judge(champion.forecaster, challenger, moments, old, time.perf_counter)
