"""The open alarms can be listed."""

import numpy as np

from pba.monitoring.drift_watch import open_alarms
from pba.store import Store
from tests.monitoring.builders import START_S, score_series


def test_an_alarm_of_a_link_is_listed_until_it_has_ended(store: Store):
    noise = np.exp(np.random.default_rng(3).normal(0.0, 0.05, (500, 1)))
    score_series(store, ["l0"], 100.0 * noise[:200])
    assert open_alarms(store) == []
    score_series(store, ["l0"], 60.0 * noise[200:260], 200)
    (alarm,) = open_alarms(store)
    assert (alarm["link_id"], alarm["mode"], alarm["ended_s"]) == ("l0", None, None)
    assert "level" in {change["what"] for change in alarm["changes"]}
    assert START_S + 195 <= alarm["since_s"] <= START_S + 205
    score_series(store, ["l0"], 60.0 * noise[260:], 260)
    assert open_alarms(store) == []
