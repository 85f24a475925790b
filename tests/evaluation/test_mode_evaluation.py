"""The whole evaluation on small links: what is in it, what is told of it, what is drawn."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pba.errors import NotEnoughData
from pba.evaluation import plots
from pba.evaluation.candidates import as_candidate, control_candidate
from pba.evaluation.mode_evaluation import MODEL, ModeResult, evaluate
from pba.evaluation.report import markdown
from pba.models import v1_features
from pba.models.base import Prediction
from pba.models.ewma import Ewma
from pba.telemetry.traces import Trace


def links(count: int, split: str, seed: int, samples: int = 60) -> list[Trace]:
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        telemetry = np.full((samples, 5), np.nan)
        telemetry[:, 0] = 50 * np.exp(np.cumsum(rng.normal(0, 0.1, samples)))
        telemetry[:, 1] = rng.uniform(10, 20, samples)
        seconds = np.arange(1.0, samples + 1)
        made.append(Trace(f"{split}-{number}", split, seconds, telemetry))
    return made


SETS = {
    "learnt": [*links(8, "train", 0), *links(3, "test", 1)],
    "unseen": links(2, "test", 2),
    "short": links(2, "test", 3, samples=20),
}
ONE = as_candidate(Ewma(0.7), MODEL, "1")


@pytest.fixture(scope="module")
def result() -> Iterator[ModeResult]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pba.evaluation.trees._ROUNDS", 5)
        yield evaluate(SETS, ONE, 30)


def test_every_rival_is_scored_on_the_moments_of_the_model(result: ModeResult) -> None:
    sets = result.figures["sets"]
    assert set(sets) == {"learnt", "unseen"}
    assert sets["learnt"]["moments"] == 3 * 30
    assert {"pba", "last_value", "mean_5", "holt", "ar", "gbt", "gbt_mode"} <= set(
        sets["learnt"]["scores"]
    )
    assert "gbt" not in sets["unseen"]["scores"], "nothing of that set to learn from"
    assert {one["1"]["count"] for one in sets["learnt"]["scores"].values()} == {90}
    assert result.figures["trained"] == ["learnt"]


def test_means_are_over_sets_and_the_pool_over_moments(result: ModeResult) -> None:
    figures = result.figures
    learnt, unseen = (figures["sets"][name]["scores"]["pba"]["1"] for name in ("learnt", "unseen"))
    assert figures["mean"]["pba"]["1"]["mae"] == pytest.approx((learnt["mae"] + unseen["mae"]) / 2)
    assert figures["mean_trained"]["pba"]["1"]["mae"] == learnt["mae"]
    assert figures["pooled"]["pba"]["1"]["count"] == 150
    assert figures["pooled"]["pba"]["1"]["mae"] == pytest.approx(
        (90 * learnt["mae"] + 60 * unseen["mae"]) / 150
    )
    assert "gbt" not in figures["mean"]


def test_each_rival_is_held_against_the_model(result: ModeResult) -> None:
    against = result.figures["sets"]["learnt"]["against"]
    assert "pba" not in against
    found = against["last_value"]["1"]
    scores = result.figures["sets"]["learnt"]["scores"]
    gap = scores["pba"]["1"]["accuracy_20"] - scores["last_value"]["1"]["accuracy_20"]
    assert found["value"] == pytest.approx(gap)
    assert found["verdict"] in ("better", "worse", "noise")


def test_a_second_run_takes_every_answer_from_the_first(tmp_path: Path) -> None:
    first = evaluate(SETS, ONE, 30, cache=tmp_path, trees=False)

    def never(telemetry: np.ndarray) -> None:
        raise AssertionError("asked again")

    again = evaluate(SETS, type(ONE)(MODEL, "1", never), 30, cache=tmp_path, trees=False)
    assert again.figures == first.figures


class ByTheHour(Ewma):
    """Says the hour of the newest sample, in Mbps."""

    def predict(self, telemetry: np.ndarray) -> Prediction:
        assert telemetry.shape[2] == len(v1_features.COLUMNS)
        said = super().predict(telemetry)
        return Prediction(said.probabilities, telemetry[:, -1, 4], said.path)


def test_v1_is_asked_at_the_same_moments_and_knows_the_time() -> None:
    (day,) = links(1, "test", 4, samples=50)
    hourly = replace(day, timestamps_s=1_772_409_600.0 + 3600.0 * np.arange(50))  # from midnight
    v1 = control_candidate(ByTheHour(), "1")
    result = evaluate({"link": [hourly]}, ONE, 30, trees=False, rivals=[v1])
    said = result.forecasts["link"][v1_features.NAME].bandwidth_mbps[:, 0]
    np.testing.assert_allclose(said, np.arange(29, 49) % 24, rtol=0.2)
    assert list(result.forecasts["link"])[:2] == [MODEL, v1_features.NAME]
    assert result.figures["sets"]["link"]["scores"][v1_features.NAME]["1"]["count"] == 20
    text = markdown({"internet": result.figures}, MODEL, {"internet": "internet-1"})
    assert "| set |  | pba | v1 | last value | EWMA |" in text


def test_the_report_is_json_and_tables(result: ModeResult) -> None:
    figures = json.loads(json.dumps({"internet": result.figures}, allow_nan=False))
    text = markdown(figures, MODEL, {"internet": "internet-1"})
    assert "## internet: internet-1, test traces" in text
    row = next(line for line in text.splitlines() if line.startswith("| unseen | "))
    assert row.count("|") == text.splitlines()[text.splitlines().index(row) - 1].count("|")
    assert "| learnt | latency_ms |" in text
    assert "nan" not in text


def test_pictures_are_drawn(result: ModeResult, tmp_path: Path) -> None:
    plots.draw_reliability(result.figures, MODEL, "internet", tmp_path / "a.png")
    plots.draw_accuracy(result.figures, MODEL, "internet", tmp_path / "b.png")
    said = {name: ones[MODEL] for name, ones in result.forecasts.items()}
    plots.draw_bands(said, result.moments, tmp_path / "c.png")
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("a.png", "b.png", "c.png"))


def test_traces_too_short_for_any_moment_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="no set has a test trace longer than 30"):
        evaluate({"short": SETS["short"]}, ONE, 30, trees=False)
