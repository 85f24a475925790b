"""The whole evaluation on small links: figures, cache, report and plots."""

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
    traces = []
    for number in range(count):
        telemetry = np.full((samples, 5), np.nan)
        telemetry[:, 0] = 50 * np.exp(np.cumsum(rng.normal(0, 0.1, samples)))
        telemetry[:, 1] = rng.uniform(10, 20, samples)
        seconds = np.arange(1.0, samples + 1)
        traces.append(Trace(f"{split}-{number}", split, seconds, telemetry))
    return traces


SETS = {
    "trained": [*links(8, "train", 0), *links(3, "test", 1)],
    "unseen": links(2, "test", 2),
    "short": links(2, "test", 3, samples=20),
}
MODEL_CANDIDATE = as_candidate(Ewma(0.7), MODEL, "1")


@pytest.fixture(scope="module")
def result() -> Iterator[ModeResult]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pba.evaluation.trees._ROUNDS", 5)
        yield evaluate(SETS, MODEL_CANDIDATE, 30)


def test_every_rival_is_scored_at_the_points_of_the_model(result: ModeResult) -> None:
    sets = result.figures["sets"]
    assert set(sets) == {"trained", "unseen"}
    assert sets["trained"]["moments"] == 3 * 30
    assert {"pba", "last_value", "mean_5", "holt", "ar", "gbt", "gbt_mode"} <= set(
        sets["trained"]["scores"]
    )
    assert "gbt" not in sets["unseen"]["scores"], "the set has no training traces"
    assert {one["1"]["count"] for one in sets["trained"]["scores"].values()} == {90}
    assert result.figures["trained"] == ["trained"]


def test_means_are_over_sets_and_the_pool_over_points(result: ModeResult) -> None:
    figures = result.figures
    trained, unseen = (
        figures["sets"][name]["scores"]["pba"]["1"] for name in ("trained", "unseen")
    )
    assert figures["mean"]["pba"]["1"]["mae"] == pytest.approx((trained["mae"] + unseen["mae"]) / 2)
    assert figures["mean_trained"]["pba"]["1"]["mae"] == trained["mae"]
    assert figures["pooled"]["pba"]["1"]["count"] == 150
    assert figures["pooled"]["pba"]["1"]["mae"] == pytest.approx(
        (90 * trained["mae"] + 60 * unseen["mae"]) / 150
    )
    assert "gbt" not in figures["mean"]


def test_each_rival_is_compared_with_the_model(result: ModeResult) -> None:
    against = result.figures["sets"]["trained"]["against"]
    assert "pba" not in against
    difference = against["last_value"]["1"]
    scores = result.figures["sets"]["trained"]["scores"]
    gap = scores["pba"]["1"]["accuracy_20"] - scores["last_value"]["1"]["accuracy_20"]
    assert difference["value"] == pytest.approx(gap)
    assert difference["verdict"] in ("better", "worse", "noise")


def test_a_second_run_reads_every_forecast_from_the_cache(tmp_path: Path) -> None:
    first = evaluate(SETS, MODEL_CANDIDATE, 30, cache=tmp_path, trees=False)

    def never(telemetry: np.ndarray) -> None:
        raise AssertionError("not cached")

    again = evaluate(
        SETS, type(MODEL_CANDIDATE)(MODEL, "1", never), 30, cache=tmp_path, trees=False
    )
    assert again.figures == first.figures


class HourForecaster(Ewma):
    """Predicts the hour of the newest sample, in Mbps."""

    def predict(self, telemetry: np.ndarray) -> Prediction:
        assert telemetry.shape[2] == len(v1_features.COLUMNS)
        prediction = super().predict(telemetry)
        return Prediction(prediction.probabilities, telemetry[:, -1, 4], prediction.path)


def test_v1_is_evaluated_at_the_same_points_and_sees_the_time() -> None:
    (day,) = links(1, "test", 4, samples=50)
    hourly = replace(day, timestamps_s=1_772_409_600.0 + 3600.0 * np.arange(50))  # from midnight
    v1 = control_candidate(HourForecaster(), "1")
    result = evaluate({"link": [hourly]}, MODEL_CANDIDATE, 30, trees=False, rivals=[v1])
    forecasts = result.forecasts["link"][v1_features.NAME].bandwidth_mbps[:, 0]
    np.testing.assert_allclose(forecasts, np.arange(29, 49) % 24, rtol=0.2)
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
    assert "| trained | latency_ms |" in text
    assert "nan" not in text


def test_plots_are_drawn(result: ModeResult, tmp_path: Path) -> None:
    plots.draw_reliability(result.figures, MODEL, "internet", tmp_path / "a.png")
    plots.draw_accuracy(result.figures, MODEL, "internet", tmp_path / "b.png")
    forecasts = {name: sets[MODEL] for name, sets in result.forecasts.items()}
    plots.draw_bands(forecasts, result.points, tmp_path / "c.png")
    assert all((tmp_path / name).stat().st_size > 5000 for name in ("a.png", "b.png", "c.png"))


def test_traces_too_short_for_any_point_are_refused() -> None:
    with pytest.raises(NotEnoughData, match="no set has a test trace longer than 30"):
        evaluate({"short": SETS["short"]}, MODEL_CANDIDATE, 30, trees=False)


def test_unseen_networks_have_a_mean_and_what_does_not_count_is_in_none() -> None:
    names = ("fcc_2016", "ghent_4g", "us_drive_tcp_2023", "hairpin_gaming", "starlink_iperf_2023")
    sets = {
        name: [*links(1, "train", seed, 40), *links(2, "test", seed + 10)]
        for seed, name in enumerate((*names, "zhuge_wifi_4g_200ms"))
    }
    trained_on = ("fcc_2016", "us_drive_tcp_2023", "hairpin_gaming")
    result = evaluate(sets, MODEL_CANDIDATE, 30, trees=False, trained_on=trained_on)
    figures = result.figures
    assert figures["trained"] == ["fcc_2016", "us_drive_tcp_2023"]
    assert figures["unseen"] == ["ghent_4g"]
    of_ghent = figures["sets"]["ghent_4g"]["scores"]["pba"]["1"]
    assert figures["mean_unseen"]["pba"]["1"]["accuracy_20"] == of_ghent["accuracy_20"]
    assert figures["pooled"]["pba"]["1"]["count"] == 4 * 60, "four of six sets count"
    text = markdown({"internet": figures}, MODEL, {"internet": "internet-1"})
    assert "\nUnseen networks: ghent_4g.\n" in text
    assert "\nIn no mean: hairpin_gaming, zhuge_wifi_4g_200ms.\n" in text
    assert "| **mean, unseen networks** | " in text
