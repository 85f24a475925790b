import pytest

from pba.errors import Busy
from pba.serving.admission import Admission


def test_one_more_than_the_most_is_refused_and_a_free_place_is_taken_again():
    gate = Admission(2)
    with gate.admit():
        with gate.admit(), pytest.raises(Busy, match="2 requests"), gate.admit():
            pass
        with gate.admit():
            pass


def test_an_error_inside_frees_the_place():
    gate = Admission(1)
    with pytest.raises(KeyError), gate.admit():
        raise KeyError
    with gate.admit():
        pass
