"""Recent days weigh more, old traces keep their share, and no window crosses a cut."""

import numpy as np
import pytest

from pba.telemetry.traces import Trace
from train.splits import TraceSplits
from train.telemetry_slices import TimeCuts, between, by_day
from train.training_mix import training_mix, window_count

DAY_S = 86_400.0
WINDOW = 10
NOTHING: TraceSplits = {"train": {}, "val": {}, "test": {}}


def link(name: str, days: int = 5, a_day: int = 240, split: str = "") -> Trace:
    """Return a link whose rate is the number of its sample, from 1."""
    count = days * a_day
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = 1.0 + np.arange(count)
    return Trace(name, split, np.arange(count) * DAY_S / a_day, telemetry)


LINKS = [link("a"), link("b")]
OLD: TraceSplits = {
    split: {name: [link(name, 3, split=split)] for name in ("one", "two")}
    for split in ("train", "val", "test")
}


def test_the_windows_of_a_day_are_those_that_end_in_it() -> None:
    days = by_day(LINKS[:1], WINDOW)
    assert len(days) == 5
    counts = [window_count(series, WINDOW) for series in days.values()]
    assert counts == [240 - WINDOW + 1, 240, 240, 240, 239]
    assert sum(counts) == window_count(LINKS[:1], WINDOW)


def test_the_newest_fifth_is_for_the_gate_and_no_window_crosses_a_cut() -> None:
    cuts = TimeCuts.of(LINKS)
    mixed = training_mix(LINKS, cuts, NOTHING, WINDOW, 10_000, 0.5)
    splits = (mixed.splits.train, mixed.splits.val, mixed.splits.test)
    seen = [set(split.values[:, 0].tolist()) for split in splits]
    whole = {1.0 + index for index in range(5 * 240)}
    natural = [{value for value in values if value == int(value)} for values in seen]
    assert natural[0] | natural[1] | natural[2] <= whole
    assert not seen[1] & seen[2]
    assert max(seen[0]) < min(seen[1]) <= max(seen[1]) < min(seen[2])
    assert len(seen[2]) == pytest.approx(0.2 * 5 * 240, abs=2)


def test_telemetry_that_the_champion_has_seen_is_not_in_the_gates_slice() -> None:
    cuts = TimeCuts.of(LINKS, seen_until_s=4.5 * DAY_S)
    assert cuts.gate_from_s == 4.5 * DAY_S
    assert cuts.val_from_s < cuts.gate_from_s
    assert TimeCuts.of(LINKS, seen_until_s=1.0 * DAY_S).gate_from_s == pytest.approx(
        4 * DAY_S, abs=DAY_S / 100
    )


def test_a_day_weighs_four_fifths_of_the_next() -> None:
    cuts = TimeCuts(0.0, 3 * DAY_S, 4 * DAY_S, 5 * DAY_S)
    mixed = training_mix(LINKS, cuts, NOTHING, WINDOW, 10**9, 0.5)
    drawn = dict(zip(mixed.splits.train.names, mixed.epoch_quotas, strict=True))
    counts = {name: len(windows) for name, windows in mixed.splits.train.by_set()}
    shares = [drawn[name] / counts[name] for name in drawn]
    assert list(drawn) == [f"telemetry@1970-01-0{day}" for day in (1, 2, 3)]
    assert shares == pytest.approx([0.64, 0.8, 1.0], abs=0.01)


def test_old_traces_keep_their_share_each_set_alike() -> None:
    cuts = TimeCuts.of(LINKS)
    mixed = training_mix(LINKS, cuts, OLD, WINDOW, 600, 0.25)
    drawn = dict(zip(mixed.splits.train.names, mixed.epoch_quotas, strict=True))
    assert drawn["one"] == drawn["two"] == 75
    assert sum(drawn.values()) == pytest.approx(600, abs=3)
    order = mixed.splits.train.draw_stretches(np.random.default_rng(0), 1, mixed.epoch_quotas)
    groups = np.bincount(mixed.splits.train.groups[order])
    assert groups.tolist() == list(mixed.epoch_quotas)
    validated = mixed.splits.val.draw(np.random.default_rng(0), mixed.val_quotas)
    assert len(validated) == sum(mixed.val_quotas)
    assert mixed.splits.trained_on == ("one", "two", "telemetry")


def test_the_card_states_what_an_epoch_draws() -> None:
    entries = training_mix(LINKS, TimeCuts.of(LINKS), OLD, WINDOW, 600, 0.25).card_entries()
    assert entries["windows_an_epoch"]["one"] == 75


def test_a_link_without_samples_in_a_slice_is_not_in_it() -> None:
    assert between(LINKS, 9 * DAY_S, np.inf) == []
