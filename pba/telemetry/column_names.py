"""What the columns of a plain table mean, by their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pba.errors import InvalidTrace
from pba.telemetry.read_report import ReadReport
from pba.telemetry.transfer_marks import DURING_TRANSFER
from pba.telemetry.units import mbps_factor, ms_factor, rate_unit, share_factor, split_unit
from pba.types import COLUMNS

__all__ = ["TIME", "ColumnMeaning", "assign", "meaning"]

TIME = "timestamp"
_TEXTS = ("trace_id", "split", DURING_TRANSFER)
_TIMES = ("timestamp", "time", "datetime", "date", "date_time", "ts", "epoch", "unix_time", "dtime")
_RATES = ("", "bandwidth", "bw", "rate", "bitrate", "bit_rate", "data_rate", "speed", "capacity",
          "goodput", "download", "downlink", "dl")  # fmt: skip
_RATES_WITHOUT_UNIT = ("bandwidth", "bw")
_THROUGHPUTS = ("throughput", "tput")
_LATENCIES = ("latency", "rtt", "ping", "delay", "round_trip_time")
_LOSSES = ("packet_loss", "loss", "loss_rate", "plr")
_JITTERS = ("jitter", "rttvar", "mdev")
_NAMED, _UNIT, _ASSUMED = range(3)


@dataclass(frozen=True, slots=True)
class ColumnMeaning:
    """What a column holds.

    Parameters
    ----------
    field
        `TIME`, ``trace_id``, ``split``, ``during_transfer`` or one of `pba.types.COLUMNS`.
    factor
        From its unit to that of the field; of times, to seconds, 0 where it depends on the size.
    rank
        0 for the field's own name, 1 for another name with a unit, 2 for one without a unit.
    """

    field: str
    factor: float = 1.0
    rank: int = _NAMED


def meaning(name: str, unit: str = "") -> ColumnMeaning | None:
    """Return what a column of such a name holds; None if it is of no use.

    Parameters
    ----------
    unit
        The unit of rates whose name has none; by default bandwidths are in Mbps.

    Examples
    --------
    >>> meaning("Bandwidth_Mbps")
    ColumnMeaning(field='bandwidth_mbps', factor=1.0, rank=0)
    >>> meaning("download (kbit/s)"), meaning("Speed")
    (ColumnMeaning(field='bandwidth_mbps', factor=0.001, rank=1), None)
    """
    plain = name.strip().lower()
    if plain in (TIME, *_TEXTS, *COLUMNS):
        return ColumnMeaning(plain, 0.0 if plain == TIME else 1.0)
    if plain == "timestamp_s":
        return ColumnMeaning(TIME)
    word, written = split_unit(name)
    if word in _TIMES:
        factor = ms_factor(written) if written else 0.0
        return None if factor is None else ColumnMeaning(TIME, factor / 1e3, _UNIT)
    if word in (*_RATES, *_THROUGHPUTS):
        return _rate(word, written, unit)
    fields = (("latency_ms", _LATENCIES, ms_factor), ("jitter_ms", _JITTERS, ms_factor),
              ("packet_loss", _LOSSES, share_factor))  # fmt: skip
    for field, words, unit_factor in fields:
        factor = unit_factor(written) if written else 1.0
        if word in words and factor is not None:
            return ColumnMeaning(field, factor, _UNIT if written else _ASSUMED)
    return None


def _rate(word: str, written: str, unit: str) -> ColumnMeaning | None:
    field = "throughput_mbps" if word in _THROUGHPUTS else "bandwidth_mbps"
    factor = rate_unit(written)
    if factor is not None:
        return ColumnMeaning(field, factor, _UNIT)
    if written or (not unit and word not in (*_RATES_WITHOUT_UNIT, *_THROUGHPUTS)) or not word:
        return None
    return ColumnMeaning(field, mbps_factor(unit) if unit else 1.0, _ASSUMED)


def assign(
    names: Sequence[str], path: Path, report: ReadReport, unit: str = ""
) -> dict[str, tuple[int, ColumnMeaning]]:
    """Return field → index and meaning of its column; unknown columns are left out.

    Without a bandwidth, a throughput is the bandwidth. Conversions are noted in ``report``.

    Raises
    ------
    InvalidTrace
        If there is no column of times or of bandwidths, or two that are equally good.
    """
    candidates: dict[str, list[tuple[int, ColumnMeaning]]] = {}
    for index, name in enumerate(names):
        if (column := meaning(name, unit)) is not None:
            candidates.setdefault(column.field, []).append((index, column))
    if "bandwidth_mbps" not in candidates and "throughput_mbps" in candidates:
        candidates["bandwidth_mbps"] = candidates.pop("throughput_mbps")
    fields = {field: _best(field, columns, names, path) for field, columns in candidates.items()}
    for field in (TIME, "bandwidth_mbps"):
        if field not in fields:
            raise _missing(field, names, path)
    for field, (index, column) in fields.items():
        _note(field, names[index], column, report)
    return fields


def _best(
    field: str, columns: Sequence[tuple[int, ColumnMeaning]], names: Sequence[str], path: Path
) -> tuple[int, ColumnMeaning]:
    rank = min(column.rank for _, column in columns)
    best = [pair for pair in columns if pair[1].rank == rank]
    if len(best) > 1:
        which = " and ".join(f"column {index + 1} ({names[index]})" for index, _ in best)
        raise InvalidTrace(
            f"{path}: {which} are both the {field}; a table has it once. Remove or rename one."
        )
    return best[0]


def _missing(field: str, names: Sequence[str], path: Path) -> InvalidTrace:
    expected = "timestamp_s or timestamp" if field == TIME else field
    return InvalidTrace(
        f"{path} has no column {expected}; it has {', '.join(names)}. Rename or add it."
    )


def _note(field: str, name: str, column: ColumnMeaning, report: ReadReport) -> None:
    if field not in COLUMNS or column.rank == _NAMED:
        return
    if column.rank == _ASSUMED and column.factor == 1.0:
        of = {"packet_loss": "a share from 0 to 1"}.get(field, field.rpartition("_")[2])
        report.note(f"Column {name} names no unit: it is read as {field} in {of}.")
    else:
        report.note(f"Column {name} is read as {field}, times {column.factor:g}.")
