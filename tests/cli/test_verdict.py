"""`pba verdict`: blocks of a file of paired outcomes, the verdict, and errors that help."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from typer.testing import CliRunner, Result

from pba.cli import app
from pba.errors import InvalidInput, InvalidRequest
from pba.evaluation.paired_outcomes import outcome_blocks, read_outcomes
from pba.rollout.sequential_test import evidence_after_blocks, first_decision

HEADER = "link_id,made_at,v1_in_band,v3_in_band"
START_S = 1_772_366_400.0


def verdict(*words: object) -> Result:
    runner = CliRunner(env={"COLUMNS": "80"})
    return runner.invoke(app, ["verdict", *map(str, words)], catch_exceptions=False)


def outcomes() -> dict[str, list[object]]:
    """Return outcomes of 18 links a minute over 10 hours; v3 alone is in band in a third."""
    rng = np.random.default_rng(2)
    minutes, links = np.divmod(np.arange(600 * 18), 18)
    v1 = rng.random(len(minutes)) < 0.5
    return {
        "link_id": [f"fra1:{link}" for link in links.tolist()],
        "made_at": (START_S + 60.0 * minutes).tolist(),
        "v1_in_band": v1.tolist(),
        "v3_in_band": (v1 | (rng.random(len(v1)) < 0.33)).tolist(),
    }


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.parquet"
    pyarrow.parquet.write_table(pa.table(outcomes()), path)
    return path


def test_the_verdict_is_that_of_the_service_s_test_on_blocks_of_the_file(parquet: Path):
    result = json.loads(verdict(parquet, "--block", "30m", "--json").output)
    blocks = outcome_blocks(read_outcomes(parquet), 1800.0)
    assert blocks.net.shape == (18, 19), "the twentieth is unfinished"
    evidence = [row["evidence"] for row in result["evidence_after_blocks"]]
    assert evidence == pytest.approx(evidence_after_blocks(blocks.net))
    assert result["decided_after_blocks"] == first_decision(blocks.net)[0]
    assert (result["verdict"], result["blocks"], result["links"]) == ("better", 19, 18)
    assert (result["pairs"], result["unfinished_pairs"]) == (19 * 30 * 18, 30 * 18)
    assert result["evidence_after_blocks"][0]["end"] == "2026-03-01T12:30:00Z"


def test_csv_with_dates_and_zeros_has_the_same_blocks(tmp_path: Path, parquet: Path):
    table = outcomes()
    times = np.array(table["made_at"]).astype("datetime64[s]")
    rows = zip(
        table["link_id"],
        (f"{at}Z" for at in times),
        *(np.array(table[name], dtype=int).tolist() for name in ("v1_in_band", "v3_in_band")),
        strict=True,
    )
    path = tmp_path / "pairs.csv"
    path.write_text("\n".join([HEADER, *(",".join(map(str, row)) for row in rows)]))
    assert verdict(path, "--json").output == verdict(parquet, "--json").output


def test_the_output_states_what_the_verdict_rests_on(parquet: Path):
    output = verdict(parquet).output
    assert "v3 is better since block" in output
    assert "It rests on 19 blocks of 30m" in output
    assert "10260 pairs of 18 links" in output


def test_blocks_without_pairs_are_no_units(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text(f"{HEADER}\na,0,0,1\nb,10,1,0\na,500,0,1\na,990,1,1\n")
    blocks = outcome_blocks(read_outcomes(path), 60.0)
    assert blocks.net.tolist() == [[1, 1], [-1, 0]]
    assert blocks.end_s.tolist() == [60.0, 540.0]
    assert blocks.unfinished == 1


def test_a_file_of_one_block_is_undecided(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text(f"{HEADER}\na,0,0,1\n")
    assert "v3 is undecided. Evidence 1" in verdict(path).output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("link_id,made_at,v1,v3\na,1,1,0\n", "v1_in_band, v3_in_band is missing"),
        (f"{HEADER}\n", "has 0 rows"),
        (f"{HEADER}\na,1,1,0\na,2,maybe,0\n", "row 2: v1_in_band is 'maybe'; it is true or false"),
        (f"{HEADER}\na,noon,1,0\n", "row 1: made_at is 'noon'; it is RFC 3339 or Unix seconds"),
        (f"{HEADER}\n,1,1,0\n", "row 1: link_id is missing"),
        ("", "is neither CSV nor Parquet"),
    ],
)
def test_a_file_that_is_no_list_of_outcomes_is_refused(tmp_path: Path, text: str, message: str):
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=message):
        verdict(path)


def test_parquet_of_other_types_is_refused(tmp_path: Path):
    path = tmp_path / "pairs.parquet"
    table = outcomes() | {"v1_in_band": [[1]] * (600 * 18)}
    pyarrow.parquet.write_table(pa.table(table), path)
    with pytest.raises(InvalidInput, match="v1_in_band is of type list<.*it is true or false"):
        verdict(path)


@pytest.mark.parametrize("block", ["0s", "half an hour", "-5m", "30 d"])
def test_a_block_is_a_length_of_time(parquet: Path, block: str):
    with pytest.raises(InvalidRequest, match="such as 60s, 30m or 1h"):
        verdict(parquet, "--block", block)
