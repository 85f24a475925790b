"""The telemetry store: samples, forecasts, outcomes, what was learnt of each link, and events."""

from pba.store.flags import Held
from pba.store.rows import Event, Known, LinkState, Receipt, Report, Said
from pba.store.store import Batch, Store

__all__ = ["Batch", "Event", "Held", "Known", "LinkState", "Receipt", "Report", "Said", "Store"]
