"""Records as arrays are packed as each record alone."""

import pytest
from hypothesis import given, strategies as st

from pba.errors import PBAError
from pba.forecasting.calibration import Reliability
from pba.forecasting.fixed_share import EXPERTS
from pba.forecasting.link_record import LinkRecord
from pba.forecasting.record_table import RecordTable
from pba.forecasting.stretch import Stretch

_sum = st.floats(0.0, 500.0)
_reliability = st.builds(Reliability, _sum, _sum, _sum)
_factor = st.floats(-1.5, 1.0)
_count = st.integers(0, 2**40)
link_records = st.builds(
    LinkRecord,
    st.fixed_dictionaries(dict.fromkeys(EXPERTS, st.floats(0.0, 1.0))),
    st.tuples(*[_reliability] * 6),
    _count,
    _count,
    st.tuples(*[st.builds(Stretch, _factor, _factor)] * 6),
)


@given(st.lists(link_records | st.none(), max_size=5))
def test_a_table_has_the_packed_form_of_each_record(several: list[LinkRecord | None]):
    bodies = [record and record.to_bytes() for record in several]
    table = RecordTable.from_bytes(bodies)
    assert len(table) == len(several)
    assert table.to_bytes() == [(record or LinkRecord()).to_bytes() for record in several]
    assert [table.record(row) for row in range(len(table))] == [
        record or LinkRecord() for record in several
    ]


def test_a_table_of_another_form_is_refused():
    with pytest.raises(PBAError, match=r"289 bytes that begin with 02, .* received .*update"):
        RecordTable.from_bytes([LinkRecord().to_bytes(), b"\x02" + bytes(192)])
