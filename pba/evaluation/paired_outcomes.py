"""Files of paired outcomes: whether v1 and v3 were in band, by link and time, as blocks of time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.typing import NDArray

from pba.errors import InvalidInput, quoted
from pba.telemetry.timestamps import Times, seconds_of_numbers, times_of_texts
from pba.types import Floats

__all__ = ["COLUMNS", "OutcomeBlocks", "PairedOutcomes", "outcome_blocks", "read_outcomes"]

COLUMNS = ("link_id", "made_at", "v1_in_band", "v3_in_band")
"""The columns of a file, in any order; others are ignored."""

_PARQUET = b"PAR1"
_TRUTH = {"true": True, "1": True, "false": False, "0": False}
_MOST_CELLS = 200_000_000


@dataclass(frozen=True, slots=True, eq=False)
class PairedOutcomes:
    """Pairs of forecasts, v1's and v3's, of the same links and moments, ``(pair,)``.

    Parameters
    ----------
    links
        The links' names, increasing, ``(link,)``.
    link
        Index into ``links``.
    at_s
        When the forecasts were computed, Unix seconds.
    net
        1 where only v3 was in band, -1 where only v1 was, else 0.
    """

    links: tuple[str, ...]
    link: NDArray[np.int64]
    at_s: Floats
    net: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeBlocks:
    """Pairs by link and block of time; blocks without a pair are left out.

    Parameters
    ----------
    net
        Pairs in which only v3 was in band less those in which only v1 was, ``(link, block)``.
    pairs
        How many pairs each block has, ``(block,)``.
    end_s
        When each block ended, Unix seconds, ``(block,)``.
    unfinished
        How many pairs lie in the last block, which the newest pair leaves unfinished.
    """

    net: NDArray[np.int64]
    pairs: NDArray[np.int64]
    end_s: Floats
    unfinished: int


def outcome_blocks(outcomes: PairedOutcomes, block_s: float) -> OutcomeBlocks:
    """Return closed blocks of ``block_s`` seconds, counted from the oldest pair.

    Raises
    ------
    InvalidInput
        Where links and blocks are too many to be added up in memory.
    """
    start_s = float(outcomes.at_s.min())
    block = ((outcomes.at_s - start_s) // block_s).astype(np.int64)
    closed = block < block.max()
    numbers, column = np.unique(block[closed], return_inverse=True)
    shape = len(outcomes.links), len(numbers)
    if shape[0] * shape[1] > _MOST_CELLS:
        raise InvalidInput(
            f"the file has {shape[0]} links in {shape[1]} blocks; links times blocks are at most "
            f"{_MOST_CELLS}. Make blocks longer with --block."
        )
    net = np.zeros(shape, dtype=np.int64)
    np.add.at(net, (outcomes.link[closed], column), outcomes.net[closed])
    pairs = np.bincount(column, minlength=len(numbers))
    return OutcomeBlocks(net, pairs, start_s + (numbers + 1) * block_s, int((~closed).sum()))


def read_outcomes(path: Path) -> PairedOutcomes:
    """Return the pairs in a CSV or Parquet file with the columns `COLUMNS`.

    Raises
    ------
    InvalidInput
        Where the file is neither, lacks a column, or a value is not as it must be.
    """
    table = _table(path)
    missing = [name for name in COLUMNS if name not in table.column_names]
    if missing:
        raise InvalidInput(
            f"{path} has the columns {', '.join(table.column_names)}; {', '.join(missing)} is "
            f"missing. Name the columns {', '.join(COLUMNS)}."
        )
    if not table.num_rows:
        raise InvalidInput(f"{path} has 0 rows; a comparison has at least one pair of outcomes.")
    names = _texts(table["link_id"], "link_id", path)
    links, link = np.unique(names, return_inverse=True)
    v1, v3 = (_truths(table[name], name, path) for name in COLUMNS[2:])
    net = v3.astype(np.int64) - v1
    return PairedOutcomes(tuple(links.tolist()), link, _times(table["made_at"], path), net)


def _table(path: Path) -> pa.Table:
    try:
        with path.open("rb") as file:
            is_parquet = file.read(len(_PARQUET)) == _PARQUET
        if is_parquet:
            file_columns = pyarrow.parquet.read_schema(path).names
            return pyarrow.parquet.read_table(
                path, columns=[n for n in file_columns if n in COLUMNS]
            )
        texts = dict.fromkeys(COLUMNS, pa.string())
        options = pyarrow.csv.ConvertOptions(column_types=texts, strings_can_be_null=True)
        return pyarrow.csv.read_csv(path, convert_options=options)
    except pa.ArrowException as error:
        raise InvalidInput(
            f"{path} is neither CSV nor Parquet: {error}. Write a header and a row for each pair."
        ) from error


def _texts(column: pa.ChunkedArray, name: str, path: Path) -> NDArray[np.str_]:
    try:
        texts = column.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _wrong_type(column, name, path, "text") from None
    empty = pc.fill_null(pc.equal(texts, ""), True)
    _refuse(np.asarray(empty), texts, name, path, "the name of a link")
    return np.array(texts.to_pylist())


def _truths(column: pa.ChunkedArray, name: str, path: Path) -> NDArray[np.bool_]:
    try:
        texts = pc.utf8_lower(column.cast(pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _wrong_type(column, name, path, "true or false") from None
    known = pc.is_in(texts, value_set=pa.array(list(_TRUTH)))
    _refuse(~np.asarray(known), texts, name, path, "true or false, or 1 or 0")
    return np.asarray(pc.is_in(texts, value_set=pa.array([t for t, yes in _TRUTH.items() if yes])))


def _times(column: pa.ChunkedArray, path: Path) -> Floats:
    rule = "RFC 3339 or Unix seconds"
    if pa.types.is_timestamp(column.type):
        micros = column.cast(pa.timestamp("us", column.type.tz), safe=False).cast(pa.int64())
        times = Times(np.asarray(micros.cast(pa.float64())) / 1e6)
    elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        times = times_of_texts(column)
    else:
        try:
            times = seconds_of_numbers(np.asarray(column.cast(pa.float64())))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            raise _wrong_type(column, "made_at", path, rule) from None
    _refuse(~np.isfinite(times.seconds), column, "made_at", path, rule)
    return times.seconds


def _refuse(
    wrong: NDArray[np.bool_], column: pa.ChunkedArray, name: str, path: Path, rule: str
) -> None:
    if wrong.any():
        row = int(wrong.argmax())
        value = column[row].as_py()
        shown = "missing" if value is None else quoted(str(value))
        raise InvalidInput(
            f"{path}, row {row + 1}: {name} is {shown}; it is {rule}. Correct or leave out the row."
        )


def _wrong_type(column: pa.ChunkedArray, name: str, path: Path, rule: str) -> InvalidInput:
    return InvalidInput(f"{path}: {name} is of type {column.type}; it is {rule}. Write it so.")
