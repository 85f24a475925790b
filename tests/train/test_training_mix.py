"""Recent days weigh more, old traces keep their share, and nothing reaches over a cut."""

import numpy as np
import pytest

from pba.telemetry.traces import Trace
from train.data import Parts
from train.telemetry_slices import TimeCuts, between, by_day
from train.training_mix import mix, window_count

DAY_S = 86_400.0
WINDOW = 10
NOTHING: Parts = {"train": {}, "val": {}, "test": {}}


def link(name: str, days: int = 5, a_day: int = 240, split: str = "") -> Trace:
    """Return a link whose rate tells the number of its sample."""
    count = days * a_day
    telemetry = np.full((count, 5), np.nan)
    telemetry[:, 0] = 1.0 + np.arange(count)
    return Trace(name, split, np.arange(count) * DAY_S / a_day, telemetry)


LINKS = [link("a"), link("b")]
OLD: Parts = {
    split: {name: [link(name, 3, split=split)] for name in ("one", "two")}
    for split in ("train", "val", "test")
}


def test_a_days_windows_are_those_that_end_in_it() -> None:
    days = by_day(LINKS[:1], WINDOW)
    assert len(days) == 5
    counts = [window_count(series, WINDOW) for series in days.values()]
    assert counts == [240 - WINDOW + 1, 240, 240, 240, 239]
    assert sum(counts) == window_count(LINKS[:1], WINDOW)


def test_the_newest_fifth_is_the_gates_and_no_window_reaches_over_a_cut() -> None:
    cuts = TimeCuts.of(LINKS)
    mixed = mix(LINKS, cuts, NOTHING, WINDOW, 10_000, 0.5)
    parts = (mixed.splits.train, mixed.splits.val, mixed.splits.test)
    seen = [set(part.values[:, 0].tolist()) for part in parts]
    whole = {1.0 + at for at in range(5 * 240)}
    natural = [{value for value in one if value == int(value)} for one in seen]
    assert natural[0] | natural[1] | natural[2] <= whole
    assert not seen[1] & seen[2]
    assert max(seen[0]) < min(seen[1]) <= max(seen[1]) < min(seen[2])
    assert len(seen[2]) == pytest.approx(0.2 * 5 * 240, abs=2)


def test_what_the_champion_has_seen_is_not_judged_on() -> None:
    cuts = TimeCuts.of(LINKS, seen_until_s=4.5 * DAY_S)
    assert cuts.gate_from_s == 4.5 * DAY_S
    assert cuts.val_from_s < cuts.gate_from_s
    assert TimeCuts.of(LINKS, seen_until_s=1.0 * DAY_S).gate_from_s == pytest.approx(
        4 * DAY_S, abs=DAY_S / 100
    )


def test_a_day_counts_four_fifths_of_the_next() -> None:
    cuts = TimeCuts(0.0, 3 * DAY_S, 4 * DAY_S, 5 * DAY_S)
    mixed = mix(LINKS, cuts, NOTHING, WINDOW, 10**9, 0.5)
    drawn = dict(zip(mixed.splits.train.names, mixed.an_epoch, strict=True))
    held = {name: len(at) for name, at in mixed.splits.train.by_set()}
    shares = [drawn[name] / held[name] for name in drawn]
    assert list(drawn) == [f"telemetry@1970-01-0{day}" for day in (1, 2, 3)]
    assert shares == pytest.approx([0.64, 0.8, 1.0], abs=0.01)


def test_old_traces_keep_their_share_each_set_alike() -> None:
    cuts = TimeCuts.of(LINKS)
    mixed = mix(LINKS, cuts, OLD, WINDOW, 600, 0.25)
    drawn = dict(zip(mixed.splits.train.names, mixed.an_epoch, strict=True))
    assert drawn["one"] == drawn["two"] == 75
    assert sum(drawn.values()) == pytest.approx(600, abs=3)
    order = mixed.splits.train.draw_stretches(np.random.default_rng(0), 1, mixed.an_epoch)
    groups = np.bincount(mixed.splits.train.groups[order])
    assert groups.tolist() == list(mixed.an_epoch)
    validated = mixed.splits.val.draw(np.random.default_rng(0), mixed.to_validate)
    assert len(validated) == sum(mixed.to_validate)
    assert mixed.splits.trained_on == ("one", "two", "telemetry")


def test_a_card_can_tell_what_an_epoch_draws() -> None:
    told = mix(LINKS, TimeCuts.of(LINKS), OLD, WINDOW, 600, 0.25).told()
    assert told["windows_an_epoch"]["one"] == 75


def test_links_that_reported_nothing_in_a_slice_are_not_in_it() -> None:
    assert between(LINKS, 9 * DAY_S, np.inf) == []
