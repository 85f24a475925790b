"""Versions and cards."""

import hashlib
import json
import re
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pba.models.distribution import Bins
from pba.types import COLUMNS, NetworkMode
from train.model_card import make_card, markdown, next_version, revision

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("internet-2026.11.23-1", "internet-2026.11.23-2"),
        ("internet-2026.11.23-9", "internet-2026.11.23-10"),
        ("internet-2026.11.22-7", "internet-2026.11.23-1"),
    ],
)
def test_versions_are_numbered_within_a_day(tmp_path: Path, before: str, expected: str) -> None:
    (tmp_path / "card.json").write_text(json.dumps({"version": before}))
    assert next_version(NetworkMode.INTERNET, TODAY, tmp_path) == expected


def figures(accuracy: float) -> dict[str, Any]:
    keys = ("accuracy_10", "mae", "rmse", "mdape", "smape", "bias", "pinball", "coverage_90")
    return dict.fromkeys(keys, 0.5) | {"accuracy_20": accuracy}


def both(*horizons: str) -> dict[str, Any]:
    candidates = {"model": figures(0.61), "last_value": figures(0.58)}
    return {name: dict.fromkeys(horizons, values) for name, values in candidates.items()}


def example_card() -> dict[str, Any]:
    every = both("1", "5", "15")
    metrics = {
        "sets": {"fcc_2016": {"windows": 7, **every}, "short": {"windows": 3, **both("1")}},
        "pooled": every,
        "mean_trained": every,
        "mean": every,
    }
    metadata = {
        "mode": "internet",
        "version": "internet-2026.11.23-1",
        "window": "60",
        "columns": json.dumps(COLUMNS),
        "columns_seen": "[true, true, false, false, false]",
        "bin_edges": "[-1.0, 0.0, 1.0]",
        "trained_on": '["fcc_2016"]',
        "revision": "abc",
    }
    return make_card(
        b"onnx",
        metadata,
        seed=0,
        epochs=3,
        sharpness=(1.0, 0.95, 1.05),
        machine="m",
        command="python -m train",
        metrics=metrics,
    )


def test_a_card_has_the_entries_that_serving_and_readers_need() -> None:
    card = example_card()
    entries = "name mode version sha256 window horizons columns columns_seen bins trained_on seed"
    assert set(entries.split()) | {"revision", "machine", "command", "metrics"} <= set(card)
    assert card["window"] == 60
    assert card["sha256"] == hashlib.sha256(b"onnx").hexdigest()
    json.dumps(card)


def test_the_markdown_shows_the_model_beside_the_last_value() -> None:
    text = markdown(example_card())
    assert "| fcc_2016 | 7 | 0.610 / 0.580 |" in text
    assert text.count("| short |") == 1
    assert text.count("**mean, sets trained on**") == 3
    assert "Sharpness, fitted on `val`: 1: 1; 5: 0.95; 15: 1.05" in text
    assert "bandwidth_mbps, latency_ms\n" in text


def test_the_card_of_v1_states_its_constant_confidence_and_factor() -> None:
    bins = Bins.spaced(122, 6.0, 0.05)
    spread = np.full((3, 122), 0.1 / 121)
    spread[:, bins.index(np.array(0.0))] = 0.9
    card = example_card() | {
        "mode": "v1",
        "columns": [*COLUMNS[:4], "hour"],
        "spread": spread.tolist(),
        "bins": bins.edges.tolist(),
    }
    del card["sharpness"]
    text = markdown(card)
    assert "The control arm" in text
    assert "the same for every window, measured on `val`: 0.9" in text
    assert "its number is multiplied by 1.000, 1.000, 1.000" in text
    assert "Sharpness" not in text


def test_the_revision_is_that_of_the_checkout_and_marks_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *words], check=True)

    module = tmp_path / "train" / "model_card.py"
    module.parent.mkdir()
    module.write_text("first")
    monkeypatch.setattr("train.model_card.__file__", str(module))
    git("init", "--quiet")
    assert revision() == "unknown", "the file is not under version control"
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    assert re.fullmatch("[0-9a-f]{12}", revision())
    module.write_text("second")
    assert re.fullmatch("[0-9a-f]{12}-dirty", revision())
