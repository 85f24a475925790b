"""Admission of requests: a limit, and places that come free again."""

import pytest

from pba.errors import Busy
from pba.serving.admission import Admission


def test_one_more_than_the_limit_is_refused_by_name_and_number():
    admission = Admission(2, "reports")
    with admission.admit(), admission.admit():
        assert admission.in_flight == 2
        with pytest.raises(Busy, match="2 reports are in flight"), admission.admit():
            pass
        assert admission.in_flight == 2
    assert admission.in_flight == 0
    assert admission.admitted == 2, "what is refused is not counted"


def test_an_error_inside_frees_the_place():
    admission = Admission(1)
    for _ in range(3):
        with pytest.raises(KeyError), admission.admit():
            raise KeyError
    with admission.admit():
        pass
