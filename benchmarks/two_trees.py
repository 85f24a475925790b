"""One measurement on two states of the code: before every sample was doubted, and now."""

import subprocess
import sys
from collections.abc import Sequence

from benchmarks.servers import PROJECT, baseline

__all__ = ["BEFORE", "on_both"]

BEFORE = "2f879da"
"""The last commit that believes every sample."""


def on_both(module: str, arguments: Sequence[str]) -> tuple[str, str]:
    """Return what ``module`` prints on the code of `BEFORE`, and on that of this tree.

    The older tree gets this one's benchmarks, which therefore use only what both trees have.
    """
    command = [sys.executable, "-m", module, *arguments]
    with baseline(BEFORE) as folder:
        for file in (PROJECT / "benchmarks").glob("*.py"):
            (folder / "benchmarks" / file.name).write_bytes(file.read_bytes())
        before, now = (
            subprocess.run(command, cwd=tree, stdout=subprocess.PIPE, text=True, check=True).stdout
            for tree in (folder, PROJECT)
        )
    return before, now
