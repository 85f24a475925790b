import json

import pytest

from pba.errors import PBAError
from pba.forecasting.link_record import LinkRecord

ALL = dict.fromkeys(("model", "last_value", "ewma", "harmonic_mean"), True)


def test_a_record_survives_its_text_form():
    record = LinkRecord()
    for at, hit in ((0, True), (0, False), (1, True), (2, False)):
        record = record.after(at, 0.7, hit, ALL | {"model": hit})
    assert LinkRecord.from_json(record.to_json()) == record
    assert LinkRecord.from_json(None) == LinkRecord()


def test_only_outcomes_one_step_ahead_count_as_hits_and_misses_of_a_link():
    record = (
        LinkRecord().after(0, 0.9, True, ALL).after(0, 0.9, False, ALL).after(2, 0.9, True, ALL)
    )
    assert (record.scored, record.hits, record.accuracy_20) == (2, 1, 0.5)
    assert LinkRecord().accuracy_20 is None


def test_an_expert_that_an_old_record_lacks_gets_its_initial_weight():
    old = json.loads(LinkRecord().to_json())
    del old["weights"]["harmonic_mean"]
    assert LinkRecord.from_json(json.dumps(old)).weights["harmonic_mean"] == 0.05


def test_a_record_survives_its_packed_form():
    record = LinkRecord()
    for at, hit in ((0, True), (0, False), (1, True), (2, False)):
        record = record.after(at, 0.7, hit, ALL | {"model": hit})
    assert LinkRecord.from_bytes(record.to_bytes()) == record
    assert len(record.to_bytes()) == 121
    assert LinkRecord.from_bytes(None) == LinkRecord()


@pytest.mark.parametrize("body", [b"", b"\x02" + bytes(120), b"\x01" * 120])
def test_a_packed_form_that_is_unknown_is_refused(body: bytes):
    with pytest.raises(PBAError, match=r"121 bytes that begin with 01; received .*update"):
        LinkRecord.from_bytes(body)
