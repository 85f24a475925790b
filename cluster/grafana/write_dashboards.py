"""Write the Grafana dashboards beside this file: `make dashboards`."""

import json
from pathlib import Path

from cluster.grafana.dashboard_document import document
from cluster.grafana.quality_dashboard import QUALITY
from cluster.grafana.rollout_dashboard import ROLLOUT
from cluster.grafana.service_dashboard import SERVICE

__all__ = ["DASHBOARDS", "FOLDER"]

FOLDER = Path(__file__).with_name("dashboards")
DASHBOARDS = {"service": SERVICE, "quality": QUALITY, "rollout": ROLLOUT}
"""The dashboards by the names of their files."""


def main() -> None:
    """Write all dashboards."""
    FOLDER.mkdir(exist_ok=True)
    for name in DASHBOARDS:
        text = json.dumps(document(name, DASHBOARDS[name]), indent=2) + "\n"
        (FOLDER / f"{name}.json").write_text(text)


if __name__ == "__main__":
    main()
