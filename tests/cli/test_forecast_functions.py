from typing import ClassVar, cast

import numpy as np

from pba.cli.forecast_functions import StoredLink
from pba.client import AsyncPBAClient
from pba.types import History


async def test_a_stored_link_reports_each_sample_once():
    class Client:
        timestamps_s: ClassVar[list[float]] = []

        async def observe(self, link_id: str, samples: History) -> None:
            assert link_id == "a"
            self.timestamps_s += samples.timestamps_s.tolist()

    history = History(np.arange(9.0), np.full((9, 5), 0.5))
    link = StoredLink(cast("AsyncPBAClient", Client()), "a")
    for end in (2, 3, 5, 9):
        await link.report(history.first(end).last(4))
    assert Client.timestamps_s == list(range(9))
