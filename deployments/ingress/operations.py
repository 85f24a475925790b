"""What operators see and change, whatever the protocol: each operation returns one document.

HTTP and gRPC differ in how they read inputs and in how they write the document. ``write`` makes the
answer of it, in a thread where the document may be large.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from pba.errors import InvalidRequest
from pba.monitoring.drift_watch import open_alarms
from pba.security.identity import Identity
from pba.serving.data_plane import DataPlane
from pba.serving.flag_watch import FlagWatch
from pba.serving.model_catalog import ModelCatalog
from pba.serving.retraining_start import RetrainingStart
from pba.store.metric_series import GROUP
from pba.types import parse_mode

from ..store_factory import Stores
from .history_document import history_document
from .model_status import ModelStatus
from .parameter_reading import read_parameters
from .parameters import (
    EventKind,
    EventNumber,
    From,
    Horizon,
    Limit,
    LinkCursor,
    LinkFilter,
    LinkId,
    LinkOrder,
    LinkSearch,
    ModeFilter,
    ModelName,
    SeriesBins,
    SeriesKeys,
    SeriesStep,
    Since,
    To,
    time_span,
)
from .request_reading import Body, read_flags, read_promotion, read_retraining, read_rollback

__all__ = ["Document", "Operations"]

Document: TypeAlias = dict[str, Any]
_Answer = TypeVar("_Answer")
_Write: TypeAlias = Callable[[Document], _Answer]


@dataclass(frozen=True, slots=True)
class Operations:
    """Answers for callers whose right to make the call is checked already.

    Parameters
    ----------
    plane
        Admits calls, and calls the stores.
    stores
        The one database, by kind of call.
    catalog
        Knows the published versions.
    status
        Knows what serves.
    flag_watch
        Is to notice changed flags at once.
    retraining
        Starts retrainings.
    """

    plane: DataPlane
    stores: Stores
    catalog: ModelCatalog
    status: ModelStatus
    flag_watch: FlagWatch
    retraining: RetrainingStart

    async def answer(
        self, call: str, identity: Identity, inputs: Mapping[str, Any], write: _Write[_Answer]
    ) -> _Answer:
        """Return the answer of the operation that is a call of `pba.security.calls.CALLS`.

        ``inputs`` are its other parameters, which are checked first as those of HTTP are.
        """
        operation = getattr(self, call)
        checked = read_parameters(operation.__func__, inputs)
        answer: _Answer = await operation(identity, write, **checked)
        return answer

    async def links(
        self,
        identity: Identity,
        write: _Write[_Answer],
        mode: ModeFilter = None,
        cursor: LinkCursor = "",
        limit: Limit = 100,
        search: LinkSearch = "",
        sort: LinkOrder = "name",
    ) -> _Answer:
        """List links by name, or the worst, most drifted or longest silent first."""
        only = None if mode is None else parse_mode(mode)

        def page() -> _Answer:  # in a thread: 10 000 links take a while to write
            order = search, sort
            links = self.stores.reports.links(only, cursor, limit, identity.scope, *order)
            after = links[-1].cursor if len(links) == limit else None
            return write({"links": [link.as_dict() for link in links], "cursor": after})

        return await self.plane.read_store(page)

    async def link(self, identity: Identity, write: _Write[_Answer], link_id: LinkId) -> _Answer:
        """Return the state of a link."""
        identity.require_link(link_id)
        return write((await self.plane.read_store(self.stores.reports.link, link_id)).as_dict())

    async def delete_link(
        self, identity: Identity, write: _Write[_Answer], link_id: LinkId
    ) -> _Answer:
        """Delete a link with its samples, forecasts, outcomes and record."""
        identity.require_link(link_id)
        await self.plane.read_store(self.stores.reports.delete, link_id, identity.author())
        return write({"deleted": link_id})

    async def link_history(
        self,
        identity: Identity,
        write: _Write[_Answer],
        link_id: LinkId,
        from_s: From = None,
        to_s: To = None,
        limit: Limit = 1000,
    ) -> _Answer:
        """Return the samples of a link, and the forecasts recorded beside them."""
        identity.require_link(link_id)
        span = time_span(from_s, to_s)

        def past() -> _Answer:
            return write(history_document(*self.stores.reports.history(link_id, *span, limit)))

        return await self.plane.read_store(past)

    async def events(
        self,
        identity: Identity,
        write: _Write[_Answer],
        kind: EventKind = None,
        link_id: LinkFilter = None,
        cursor: EventNumber = None,
        limit: Limit = 100,
    ) -> _Answer:
        """List events, the newest first."""
        if link_id is not None:
            identity.require_link(link_id)

        def page() -> _Answer:
            store, scope = self.stores.reports, identity.scope
            events = store.events(kind, link_id, cursor, limit, scope)
            after = events[-1].number if len(events) == limit else None
            return write({"events": [event.as_dict() for event in events], "cursor": after})

        return await self.plane.read_store(page)

    async def drift(self, identity: Identity, write: _Write[_Answer]) -> _Answer:
        """Return the open drift alarms of modes and links."""
        reports = self.stores.reports
        return await self.plane.read_store(
            lambda: write({"alarms": open_alarms(reports, identity.scope)})
        )

    async def metrics(self, _: Identity, write: _Write[_Answer]) -> _Answer:
        """Return accuracy and latency of forecasts, overall, by mode and by model version."""
        return write(await self.plane.read_store(self.stores.reports.summary))

    async def metric_series(
        self,
        identity: Identity,
        write: _Write[_Answer],
        from_s: From = None,
        to_s: To = None,
        step_s: SeriesStep = None,
        by: SeriesKeys = None,
        horizon: Horizon = "1",
        bins: SeriesBins = False,
    ) -> _Answer:
        """Return accuracy and latency over time."""
        if by is None or GROUP not in by:
            identity.require_everything("the call metric_series without by=group")
        series = self.stores.reports.series
        span, keys = (from_s, to_s, step_s), by or ()
        return await self.plane.read_store(
            lambda: write(series.read(keys, int(horizon), *span, bins, identity.scope))
        )

    async def rollout(self, _: Identity, write: _Write[_Answer], since_s: Since = None) -> _Answer:
        """Compare v3 with v1 on the moments for which both have a forecast."""
        return write(await self.plane.read_store(self.stores.reports.compare, since_s))

    async def models(self, _: Identity, write: _Write[_Answer]) -> _Answer:
        """Return what serves each mode, and v1, which may be asleep."""
        return write({"models": await self.status.models()})

    async def model_versions(self, _: Identity, write: _Write[_Answer], mode: ModelName) -> _Answer:
        """Return the published versions of a model, its champion and its former champions."""
        return write(await self.catalog.versions(mode))

    async def promote(
        self, identity: Identity, write: _Write[_Answer], mode: ModelName, body: Body
    ) -> _Answer:
        """Verify a version and make it the champion."""
        change = read_promotion(body)
        author = identity.author(change.on_behalf_of or change.who)
        why, expected = change.reason or change.why, change.expected
        return write(await self.catalog.promote(mode, change.version, author, why, expected))

    async def roll_back(
        self, identity: Identity, write: _Write[_Answer], mode: ModelName, body: Body
    ) -> _Answer:
        """Make the previous champion the champion again."""
        change = read_rollback(body)
        author = identity.author(change.on_behalf_of or change.who)
        why = change.reason or change.why
        return write(await self.catalog.rollback(mode, author, why, change.expected))

    async def retrain(
        self, identity: Identity, write: _Write[_Answer], mode: ModelName, body: Body
    ) -> _Answer:
        """Train the champion further with what links have reported; a gate decides about it."""
        change = read_retraining(body)
        author = identity.author(change.on_behalf_of)
        return write(await self.retraining.start(mode, author, change.reason))

    async def flags(self, _: Identity, write: _Write[_Answer]) -> _Answer:
        """Return the flags, their version, and who changed them last."""
        return write((await self.plane.call_flags(self.stores.flags.flags)).as_dict())

    async def set_flags(self, identity: Identity, write: _Write[_Answer], body: Body) -> _Answer:
        """Change flags, unless another caller has changed them since this one read them."""
        change, store = read_flags(body), self.stores.flags
        state = await self.plane.call_flags(store.flags)
        if self.status.v1 is None and state.flags.changed(change.flags).wants_v1:
            raise InvalidRequest("v1 is not deployed; flags leave all links to v3.", "flags")
        author = identity.author(change.on_behalf_of or change.who)
        details = {"reason": change.reason} if change.reason else {}
        state = await self.plane.call_flags(
            store.change_flags, change.flags, change.version, author, details
        )
        await self.flag_watch.refresh()
        return write(state.as_dict())

    async def whoami(self, identity: Identity, write: _Write[_Answer]) -> _Answer:
        """Return the name, role and links of the caller's key."""
        return write(identity.as_dict())
