"""Bodies and paths of requests: domain values in, JSON values out.

Samples are sent as they are: the service decides sample by sample which it can use, and says so.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from pba.types import COLUMNS, History, NetworkMetrics, check_link_id

__all__ = [
    "Samples",
    "forecast_path",
    "link_path",
    "link_samples_body",
    "links_samples_body",
    "observe_path",
    "query_path",
    "request",
    "requests_body",
    "rollout_path",
    "transfer_body",
]

Samples = History | Sequence[NetworkMetrics]
"""A history, or samples; those of a forecast are oldest first."""

_REQUIRED = ("timestamp", "bandwidth_mbps")
_NAMES = ("timestamp", *COLUMNS)
_MARK = "during_transfer"


def request(
    history: Samples,
    link_id: str | None = None,
    mode: str = "auto",
    allocation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the body of one forecast request.

    Examples
    --------
    >>> request([NetworkMetrics(0.0, 80.0), NetworkMetrics(1.0, 82.0, latency_ms=4.0)])
    {'history': [{'timestamp': 0.0, 'bandwidth_mbps': 80.0},
                 {'timestamp': 1.0, 'bandwidth_mbps': 82.0, 'latency_ms': 4.0}],
     'mode': 'auto'}
    """
    body: dict[str, Any] = {"history": _rows(history), "mode": mode}
    if link_id is not None:
        body["link_id"] = link_id
    if allocation is not None:
        body["allocation"] = dict(allocation)
    return body


def requests_body(histories: Iterable[Samples]) -> dict[str, Any]:
    """Return the body that requests one forecast a history, in columns: half as large as rows.

    Examples
    --------
    >>> requests_body([[NetworkMetrics(0.0, 80.0), NetworkMetrics(1.0, 82.0, latency_ms=4.0)]])
    {'requests': [{'history': {'timestamp': [0.0, 1.0], 'bandwidth_mbps': [80.0, 82.0],
                               'latency_ms': [None, 4.0]}}]}
    """
    return {"requests": [{"history": _columns(history)} for history in histories]}


def transfer_body(
    size_bytes: int,
    *,
    link_id: str | None = None,
    history: Samples | None = None,
    mode: str = "auto",
    deadline_s: float | None = None,
    dirty_mbps: float | None = None,
    record: bool | None = None,
) -> dict[str, Any]:
    """Return the body that asks about one transfer, over a stored link or one with a history.

    Examples
    --------
    >>> transfer_body(10**9, link_id="fra1:ams2", deadline_s=60.0)
    {'bytes': 1000000000, 'link_id': 'fra1:ams2', 'deadline_s': 60.0}
    """
    given: dict[str, Any] = {"link_id": link_id}
    given |= {"deadline_s": deadline_s, "dirty_mbps": dirty_mbps, "record": record}
    if history is not None:
        given |= {"history": _columns(history), "mode": mode}
    return {"bytes": size_bytes} | {
        name: value for name, value in given.items() if value is not None
    }


def link_samples_body(samples: Samples) -> dict[str, Any]:
    """Return the body that reports samples of one link."""
    return {"samples": _rows(samples)}


def links_samples_body(samples: Mapping[str, Samples]) -> dict[str, Any]:
    """Return the body that reports samples of many links."""
    rows = [
        {"link_id": link_id} | row
        for link_id, link_samples in samples.items()
        for row in _rows(link_samples)
    ]
    return {"samples": rows}


def link_path(link_id: str, suffix: str = "") -> str:
    """Return the path of a link.

    Raises
    ------
    InvalidInput
        For what cannot be a link's name; a slash or ``..`` would lead to another call.

    Examples
    --------
    >>> link_path("fra1:ams2", "/forecast")
    '/v1/links/fra1%3Aams2/forecast'
    """
    return f"/v1/links/{quote(check_link_id(link_id), safe='')}{suffix}"


def forecast_path(path: str, as_of_newest: bool) -> str:
    """Return the path of a forecast, as of now or of the newest sample."""
    return f"{path}?as_of=newest" if as_of_newest else path


def observe_path(path: str, forecast: bool, allocation: bool, as_of_newest: bool) -> str:
    """Return the path of a report, with or without a forecast in its receipts.

    Examples
    --------
    >>> observe_path("/v1/samples", forecast=True, allocation=True, as_of_newest=False)
    '/v1/samples?forecast=true&allocation=true'
    """
    if not forecast:
        return path
    options = {"forecast=true": True, "allocation=true": allocation, "as_of=newest": as_of_newest}
    return f"{path}?{'&'.join(option for option, chosen in options.items() if chosen)}"


def query_path(path: str, **query: Any) -> str:
    """Return ``path`` with those of ``query`` that are not None.

    >>> query_path("/v1/events", kind="drift", link_id=None, limit=5)
    '/v1/events?kind=drift&limit=5'
    """
    given = {name: value for name, value in query.items() if value is not None}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def rollout_path(since: str | None) -> str:
    """Return the path of the rollout report."""
    return "/v1/rollout" if since is None else f"/v1/rollout?since={quote(since)}"


def _rows(samples: Samples) -> list[dict[str, Any]]:
    """Return one JSON object a sample; optional values that were not measured are left out."""
    rows: list[dict[str, Any]] = [
        {
            name: value
            for name, value in zip(_NAMES, map(_finite, row), strict=True)
            if value is not None or name in _REQUIRED
        }
        for row in _table(samples)
    ]
    for row, marked in zip(rows, _marks(samples), strict=False):
        if marked:
            row[_MARK] = True
    return rows


def _columns(samples: Samples) -> dict[str, list[Any]]:
    """Return one list a value, without those that were never measured."""
    columns = zip(*_table(samples), strict=True) if len(samples) else ((),) * len(_NAMES)
    lists = {name: list(map(_finite, col)) for name, col in zip(_NAMES, columns, strict=True)}
    marks = {_MARK: _marks(samples)} if any(_marks(samples)) else {}
    return {
        name: values
        for name, values in lists.items()
        if name in _REQUIRED or any(value is not None for value in values)
    } | marks


def _table(samples: Samples) -> Iterable[Sequence[float]]:
    """Return time and `COLUMNS` of each sample."""
    if isinstance(samples, History):
        rows = zip(samples.timestamps_s.tolist(), samples.telemetry.tolist(), strict=True)
        return [(time_s, *values) for time_s, values in rows]
    return [(sample.timestamp_s, *sample.values) for sample in samples]


def _marks(samples: Samples) -> list[bool]:
    """Return whether each sample is marked; the empty list where none of a history is."""
    if isinstance(samples, History):
        return [] if samples.during_transfer is None else samples.during_transfer.tolist()
    return [sample.during_transfer for sample in samples]


def _finite(value: float) -> float | None:
    """Return ``value``, or None where JSON has no number for it."""
    return value if math.isfinite(value) else None
