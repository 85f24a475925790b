"""Parquet files by day, which stay open until all rows are written."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["DayFiles"]

_DAY_US = 86_400_000_000


class DayFiles:
    """One open file per day. Rows are written in groups to bound the memory used.

    Parameters
    ----------
    folder, name
        The file of a day is ``folder/day=2026-03-01/name``.
    schema
        Of every file.
    """

    def __init__(self, folder: Path, name: str, schema: pa.Schema) -> None:
        self._folder, self._name, self._schema = folder, name, schema
        self._files: dict[int, pq.ParquetWriter] = {}

    def add_by_day(self, table: pa.Table, at_us: np.ndarray) -> None:
        """Append each row of ``table`` to the file of the day of its time, in microseconds."""
        row_days = at_us // _DAY_US
        for day in np.unique(row_days).tolist():
            self._of_day(day).write_table(table.filter(pa.array(row_days == day)))

    def _of_day(self, day: int) -> pq.ParquetWriter:
        if day not in self._files:
            date = datetime.fromtimestamp(day * _DAY_US / 1e6, UTC).date().isoformat()
            folder = self._folder / f"day={date}"
            folder.mkdir(parents=True, exist_ok=True)
            self._files[day] = pq.ParquetWriter(folder / self._name, self._schema)
        return self._files[day]

    def close(self) -> int:
        """Close all files; return their number."""
        for file in self._files.values():
            file.close()
        return len(self._files)
