"""What tests that build a test bed share."""

import os
from pathlib import Path

import pytest

from tests.cluster.bed.isolation import obstacle
from tests.cluster.bed.machine import PROJECT

__all__ = ["NEEDS_BED", "bed_environment", "traces_of_beds"]

NEEDS_BED = pytest.mark.skipif(bool(reason := obstacle()), reason=str(reason))
_MARK = "PBA_TEST_BED"


def bed_environment() -> dict[str, str]:
    """Return the variables of a bed that `traces_of_beds` recognises."""
    return os.environ | {"PYTHONPATH": str(PROJECT), _MARK: str(os.getpid())}


def traces_of_beds() -> set[str]:
    """Return what a bed could leave: network devices, folders, and processes of these tests."""
    mark = f"{_MARK}={os.getpid()}".encode()
    left = {path.name for path in Path("/sys/class/net").iterdir()}
    left |= {str(path) for path in Path("/srv").iterdir()}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                left.add(process.name)
        except OSError:
            continue  # it has ended
    return left
