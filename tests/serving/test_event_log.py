from pathlib import Path

import pytest

from pba.serving.event_log import EventLog
from pba.store import Store
from pba.types import Event

EVENT = Event("model_serving", 2e9, None, {"model": "internet", "version": "a"})


def test_an_event_is_stored(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    store = Store(f"sqlite:///{tmp_path}/pba.db", lambda: 2e9)
    EventLog(store).add(EVENT)
    (event,) = store.events()
    store.close()
    assert (event.kind, event.body) == (EVENT.kind, EVENT.body)
    assert caplog.records == []


def test_without_a_store_an_event_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    EventLog(Store(f"postgresql://nobody@/x?host={tmp_path}", lambda: 2e9)).add(EVENT)
    (record,) = caplog.records
    assert (record.message, record.kind) == ("event_not_stored", "model_serving")  # type: ignore[attr-defined]
    assert "internet" in record.body  # type: ignore[attr-defined]
