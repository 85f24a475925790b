"""A store's state is in the database alone."""

import pytest

from pba.store import Store
from tests.store.builders import NOW_S, sample_report, stored_forecast, write


def test_another_store_on_the_database_reads_what_the_first_wrote(store: Store, url: str):
    write(store, sample_report("a", 0, 3))
    again = Store(url, lambda: NOW_S).ready()
    assert len(again.link_contexts(["a"])["a"].history) == 3
    again.close()


def test_a_batch_that_fails_writes_nothing(store: Store):
    forecast = stored_forecast("a", 0, prediction={"points_mbps": {1, 2}})
    with pytest.raises(KeyError, match="confidence"):
        write(store, sample_report("a", 0, 3), forecasts=[forecast])
    assert store.links(None, "", 10) == []
