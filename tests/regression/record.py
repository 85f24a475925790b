"""Records the forecasts of the shipped models anew: `python -m tests.regression.record`.

To run when other models are shipped, and after an intended change of what is forecast. Which cases,
links and steps are recorded stays as it is in the fixtures. Compare them before they are committed:
the difference must be what was intended, and no more.
"""

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

from pba.rollout import Flags

from .replay import FIXTURES, fixture, forecast_given, replay, series, versions

GIVEN, STORED = "forecasts_given.json", "forecasts_stored.json"


def main() -> None:
    """Write both fixtures."""
    _write(GIVEN, recorded_given(fixture(GIVEN)))
    _write(STORED, asyncio.run(recorded_stored(fixture(STORED))))


def recorded_given(content: dict[str, Any]) -> dict[str, Any]:
    """Return ``content`` with today's forecasts from given histories."""
    samples = {name: series(body) for name, body in content["series"].items()}
    cases = [
        {**case, "forecast": forecast_given(case, samples[case["series"]])}
        for case in content["cases"]
    ]
    return {
        **content,
        "about": "Forecasts from given histories, by the shipped models.",
        "models": versions(),
        "cases": cases,
    }


async def recorded_stored(content: dict[str, Any]) -> dict[str, Any]:
    """Return ``content`` with what a replay of its links gives today."""
    links = {name: series(body) for name, body in content["series"].items()}
    with tempfile.TemporaryDirectory() as folder:
        path, flags = Path(folder) / "pba.db", Flags(**content["flags"])
        results, stored = await replay(path, flags, links, content["steps"])
        state = stored.state(list(links))
        stored.store.close()
    recorded = {(one["step"], one["link_id"]) for one in content["results"]}
    return {
        **content,
        "about": "What four links get, sample by sample, by the shipped models; and what the store "
        "holds at the end.",
        "models": versions(),
        "modes": {name: modes_of(results, name) for name in content["modes"]},
        "results": [one for one in results if (one["step"], one["link_id"]) in recorded],
        "state": state,
    }


def modes_of(results: list[dict[str, Any]], link_id: str) -> list[str]:
    """Return the mode in each receipt of a link."""
    return [one["receipt"]["mode"] for one in results if one["link_id"] == link_id]


def _write(name: str, content: dict[str, Any]) -> None:
    text = json.dumps(content, allow_nan=False, separators=(",", ":"))
    (FIXTURES / name).write_text(text)


if __name__ == "__main__":
    main()
