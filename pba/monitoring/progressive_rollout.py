"""Moving a rollout on, or back, by what the comparison of the arms has proven."""

from collections.abc import Mapping
from typing import Any

from pba.errors import Conflict
from pba.store import FlagState, Store

__all__ = ["STEPS", "step_rollout"]

STEPS = (10, 50, 100)
"""Percentages of links that v3 goes through by itself."""

_WHO = "automatic rollout"
_PERCENTAGE = "v3_rollout_percentage"


def step_rollout(store: Store) -> FlagState | None:
    """Take the step that is due, if flags and evidence allow it; return what holds then.

    Evidence counts from the flags' last change, so every step has to earn the next one. Where v3 is
    ``worse`` overall or in a mode and `Flags.automatic_return` is set, no link is v3's any more;
    where it is ``better`` overall and `Flags.automatic_steps` is set, the next of `STEPS` is.
    """
    held = store.flags()
    if not (held.flags.automatic_steps or held.flags.automatic_return):
        return None
    told = store.compare()
    changes = _due(held, told)
    if changes is None:
        return None
    because = {"overall": told["overall"], **told["modes"]}
    try:
        return store.change_flags(changes, held.version, _WHO, {"because": because})
    except Conflict:  # somebody was faster; what they want is looked at next time
        return None


def _due(held: FlagState, told: Mapping[str, Any]) -> dict[str, Any] | None:
    flags, now = held.flags, held.flags.v3_rollout_percentage
    verdicts = [told["overall"]["verdict"], *(part["verdict"] for part in told["modes"].values())]
    if flags.automatic_return and now > 0 and "worse" in verdicts:
        return {_PERCENTAGE: 0, "automatic_steps": False}
    if flags.automatic_steps and now < STEPS[-1] and verdicts[0] == "better":
        return {_PERCENTAGE: next(step for step in STEPS if step > now)}
    return None
