from typing import Any, ClassVar, cast

import numpy as np
import pytest

from pba.cli.forecast_functions import StoredLink
from pba.client import AsyncPBAClient
from pba.errors import InvalidSample
from pba.types import History


async def test_a_stored_link_reports_each_sample_once():
    class Client:
        timestamps_s: ClassVar[list[float]] = []

        async def observe(self, link_id: str, samples: History) -> dict[str, Any]:
            assert link_id == "a"
            self.timestamps_s += samples.timestamps_s.tolist()
            return {"refused": []}

    history = History(np.arange(9.0), np.full((9, 5), 0.5))
    link = StoredLink(cast("AsyncPBAClient", Client()), "a")
    for end in (2, 3, 5, 9):
        await link.report(history.first(end).last(4))
    assert Client.timestamps_s == list(range(9))


async def test_a_sample_that_the_service_refuses_ends_the_replay():
    class Client:
        async def observe(self, *_: object) -> dict[str, Any]:
            error = InvalidSample("ahead", "samples[1].timestamp").body()
            return {"refused": [{"index": 1, "link_id": "a", "error": error}]}

    link = StoredLink(cast("AsyncPBAClient", Client()), "a")
    with pytest.raises(InvalidSample, match="ahead"):
        await link.report(History(np.arange(3.0), np.full((3, 5), 0.5)))
