import json
import struct

import pytest

from pba.errors import PBAError
from pba.forecasting.calibration import Reliability
from pba.forecasting.fixed_share import EXPERTS
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.record_table import RecordTable
from pba.forecasting.stretch import Stretch

WEIGHTS = (0.5, 0.25, 0.125, 0.125)
NONE = (Reliability(),) * 3
ALL = dict.fromkeys(("model", "last_value", "ewma", "harmonic_mean"), True)


def test_a_record_survives_its_text_form():
    record = LinkRecord()
    for at, hit in ((0, True), (0, False), (1, True), (2, False)):
        record = record.after(at, 0.7, hit, ALL | {"model": hit}, (hit, False))
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
        record = record.after(at, 0.7, hit, ALL | {"model": hit}, (hit, False))
    assert LinkRecord.from_bytes(record.to_bytes()) == record
    assert len(record.to_bytes()) == 289
    assert LinkRecord.from_bytes(None) == LinkRecord()


def test_an_outcome_widens_the_interval_that_it_missed_and_no_other():
    record = LinkRecord().after(1, 0.9, True, ALL, (False, True))
    assert record.stretch[1].below < 0.0 < record.stretch[1].above
    assert record.stretch[:1] + record.stretch[2:] == (Stretch(),) * 5
    assert record.after(1, 0.9, True, ALL).stretch == record.stretch


def test_a_packed_form_without_intervals_is_read():
    first = struct.pack("<B4d3d3d3d2q", 1, *WEIGHTS, *(3.0, 2.0, 1.0), *[1.0] * 3, *[0.5] * 3, 3, 1)
    record = LinkRecord.from_bytes(first)
    known = tuple(Reliability(outcomes, 1.0, 0.5) for outcomes in (3.0, 2.0, 1.0))
    expected = LinkRecord(dict(zip(EXPERTS, WEIGHTS, strict=True)), (*known, *NONE), 3, 1)
    assert record == expected
    assert RecordTable.from_bytes([first, None]).to_bytes() == [
        expected.to_bytes(),
        LinkRecord().to_bytes(),
    ]


def test_a_text_form_without_intervals_is_read():
    document = json.loads(LinkRecord(scored=2).to_json())
    document["reliability"] = [[1.0, 1.0, 0.5]] * 3
    del document["stretch"]
    record = LinkRecord.from_json(json.dumps(document))
    assert record.reliability == (*[Reliability(1.0, 1.0, 0.5)] * 3, *NONE)
    assert record.stretch == LinkRecord().stretch


def test_the_outcome_of_an_interval_leaves_the_weights():
    record = LinkRecord().after(4, 0.9, False, ALL | {"model": False})
    assert (record.weights, record.scored) == (LinkRecord().weights, 0)
    assert record.reliability[4] == Reliability(1.0, 0.0, 0.9)


@pytest.mark.parametrize("body", [b"", b"\x02" + bytes(192), b"\x01" * 120, b"\x01" * 289])
def test_a_packed_form_that_is_unknown_is_refused(body: bytes):
    with pytest.raises(PBAError, match=r"289 bytes that begin with 02, .* received .*update"):
        LinkRecord.from_bytes(body)
