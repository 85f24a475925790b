"""What links reported, read from the store's Parquet export with Ray Data, and its slices in time.

A slice begins and ends at one moment for all links, and no window reaches over such a cut.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from math import ceil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import ray.data

from pba.errors import InvalidInput
from pba.telemetry.traces import Trace
from pba.types import COLUMNS, Floats

__all__ = ["TimeCuts", "between", "by_day", "day_of", "read"]

_DAY_S = 86_400.0
_GATE_SHARE = 0.2
_VAL_SHARE = 0.15


def read(folder: Path, mode: str, days: float, until_s: float = np.inf) -> list[Trace]:
    """Return the links of ``mode`` in what `pba.store.parquet_export` wrote into ``folder``.

    Files are read in parallel and come in part by part; samples of other links and other times
    are dropped on the way. Needs a running Ray.

    Parameters
    ----------
    days
        How far to look back from the newest sample of such a link.
    until_s
        Unix seconds; what came later is left alone.

    Raises
    ------
    InvalidInput
        If ``folder`` is no such export.
    """
    files = _files(folder, days, until_s)
    ray.data.DataContext.get_current().enable_progress_bars = False
    read = ray.data.read_parquet([str(file) for file in files])
    if missing := {"trace_id", "timestamp_s", "mode", *COLUMNS} - set(read.schema().names):
        raise InvalidInput(
            f"{folder} has no column {', '.join(sorted(missing))}. Write it anew: `pba export`."
        )

    def wanted(table: pa.Table) -> pa.Table:
        early = pc.less_equal(table["timestamp_s"], until_s)
        return table.filter(pc.and_(pc.equal(table["mode"], mode), early))

    held: dict[str, list[Floats]] = {}
    for table in read.map_batches(wanted, batch_format="pyarrow").iter_batches(
        batch_size=None, batch_format="pyarrow"
    ):
        for name, rows in _by_link(table):
            held.setdefault(name, []).append(rows)
    newest_s = max((rows[:, 0].max() for parts in held.values() for rows in parts), default=0.0)
    links = [_link(name, parts) for name, parts in sorted(held.items())]
    return between(links, newest_s - days * _DAY_S, np.inf)


def _files(folder: Path, days: float, until_s: float) -> list[Path]:
    """Return the files of the days that may matter."""
    found = {file.parent.name.removeprefix("day="): file for file in folder.glob("day=*/*.parquet")}
    try:
        of_day = {date.fromisoformat(name): file for name, file in found.items()}
    except ValueError as error:
        raise InvalidInput(f"{folder} is no export of `pba export`: {error}.") from None
    last = day_of(until_s) if np.isfinite(until_s) else date.max
    early = {day: file for day, file in of_day.items() if day <= last}
    if not early:
        raise InvalidInput(
            f"{folder} holds no day=*/samples.parquet, as `pba export` writes them: no link has "
            "reported, or it is another folder."
        )
    back = (max(early) - min(early)).days
    first = max(early) - timedelta(days=min(ceil(days), back))
    return [file for day, file in sorted(early.items()) if day >= first]


def _by_link(table: pa.Table) -> Iterator[tuple[str, Floats]]:
    """Yield each link's name and its rows: seconds, then the five columns."""
    values = [np.asarray(table[name].cast(pa.float64())) for name in ("timestamp_s", *COLUMNS)]
    rows = np.stack(values, axis=1)
    names = np.asarray(table["trace_id"])
    found, of_row = np.unique(names.astype(str), return_inverse=True)
    for at, name in enumerate(found):
        yield str(name), rows[of_row == at]


def _link(name: str, parts: Sequence[Floats]) -> Trace:
    rows = np.concatenate(parts)
    _, first = np.unique(rows[:, 0], return_index=True)
    return Trace(name, "", rows[first, 0], rows[first, 1:])


@dataclass(frozen=True, slots=True)
class TimeCuts:
    """Where time is cut, Unix seconds: learnt from, then validated on, then the gate's.

    Parameters
    ----------
    from_s, until_s
        The first and the last sample.
    val_from_s, gate_from_s
        Where the next slice begins.
    """

    from_s: float
    val_from_s: float
    gate_from_s: float
    until_s: float

    @classmethod
    def of(cls, links: Sequence[Trace], seen_until_s: float = -np.inf) -> "TimeCuts":
        """Return cuts that leave the newest fifth of all samples to the gate.

        Parameters
        ----------
        seen_until_s
            What the champion has seen: the gate's slice does not begin before.
        """
        times = np.concatenate([link.timestamps_s for link in links])
        gate_from_s = max(float(np.quantile(times, 1.0 - _GATE_SHARE)), seen_until_s)
        before = times[times < gate_from_s]
        val_share = _VAL_SHARE / (1.0 - _GATE_SHARE)
        val_from_s = float(np.quantile(before, 1.0 - val_share)) if before.size else gate_from_s
        return cls(float(times.min()), val_from_s, gate_from_s, float(times.max()))


def between(links: Sequence[Trace], from_s: float, to_s: float) -> list[Trace]:
    """Return what ``links`` reported from ``from_s`` on and before ``to_s``, those that did."""
    found = []
    for link in links:
        kept = (link.timestamps_s >= from_s) & (link.timestamps_s < to_s)
        if kept.any():
            found.append(_rows(link, kept))
    return found


def _rows(link: Trace, kept: np.ndarray | slice) -> Trace:
    return replace(link, timestamps_s=link.timestamps_s[kept], telemetry=link.telemetry[kept])


def day_of(at_s: float) -> date:
    """Return the day of Unix seconds, UTC."""
    return datetime.fromtimestamp(at_s, UTC).date()


def by_day(links: Sequence[Trace], window: int) -> dict[date, list[Trace]]:
    """Return series for each day whose windows of ``window`` samples are those that end in it.

    A series begins ``window - 1`` samples before its day and ends one sample after, so no window
    is lost at midnight and none is there twice.
    """
    found: dict[date, list[Trace]] = {}
    for link in links:
        days = np.floor(link.timestamps_s / _DAY_S)
        for day in np.unique(days):
            first, stop = np.searchsorted(days, [day, day + 1])
            series = _rows(link, slice(max(0, first - window + 1), stop + 1))
            found.setdefault(day_of(day * _DAY_S), []).append(series)
    return dict(sorted(found.items()))
