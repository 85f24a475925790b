"""Print how much of each package the tests run, and fail below the limits.

`python -m tests.support.coverage_report`, after `pytest --cov`. The figure is coverage's own: the
share of statements and branches that ran. The least covered files are listed too.
"""

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, TextIO

from coverage import Coverage

LIMITS = {"pba": 95.0, "deployments": 85.0, "train": 85.0}
LISTED_FILES = 5


def figures(package: str) -> dict[str, Any]:
    """Return coverage's JSON report on ``package``."""
    coverage = Coverage(messages=False)
    coverage.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        coverage.json_report(outfile=str(path), include=[f"{package}/*"])
        report: dict[str, Any] = json.loads(path.read_text())
        return report


def lines(package: str, limit: float, report: dict[str, Any]) -> list[str]:
    """Return what is shown of one package."""
    total = report["totals"]
    branches = 100.0 * total["covered_branches"] / max(total["num_branches"], 1)
    head = f"{package:12} {total['percent_covered']:5.1f} %  of branches alone {branches:5.1f} %"
    shares = {name: file["summary"]["percent_covered"] for name, file in report["files"].items()}
    least = sorted(shares, key=lambda name: shares[name])[:LISTED_FILES]
    rows = [f"    {shares[name]:5.1f} %  {name}" for name in least if shares[name] < limit]
    return [f"{head}  (at least {limit:g} %)", *rows]


def main(output: TextIO) -> int:
    """Print the report; return the exit status."""
    failed = []
    output.write("Coverage of statements and branches, and the least covered files:\n")
    for package, limit in LIMITS.items():
        report = figures(package)
        output.write("\n".join(lines(package, limit, report)) + "\n")
        if report["totals"]["percent_covered"] < limit:
            failed.append(package)
    if failed:
        output.write(f"Too little is covered: {', '.join(failed)}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.stdout))
