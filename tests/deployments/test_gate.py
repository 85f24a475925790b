import pytest

from deployments.gate import Gate
from pba.errors import Busy


def test_one_more_than_the_most_is_refused_and_a_free_place_is_taken_again():
    gate = Gate(2)
    with gate.admit():
        with gate.admit(), pytest.raises(Busy, match="2 requests"), gate.admit():
            pass
        with gate.admit():
            pass


def test_an_error_inside_frees_the_place():
    gate = Gate(1)
    with pytest.raises(KeyError), gate.admit():
        raise KeyError
    with gate.admit():
        pass
