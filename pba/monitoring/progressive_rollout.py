"""Progressive rollout: changes v3's share of links by the verdict of the sequential test."""

from collections.abc import Mapping
from typing import Any

from pba.errors import Conflict
from pba.rollout import Flags
from pba.security.author import SERVICE, Author
from pba.store import FlagState, Store

__all__ = ["STEPS", "step_rollout"]

STEPS = (10, 50, 100)
"""The percentages of links through which v3 moves."""

_AUTHOR = Author("automatic rollout", SERVICE)
_PERCENTAGE = "v3_rollout_percentage"


def step_rollout(store: Store) -> FlagState | None:
    """Take the step that is due; return the new flags, None if there is none.

    Only forecasts since the last change of the flags are compared, so each step needs new evidence.
    If v3 is ``worse`` overall or in a mode and `Flags.automatic_return` is set, v1 serves all
    links again. If v3 is ``better`` overall and `Flags.automatic_steps` is set, its percentage
    becomes the next of `STEPS`.
    """
    state = store.flags()
    if not (state.flags.automatic_steps or state.flags.automatic_return):
        return None
    comparison = store.compare()
    changes = _due_changes(state.flags, comparison)
    if changes is None:
        return None
    because = {"overall": comparison["overall"], **comparison["modes"]}
    try:
        return store.change_flags(changes, state.version, _AUTHOR, {"because": because})
    except Conflict:  # changed by somebody else meanwhile; the next call sees the new flags
        return None


def _due_changes(flags: Flags, comparison: Mapping[str, Any]) -> dict[str, Any] | None:
    now = flags.v3_rollout_percentage
    overall = comparison["overall"]["verdict"]
    verdicts = [overall, *(mode["verdict"] for mode in comparison["modes"].values())]
    if flags.automatic_return and now > 0 and "worse" in verdicts:
        return {_PERCENTAGE: 0, "automatic_steps": False}
    if flags.automatic_steps and now < STEPS[-1] and overall == "better":
        return {_PERCENTAGE: next(step for step in STEPS if step > now)}
    return None
