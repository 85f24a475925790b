"""The settings of a retraining. Values only."""

from dataclasses import dataclass
from pathlib import Path

from pba.types import NetworkMode
from pba.types.profile import PROFILES

from .set_selection import SetSelection

__all__ = ["FineTuning", "MixSettings", "RetrainingRequest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixSettings:
    """How much data to train on.

    Parameters
    ----------
    windows, replay
        As for `training_mix.training_mix`.
    least_windows
        Windows of telemetry below which a retraining is refused.
    """

    windows: int
    replay: float
    least_windows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FineTuning:
    """How to train, as in `training_plan.TrainingPlan`."""

    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    workers: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """The settings of one retraining.

    Parameters
    ----------
    mode
        Whose champion to challenge: datacenter or internet.
    days
        How far to look back.
    traces, selection
        The original traces, as for `splits.trace_splits`; None for none.
    shipped
        The folder of the model that serves while the registry has no champion.
    output
        The folder for challenger, cards and checkpoints.
    resume
        Whether to continue an interrupted run.
    """

    mode: NetworkMode
    days: float
    traces: Path | None
    selection: SetSelection
    shipped: Path
    output: Path
    mix: MixSettings
    fine_tuning: FineTuning
    resume: bool

    @property
    def window(self) -> int:
        """The samples in a window of the mode."""
        return PROFILES[self.mode].window

    @property
    def note(self) -> Path:
        """The file that records the cuts of the current run, and which champion it challenges."""
        return self.output / "runs" / f"{self.mode}.json"
