"""The telemetry in the store's Parquet export, read with Ray Data, and its slices in time.

A slice begins and ends at the same time for all links, and no window crosses such a cut.
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
from pba.telemetry.validation_parts import gap_steps, samples_before
from pba.types import COLUMNS, Floats

__all__ = ["TimeCuts", "between", "by_day", "day_of", "read_links", "tuning_slice"]

_DAY_S = 86_400.0
_GATE_SHARE = 0.2
_VAL_SHARE = 0.15


def read_links(folder: Path, mode: str, days: float, until_s: float = np.inf) -> list[Trace]:
    """Return the links of ``mode`` in what `pba.store.parquet_export` wrote into ``folder``.

    Files are read in parallel and in chunks; samples of other links and times are dropped on the
    way. Needs a running Ray.

    Parameters
    ----------
    days
        How far to look back from the newest sample of such a link.
    until_s
        Unix seconds; later samples are ignored.

    Raises
    ------
    InvalidInput
        If ``folder`` is not such an export.
    """
    files = _files(folder, days, until_s)
    ray.data.DataContext.get_current().enable_progress_bars = False
    data = ray.data.read_parquet([str(file) for file in files])
    if missing := {"trace_id", "timestamp_s", "mode", *COLUMNS} - set(data.schema().names):
        raise InvalidInput(
            f"{folder} has no column {', '.join(sorted(missing))}. Write it again: `pba export`."
        )

    def select(table: pa.Table) -> pa.Table:
        in_time = pc.less_equal(table["timestamp_s"], until_s)
        return table.filter(pc.and_(pc.equal(table["mode"], mode), in_time))

    chunks: dict[str, list[Floats]] = {}
    for table in data.map_batches(select, batch_format="pyarrow").iter_batches(
        batch_size=None, batch_format="pyarrow"
    ):
        for name, rows in _by_link(table):
            chunks.setdefault(name, []).append(rows)
    newest_s = max((rows[:, 0].max() for link in chunks.values() for rows in link), default=0.0)
    links = [_link(name, of_link) for name, of_link in sorted(chunks.items())]
    return between(links, newest_s - days * _DAY_S, np.inf)


def _files(folder: Path, days: float, until_s: float) -> list[Path]:
    """Return the files of the days that can contain samples to read."""
    names = {file.parent.name.removeprefix("day="): file for file in folder.glob("day=*/*.parquet")}
    try:
        by_date = {date.fromisoformat(name): file for name, file in names.items()}
    except ValueError as error:
        raise InvalidInput(f"{folder} is not an export of `pba export`: {error}.") from None
    last = day_of(until_s) if np.isfinite(until_s) else date.max
    in_time = {day: file for day, file in by_date.items() if day <= last}
    if not in_time:
        raise InvalidInput(
            f"{folder} holds no day=*/samples.parquet, as `pba export` writes them: no link has "
            "reported, or it is another folder."
        )
    span = (max(in_time) - min(in_time)).days
    first = max(in_time) - timedelta(days=min(ceil(days), span))
    return [file for day, file in sorted(in_time.items()) if day >= first]


def _by_link(table: pa.Table) -> Iterator[tuple[str, Floats]]:
    """Yield each link's name and its rows: seconds, then the five columns."""
    values = [np.asarray(table[name].cast(pa.float64())) for name in ("timestamp_s", *COLUMNS)]
    rows = np.stack(values, axis=1)
    names = np.asarray(table["trace_id"])
    unique, link_of_row = np.unique(names.astype(str), return_inverse=True)
    for index, name in enumerate(unique):
        yield str(name), rows[link_of_row == index]


def _link(name: str, chunks: Sequence[Floats]) -> Trace:
    rows = np.concatenate(chunks)
    _, first = np.unique(rows[:, 0], return_index=True)
    return Trace(name, "", rows[first, 0], rows[first, 1:])


@dataclass(frozen=True, slots=True)
class TimeCuts:
    """Where time is cut into training, validation and gate slices, Unix seconds.

    Parameters
    ----------
    from_s, until_s
        The first and the last sample.
    val_from_s, gate_from_s
        Where the validation slice and the gate's slice begin.
    """

    from_s: float
    val_from_s: float
    gate_from_s: float
    until_s: float

    @classmethod
    def of(cls, links: Sequence[Trace], seen_until_s: float = -np.inf) -> "TimeCuts":
        """Return cuts that reserve the newest fifth of all samples for the gate.

        Parameters
        ----------
        seen_until_s
            The end of what the champion was trained on; the gate's slice does not begin earlier.
        """
        times = np.concatenate([link.timestamps_s for link in links])
        gate_from_s = max(float(np.quantile(times, 1.0 - _GATE_SHARE)), seen_until_s)
        before = times[times < gate_from_s]
        val_share = _VAL_SHARE / (1.0 - _GATE_SHARE)
        val_from_s = float(np.quantile(before, 1.0 - val_share)) if before.size else gate_from_s
        return cls(float(times.min()), val_from_s, gate_from_s, float(times.max()))


def between(links: Sequence[Trace], from_s: float, to_s: float) -> list[Trace]:
    """Return the samples of ``links`` from ``from_s`` to before ``to_s``, without empty links."""
    selected = []
    for link in links:
        in_time = (link.timestamps_s >= from_s) & (link.timestamps_s < to_s)
        if in_time.any():
            selected.append(_rows(link, in_time))
    return selected


def tuning_slice(links: Sequence[Trace], cuts: TimeCuts, window: int) -> list[Trace]:
    """Return the samples that validate, without those close to the gate's slice.

    Between a link's last sample here and the gate's slice lie at least `gap_steps` steps, as
    between the two parts of a trace.
    """
    far = []
    for link in links:
        count = samples_before(link.timestamps_s, cuts.gate_from_s, gap_steps(window))
        far.append(_rows(link, slice(count)))
    return between(far, cuts.val_from_s, cuts.gate_from_s)


def _rows(link: Trace, rows: np.ndarray | slice) -> Trace:
    return replace(link, timestamps_s=link.timestamps_s[rows], telemetry=link.telemetry[rows])


def day_of(time_s: float) -> date:
    """Return the day of Unix seconds, UTC."""
    return datetime.fromtimestamp(time_s, UTC).date()


def by_day(links: Sequence[Trace], window: int) -> dict[date, list[Trace]]:
    """Return series for each day whose windows of ``window`` samples are those that end in it.

    A series begins ``window - 1`` samples before its day and ends one sample after it, so that no
    window is lost at midnight and none occurs twice.
    """
    series_of_day: dict[date, list[Trace]] = {}
    for link in links:
        days = np.floor(link.timestamps_s / _DAY_S)
        for day in np.unique(days):
            first, stop = np.searchsorted(days, [day, day + 1])
            series = _rows(link, slice(max(0, first - window + 1), stop + 1))
            series_of_day.setdefault(day_of(day * _DAY_S), []).append(series)
    return dict(sorted(series_of_day.items()))
