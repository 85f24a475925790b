"""The job that fills in what links are sorted by, where the release before wrote their records."""

from pba.forecasting.record_table import RecordTable
from pba.monitoring.drift.link_drift import LinkDriftTable
from pba.store import Store

__all__ = ["fill_orders"]

_LINKS = 200  # in one transaction


def fill_orders(store: Store) -> bool:
    """Fill in the accuracy and the drift of some records; return whether more may lack them.

    Raises
    ------
    StoreUnavailable
        While the store is away.
    """
    rows = store.jobs.unordered_records(_LINKS)
    if rows:
        accuracies = RecordTable.from_bytes([row.body for row in rows]).accuracy_permille()
        sizes = LinkDriftTable.from_bytes([row.drift for row in rows]).sizes()
        values = zip(accuracies.tolist(), sizes.tolist(), strict=True)
        keys = [(row.link, row.generation) for row in rows]
        store.jobs.write_orders(dict(zip(keys, values, strict=True)))
    return len(rows) == _LINKS
