"""What the outcomes of a batch add to the sums of groups of links."""

from collections.abc import Collection
from typing import Any

import numpy as np

from pba.scoring.batch import DueBatch, OutcomeTable
from pba.scoring.latency_sums import MINUTE_US
from pba.scoring.outcome_sums import summands

__all__ = ["REST", "group_of", "group_sums"]

REST = ""
"""The name under which all links count that are in none of the groups."""


def group_of(link_id: str) -> str:
    """Return the group of a link: its name up to the last colon, `REST` without one.

    >>> [group_of(name) for name in ("fra1:a", "eu:fra1:a", "plain", ":a")]
    ['fra1', 'eu:fra1', '', '']
    """
    return link_id.rpartition(":")[0]


def group_sums(
    batch: DueBatch, outcomes: OutcomeTable, groups: Collection[str]
) -> list[dict[str, Any]]:
    """Return the rows of `group_deltas`, in the order of their keys.

    Served forecasts count, one step ahead.

    Parameters
    ----------
    groups
        Those that have sums of their own; without any there are no sums.
    """
    forecasts = batch.forecasts
    outcomes = outcomes.only((outcomes.target == 0) & forecasts.served[outcomes.row])
    if not groups or not len(outcomes):
        return []
    names = [REST, *sorted(groups)]
    codes = {name: code for code, name in enumerate(names)}
    of_links = np.array([codes.get(group_of(name), 0) for name in batch.names])
    code = of_links[np.searchsorted(batch.links, forecasts.link[outcomes.row])]
    minute = forecasts.created_us[outcomes.row] // MINUTE_US
    keys, group = np.unique(minute * len(names) + code, return_inverse=True)
    sums = {
        name: np.bincount(group, values, len(keys)).tolist()
        for name, values in summands(forecasts, outcomes).items()
    }
    columns = {
        "minute_us": (keys // len(names) * MINUTE_US).tolist(),
        "name": [names[at] for at in (keys % len(names)).tolist()],
        **sums,
    }
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, values, strict=True)) for values in rows]
