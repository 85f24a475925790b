"""The report for a toy model with known predictions: it repeats the last value."""

import numpy as np
import pytest

from pba.models.onnx import OnnxForecaster
from pba.telemetry.datasets import WindowSet
from pba.types import History, NetworkMode
from tests.toy import toy_onnx
from train.run_evaluation import evaluate


def link(rates: list[float]) -> History:
    telemetry = np.full((len(rates), 5), np.nan)
    telemetry[:, 0] = rates
    return History(np.arange(1.0, len(rates) + 1), telemetry)


@pytest.fixture(scope="module")
def report() -> dict:
    forecaster = OnnxForecaster(toy_onnx(NetworkMode.DATACENTER))
    sets = {
        "steady": [link([100.0] * 60)],
        "doubling": [link([100.0] * 30 + [200.0])],
        "outage": [link([0.0] * 32)],
        "empty": [],
    }
    return evaluate(forecaster, WindowSet.of(sets, 30), ("steady", "doubling"))


def test_each_set_counts_its_windows_and_an_empty_one_is_left_out(report: dict) -> None:
    assert {name: figures["windows"] for name, figures in report["sets"].items()} == {
        "steady": 30,
        "doubling": 1,
        "outage": 2,
    }


def test_model_and_last_value_are_measured_alike(report: dict) -> None:
    steady, doubling = report["sets"]["steady"], report["sets"]["doubling"]
    assert steady["model"]["1"]["accuracy_20"] == steady["last_value"]["1"]["accuracy_20"] == 1.0
    assert steady["last_value"]["1"]["mae"] == 0.0
    assert doubling["last_value"]["1"]["accuracy_20"] == 0.0
    assert doubling["last_value"]["1"]["mae"] == 100.0


def test_a_forecast_of_zero_is_a_hit_in_an_outage(report: dict) -> None:
    outage = report["sets"]["outage"]
    assert outage["last_value"]["1"]["accuracy_20"] == 1.0
    assert outage["model"]["1"]["accuracy_20"] == 1.0


def test_horizons_beyond_the_end_of_a_set_are_left_out(report: dict) -> None:
    assert set(report["sets"]["doubling"]["model"]) == {"1"}
    assert set(report["sets"]["steady"]["model"]) == {"1", "5", "15"}


def test_means_weigh_sets_equally_and_the_pool_weighs_windows_equally(report: dict) -> None:
    assert report["mean_trained"]["last_value"]["1"]["accuracy_20"] == 0.5
    assert report["mean_trained"]["last_value"]["15"]["accuracy_20"] == 1.0
    assert report["mean"]["last_value"]["1"]["accuracy_20"] == pytest.approx(2 / 3)
    assert report["pooled"]["last_value"]["1"]["accuracy_20"] == pytest.approx(32 / 33)
