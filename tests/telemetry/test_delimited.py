"""Tables of any dialect are the same table, and lines that are no rows are counted."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pba.errors import InvalidTrace
from pba.telemetry.dialect import sniff
from pba.telemetry.traces import TraceFile, read_trace_file

HEADER = ["timestamp_s", "bandwidth_mbps", "latency_ms"]
ROWS = [[str(at), f"{80 + at}.5", "12.25"] for at in range(6)]


def table(
    delimiter: str = ",", header: list[str] = HEADER, rows: list[list[str]] = ROWS, end: str = "\n"
) -> str:
    return end.join(delimiter.join(cells) for cells in [header, *rows]) + end


def read(folder: Path, text: str | bytes, strict: bool = False) -> TraceFile:
    path = folder / "link.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_trace_file(path, strict)


COMMAS = [[cell.replace(".", ",") for cell in row] for row in ROWS]
DIALECTS = {
    "semicolons": table(";"),
    "decimal commas": table(";", rows=COMMAS),
    "decimal commas and tabs": table("\t", rows=COMMAS),
    "tabs": table("\t"),
    "bars": table("|"),
    "blanks": "# " + table(" "),
    "carriage returns": table(end="\r\n"),
    "old carriage returns": table(end="\r"),
    "capitals": table(header=[name.upper() for name in HEADER]),
    "blanks in the header": table(", ", header=[f"  {name} " for name in HEADER]),
    "blanks in cells": table(" , "),
    "quotes": table(header=[f'"{name}"' for name in HEADER]),
    "quoted cells": table(rows=[[f'"{cell}"' for cell in row] for row in ROWS]),
    "an index without a name": table(header=["", *HEADER], rows=[["7", *row] for row in ROWS]),
    "an index outside the header": table(rows=[["7", *row] for row in ROWS]),
    "delimiters at the end": table(rows=[[*row, ""] for row in ROWS]),
    "comments above": "# probe 4\n#\n\n" + table(),
    "a header in a comment": "# " + table(),
    "comments between": table().replace("3,", "# a, remark\n\n#x,y,z\n  \n3,", 1),
    "no line feed at the end": table().rstrip("\n"),
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=DIALECTS.keys())
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_a_table_is_the_same_in_every_dialect_and_encoding(
    tmp_path: Path, text: str, encoding: str
):
    file = read(tmp_path, text.encode(encoding), strict=True)
    (trace,) = file.traces
    assert trace.timestamps_s.tolist() == [0, 1, 2, 3, 4, 5]
    assert trace.telemetry[:, 0].tolist() == [80.5, 81.5, 82.5, 83.5, 84.5, 85.5]
    assert trace.telemetry[:, 1].tolist() == [12.25] * 6


@pytest.mark.parametrize(
    "token", ["", "-", "--", "N/A", "n/a", "nan", "NaN", "-nan", "null", "None", " - ", " nan"]
)
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_every_token_for_missing_is_missing_and_no_fault(
    tmp_path: Path, token: str, delimiter: str
):
    rows = [["0", "80.5", token], ["1", "81.5", "12.25"]]
    file = read(tmp_path, table(delimiter, rows=rows), strict=True)
    assert np.isnan(file.traces[0].telemetry[:, 1]).tolist() == [True, False]


def test_error_lines_repeated_headers_and_a_cut_last_line_are_counted_apart(tmp_path: Path):
    lines = table().splitlines()
    lines[3:3] = ["Cannot reach the server", "", lines[0]]
    file = read(tmp_path, "\n".join([*lines, "6,8"]))
    (trace,) = file.traces
    assert len(trace) == 6
    assert file.report.count() == 3
    cells, header = file.report.lines()
    assert "2 rows left out: the row is 'Cannot reach the server' in line 4, '6,8' in line 11" in (
        cells
    )
    assert "1 row left out: the row is the header again" in header


def test_a_second_header_of_other_columns_is_refused(tmp_path: Path):
    lines = table().splitlines()
    lines.insert(4, "bandwidth_mbps,timestamp_s,latency_ms")
    with pytest.raises(InvalidTrace, match="line 5: another header, bandwidth_mbps,timestamp_s"):
        read(tmp_path, "\n".join(lines))


def test_a_quote_left_open_costs_its_own_line(tmp_path: Path):
    lines = table().splitlines()
    lines.insert(4, '"Cannot reach, the server')
    file = read(tmp_path, "\n".join(lines))
    assert (len(file.traces[0]), file.report.count()) == (6, 1)


def test_lines_are_named_as_an_editor_counts_them(tmp_path: Path):
    lines = ["# probe", "", *table().splitlines()]
    lines.insert(5, "")
    lines[6] = "2,-1,12"
    with pytest.raises(InvalidTrace, match=r"row 3 \(line 7\): bandwidth_mbps is -1"):
        read(tmp_path, "\n".join(lines), strict=True)


def test_a_value_that_is_no_number_is_ignored_and_counted(tmp_path: Path):
    rows = [*ROWS[:3], ["3", "83.5", "fast"], ["4", "fast", "12"]]
    file = read(tmp_path, table(rows=rows))
    assert np.isnan(file.traces[0].telemetry[3, 1])
    assert len(file.traces[0]) == 4
    lines = "\n".join(file.report.lines())
    assert "1 value ignored: latency_ms is 'fast' in row 4 (line 5); it is a number" in lines
    assert "1 row left out: bandwidth_mbps is missing in row 5 (line 6)" in lines


def test_times_may_be_written_in_several_ways_in_one_column(tmp_path: Path):
    rows = [["1772366400", "80", ""], ["2026-03-01 12:00:01 UTC", "81", ""],
            ["2026-03-01T13:00:02+01:00", "82", ""], ["yesterday", "83", ""]]  # fmt: skip
    file = read(tmp_path, table(header=["timestamp", *HEADER[1:]], rows=rows))
    assert file.traces[0].timestamps_s.tolist() == [1772366400, 1772366401, 1772366402]
    assert "timestamp is 'yesterday' in row 4 (line 5)" in file.report.lines()[0]


@pytest.mark.parametrize(("factor", "unit"), [(1e3, "ms"), (1e6, "micro"), (1e9, "nano")])
def test_unix_times_in_smaller_units_are_known_by_their_size(
    tmp_path: Path, factor: float, unit: str
):
    rows = [[f"{(1_772_366_400 + at) * int(factor)}", "80", ""] for at in range(3)]
    file = read(tmp_path, table(header=["timestamp", *HEADER[1:]], rows=rows))
    assert np.diff(file.traces[0].timestamps_s).tolist() == pytest.approx([1.0, 1.0])
    assert unit in " ".join(file.report.notes)


def dst_rows(form: str) -> list[list[str]]:
    """Return a row every ten minutes from 1:00 to 3:50, the hour from 2:00 twice."""
    hours = [(1, "+02:00"), (2, "+02:00"), (2, "+01:00"), (3, "+01:00")]
    return [
        [form.format(hour=hour, minute=minute, zone=zone), "80", ""]
        for hour, zone in hours
        for minute in range(0, 60, 10)
    ]


def test_the_hour_that_clocks_repeat_is_counted_with_the_zone_as_the_cause(tmp_path: Path):
    rows = dst_rows("2026-10-25 {hour:02d}:{minute:02d}:00")
    text = table(header=["timestamp", *HEADER[1:]], rows=rows)
    file = read(tmp_path, text)
    assert (len(file.traces[0]), file.traces[0].dropped) == (18, 6)
    assert "6 rows left out" in file.report.lines()[0]
    assert "2026-10-25T02:00:00 after 2026-10-25T02:50:00 in row 13" in file.report.lines()[0]
    assert "name no zone" in file.report.lines()[0]
    with pytest.raises(InvalidTrace, match="name no zone"):
        read(tmp_path, text, strict=True)


def test_the_repeated_hour_with_offsets_is_whole(tmp_path: Path):
    rows = dst_rows("2026-10-25T{hour:02d}:{minute:02d}:00{zone}")
    file = read(tmp_path, table(header=["timestamp", *HEADER[1:]], rows=rows), strict=True)
    assert np.diff(file.traces[0].timestamps_s).tolist() == [600.0] * 23


def test_text_that_is_no_utf_8_is_read_and_that_is_noted(tmp_path: Path):
    file = read(tmp_path, table().encode() + "# gemessen in Köln\n".encode("latin-1"))
    assert len(file.traces[0]) == 6
    assert "latin-1" in file.report.notes[0]


def test_a_line_without_an_end_is_refused(tmp_path: Path):
    with pytest.raises(InvalidTrace, match="longer than a million characters"):
        read(tmp_path, table(rows=[["0", "80", "9" * 3_000_000]]) + "cut")


def test_what_is_neither_text_nor_parquet_is_refused(tmp_path: Path):
    with pytest.raises(InvalidTrace, match="neither text nor Parquet"):
        read(tmp_path, bytes(range(256)) * 4)


def test_a_damaged_gzip_file_is_refused(tmp_path: Path):
    with pytest.raises(InvalidTrace, match="cannot be decompressed"):
        read(tmp_path, b"\x1f\x8b\x08 cut")


def test_no_header_is_no_dialect():
    assert sniff("1,2\n3,4\n", str.isalpha) is None


@given(
    st.lists(st.floats(0, 1e7, allow_subnormal=False), min_size=2, max_size=20),
    st.sampled_from(",;\t|"),
    st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_numbers_survive_any_dialect(
    tmp_path_factory: pytest.TempPathFactory, rates: list[float], delimiter: str, comma: bool
):
    rows = [[str(at), repr(rate), ""] for at, rate in enumerate(rates)]
    if comma and delimiter != ",":
        rows = [[cell.replace(".", ",") for cell in row] for row in rows]
    file = read(tmp_path_factory.mktemp("table"), table(delimiter, rows=rows))
    assert file.traces[0].telemetry[:, 0].tolist() == rates


def test_decimal_commas_survive_an_error_line(tmp_path: Path):
    text = table(";", rows=[*COMMAS[:3], ["timed out"], *COMMAS[3:]])
    file = read(tmp_path, text)
    assert file.traces[0].telemetry[:, 0].tolist() == [80.5, 81.5, 82.5, 83.5, 84.5, 85.5]
    assert file.report.count() == 1


def test_a_word_in_prose_is_no_header(tmp_path: Path):
    with pytest.raises(InvalidTrace, match="is no table with a header"):
        read(tmp_path, "Norway HSDPA bandwidth logs\nsome more words\n")
