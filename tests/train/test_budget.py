"""Windows of an epoch: within the budget, even over sets, whole stretches."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from pba.errors import InvalidInput
from pba.types import NetworkMode
from pba.types.profile import PROFILES
from tests.train.test_splits import SPLITS, write_set
from train.__main__ import app
from train.budget import BUDGETS, epoch_quotas
from train.set_selection import SetSelection
from train.training_command import DataSource, PlanSettings, TrainingRequest, _run


def test_all_sets_give_alike_and_small_ones_all_they_have() -> None:
    assert epoch_quotas([10_000, 40, 10_000, 200], 2240, 8) == (1000, 40, 1000, 200)
    assert epoch_quotas([160, 80], 10_000, 8) == (160, 80)


def test_a_limit_per_set_holds_too() -> None:
    assert epoch_quotas([10_000, 40, 500], 10_000, 8, most=100) == (96, 40, 96)


@pytest.mark.parametrize("windows", [50, 999, 12_345])
def test_an_epoch_never_exceeds_its_windows(windows: int) -> None:
    quotas = epoch_quotas([9, 500, 0, 3000, 700_000, 17], windows, 8)
    assert windows - 8 * 6 < sum(quotas) <= windows or sum(quotas) == 9 + 500 + 3000 + 17
    assert quotas[2] == 0


def test_a_run_keeps_to_the_budget_of_its_mode_and_teachers(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_set(tmp_path / "datacenter", name, SPLITS, 10.0)
    shape = PROFILES[NetworkMode.DATACENTER]
    source = DataSource(traces=tmp_path, selection=SetSelection())
    for settings, of_epoch in (
        (PlanSettings(teachers=1, epochs=5, budget=320), 32),
        (PlanSettings(teachers=3, epochs=5, budget=320), 16),
        (PlanSettings(epochs=5), 32),
    ):
        plan = _run(TrainingRequest([shape], source, settings, tmp_path / "out"), shape).plan
        assert plan.windows_an_epoch == of_epoch
    assert BUDGETS == {"internet": 8_000_000, "datacenter": 2_000_000}


def test_a_budget_for_no_window_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path / "datacenter", "a", SPLITS, 10.0)
    words = ["--mode", "datacenter", "--traces", str(tmp_path), "--budget", "3"]
    words += ["--output", str(tmp_path / "out")]
    with pytest.raises(InvalidInput, match="--budget is 3: too few windows for 30 epochs of 1"):
        CliRunner().invoke(app, words, catch_exceptions=False)
