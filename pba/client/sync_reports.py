"""The blocking reports. Generated from `async_reports.py` by `generate.py`: edit there."""

from collections.abc import Sequence
from typing import Any

from pba.client import requests, responses
from pba.client.sync_calls import Calls

__all__ = ["Reports"]


class Reports(Calls):
    """Calls that change nothing, and return JSON documents as docs/http.md describes them."""

    def link(self, link_id: str) -> dict[str, Any]:
        """Return the state of a link."""
        return self._call("GET", requests.link_path(link_id), responses.LINK)

    def links(
        self,
        mode: str | None = None,
        cursor: str = "",
        limit: int = 100,
        *,
        search: str | None = None,
        sort: str | None = None,
    ) -> dict[str, Any]:
        """Return a page of ``links`` in the order of their names, and the next one's ``cursor``.

        ``search`` is what a name has in it. ``sort`` may be ``accuracy``, the worst first;
        ``drift``, the largest open alarm first; ``silent``, those first that have not reported for
        longest.
        """
        page: dict[str, Any] = {"mode": mode, "cursor": cursor or None, "limit": limit}
        path = requests.query_path("/v1/links", **page, search=search, sort=sort)
        return self._call("GET", path, responses.LINKS)

    def history(
        self,
        link_id: str,
        since: str | float | None = None,
        until: str | float | None = None,
        limit: int = 1000,
    ) -> dict[str, Any]:
        """Return the newest ``samples`` of a link in a span of time, and its ``forecasts`` then."""
        span: dict[str, Any] = {"from": since, "to": until, "limit": limit}
        path = requests.query_path(requests.link_path(link_id, "/history"), **span)
        return self._call("GET", path, responses.HISTORY)

    def events(
        self,
        kind: str | None = None,
        link_id: str | None = None,
        cursor: int | None = None,
        limit: int = 100,
    ) -> dict[str, Any]:
        """Return a page of ``events``, the newest first, and the ``cursor`` of the next."""
        chosen: dict[str, Any] = {"kind": kind, "link_id": link_id, "cursor": cursor}
        path = requests.query_path("/v1/events", **chosen, limit=limit)
        return self._call("GET", path, responses.EVENTS)

    def drift(self) -> list[dict[str, Any]]:
        """Return the open drift alarms, those of modes first."""
        return self._call("GET", "/v1/drift", responses.alarms)

    def models(self) -> dict[str, Any]:
        """Return which model serves each mode."""
        return self._call("GET", "/v1/models", responses.documents_under("models"))

    def metrics(self) -> dict[str, Any]:
        """Return the accuracy and the latency of forecasts, by mode and overall."""
        return self._call("GET", "/v1/metrics", responses.METRICS)

    def metric_series(
        self,
        by: Sequence[str] = (),
        horizon: int = 1,
        since: str | float | None = None,
        until: str | float | None = None,
        step_s: int | None = None,
        *,
        bins: bool = False,
    ) -> list[dict[str, Any]]:
        """Return accuracy and latency over time, a series for each combination of ``by``.

        Parameters
        ----------
        by
            Some of mode, version, arm and source; or group alone.
        horizon
            Steps ahead; negative for the mean over so many.
        since, until
            By default the last day.
        step_s
            The seconds of a point, whole minutes; by default so that there are at most 300.
        bins
            Adds ten bins of confidence to each point.
        """
        span: dict[str, Any] = {"from": since, "to": until, "step": step_s, "horizon": horizon}
        keys = {"by": list(by) or None, "bins": "true" if bins else None}
        path = requests.query_path("/v1/metrics/series", **span, **keys)
        return self._call("GET", path, responses.series)

    def flags(self) -> dict[str, Any]:
        """Return ``version, flags, changed_at, changed_by``."""
        return self._call("GET", "/v1/flags", responses.FLAGS)

    def rollout(self, since: str | None = None) -> dict[str, Any]:
        """Return how v3 compares with v1 since a time; by default, since the flags last changed."""
        return self._call("GET", requests.rollout_path(since), responses.ROLLOUT)
