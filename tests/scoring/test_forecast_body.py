"""A prediction survives its packed form, as far as scoring needs it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from pba.errors import PBAError
from pba.forecasting.fixed_share import EXPERTS
from pba.scoring.forecast_body import MEMBERS_BYTES, pack, pack_all, unpack, unpack_all
from pba.types import QUANTILES
from tests.scoring.builders import PREDICTION

NEAREST = 1.0 / 65535
SINGLE = 2.0**-23


def prediction_of(rates: list[float], shares: list[float], seed: int) -> dict[str, Any]:
    """Return a prediction whose values are drawn from few."""
    rng = np.random.default_rng(seed)
    experts = rng.permutation(EXPERTS)[: rng.integers(len(EXPERTS) + 1)]
    targets = int(rng.choice([3, 5, 6]))  # without intervals, of the data centre, of the internet
    return {
        "points_mbps": rng.choice(rates, targets).tolist(),
        "confidence": rng.choice(shares, targets).tolist(),
        "unadapted": rng.choice(shares, targets).tolist(),
        "quantiles_mbps": np.sort(rng.choice(rates, (targets, 7))).tolist(),
        "members": {str(name): rng.choice(rates, 3).tolist() for name in experts},
    }


predictions = st.builds(
    prediction_of,
    st.lists(st.just(0.0) | st.floats(1e-30, 1e7), min_size=1, max_size=6),
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=3),
    st.integers(0, 2**32 - 1),
)


@given(predictions)
def test_a_prediction_survives_its_packed_form(prediction: dict[str, Any]):
    body = pack(prediction)
    again = unpack(body)
    assert len(body) == (127 if len(prediction["points_mbps"]) == 3 else 205)
    assert list(again) == list(prediction)
    assert again["points_mbps"] == pytest.approx(prediction["points_mbps"], rel=SINGLE)
    for name in ("confidence", "unadapted"):
        assert again[name] == pytest.approx(prediction[name], abs=NEAREST)
        assert all(0.0 <= share <= 1.0 for share in again[name])
    assert again["members"].keys() == prediction["members"].keys()
    for name, points in prediction["members"].items():
        assert again["members"][name] == pytest.approx(points, rel=SINGLE)
    stable = 49 if len(body) == 205 else 25
    assert pack(again)[:stable] == body[:stable], "points and confidences are stable"


@given(predictions)
def test_intervals_are_rounded_outwards_by_little(prediction: dict[str, Any]):
    exact = np.array(prediction["quantiles_mbps"])
    packed = np.array(unpack(pack(prediction))["quantiles_mbps"])
    middle = QUANTILES.index(0.5)
    assert (packed[:, :middle] <= exact[:, :middle]).all()
    assert (packed[:, middle + 1 :] >= exact[:, middle + 1 :]).all()
    assert (np.diff(packed) >= 0).all()
    width = packed[:, -1:] - packed[:, :1]
    assert (np.abs(packed - exact) <= 2.01 * NEAREST * width + 2 * SINGLE * exact + 1e-38).all()


@given(st.lists(predictions, max_size=4))
def test_many_predictions_are_packed_and_unpacked_as_each_alone(several: list[dict[str, Any]]):
    bodies = pack_all(several)
    assert bodies == [pack(one) for one in several]
    arrays = unpack_all(bodies)
    assert arrays["members_mbps"].shape == (len(several), len(EXPERTS), 3)
    for row, body in enumerate(bodies):
        alone = unpack(body)
        count = len(alone["points_mbps"])
        assert np.isnan(arrays["points_mbps"][row, count:]).all()
        for name in ("points_mbps", "confidence", "unadapted", "quantiles_mbps"):
            assert arrays[name][row, :count].tolist() == alone[name]
        present = ~np.isnan(arrays["members_mbps"][row]).any(axis=1)
        assert {name for name, here in zip(EXPERTS, present, strict=True) if here} == set(
            alone["members"]
        )


@given(predictions, predictions)
def test_what_is_logged_of_a_prediction_is_all_but_its_members(
    logged: dict[str, Any], whole: dict[str, Any]
):
    body = pack(logged)[:-MEMBERS_BYTES]
    assert unpack(body) == unpack(pack(logged)) | {"members": {}}
    arrays = unpack_all([body, pack(whole)])
    for row, own in enumerate((body, pack(whole))):
        unadapted = unpack(own)["unadapted"]
        assert arrays["unadapted"][row, : len(unadapted)].tolist() == unadapted
    assert np.isnan(arrays["members_mbps"][0]).all()


def test_members_that_are_no_experts_are_left_out():
    members = {"model": [1.0, 2.0, 3.0], "median": [4.0, 5.0, 6.0]}
    assert unpack(pack(PREDICTION | {"members": members}))["members"] == {"model": [1.0, 2.0, 3.0]}


@pytest.mark.parametrize("body", [b"", b"\x02" + bytes(126), b"\x01" * 126])
def test_another_form_is_refused_by_its_version_and_length(body: bytes):
    with pytest.raises(PBAError, match=r"\(01, 127\), .*\(02, 205\); received .*update"):
        unpack_all([pack(PREDICTION), body])
