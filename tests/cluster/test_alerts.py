"""The rules of Prometheus: what each alert is raised by, what ends it, and what explains it."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from deployments.metric_table import METRICS

PROJECT = Path(__file__).parents[2]
RULES = PROJECT / "cluster/alerts.yml"
TESTS = Path(__file__).with_name("alert_tests.yml")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[str]:
    return [rule["alert"] for rule in rules() if "alert" in rule]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool (Debian: prometheus)")
def test_each_alert_is_raised_by_its_cause_and_ends_with_it(tmp_path: Path):
    for file in (RULES, TESTS):
        shutil.copy(file, tmp_path)
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", TESTS.name]):
        run = subprocess.run(
            ["promtool", *command], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr


def test_each_alert_is_tested_both_ways():
    tests = yaml.safe_load(TESTS.read_text())["tests"]
    raised: dict[str, set[bool]] = {}
    for test in tests:
        for case in test["alert_rule_test"]:
            raised.setdefault(case["alertname"], set()).add(bool(case.get("exp_alerts")))
    assert raised == {alert: {True, False} for alert in alerts()}


def test_each_alert_has_a_runbook():
    headings = re.findall(r"^### (\w+)$", (PROJECT / "docs/operations.md").read_text(), re.M)
    assert headings == alerts()
    for rule in rules():
        if "alert" in rule:
            anchor = f"docs/operations.md#{rule['alert'].lower()}"
            assert rule["annotations"]["runbook_url"] == anchor


def test_each_metric_in_the_rules_is_one_that_the_service_exports():
    used = set(re.findall(r"ray_(\w*pba_\w+)", RULES.read_text()))
    assert {re.sub("_(bucket|count)$", "", name) for name in used} <= set(METRICS)
    records = {rule["record"] for rule in rules() if "record" in rule}
    assert set(re.findall(r"pba:\w+:\w+", RULES.read_text())) == records
