"""The packed form of a prediction: 127 bytes in `open_forecasts`, of which 79 are logged.

What the log leaves out is the points of the members, which outcomes alone need.
Rates are float32. Confidences are counted in steps of 1/65535, and the quantiles between the first
and the last are fractions of the way from one to the other, in the same steps. The 50 % and the
90 % interval are rounded outwards: an actual that one of them includes stays included.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from pba.errors import PBAError
from pba.forecasting.fixed_share import EXPERTS
from pba.types import HORIZONS, QUANTILES, Floats

__all__ = [
    "LOGGED_BYTES",
    "PredictionArrays",
    "pack",
    "pack_all",
    "unpack",
    "unpack_all",
    "unpack_each",
]

_VERSION = 1
_MOST = 65535
_HORIZONS, _INNER = len(HORIZONS), len(QUANTILES) - 2
_MIDDLE = QUANTILES.index(0.5)
_BODY = np.dtype(
    [
        ("version", "u1"),
        ("points_mbps", "<f4", (_HORIZONS,)),
        ("confidence", "<u2", (_HORIZONS,)),
        ("unadapted", "<u2", (_HORIZONS,)),
        ("ends_mbps", "<f4", (_HORIZONS, 2)),
        ("fractions", "<u2", (_HORIZONS, _INNER)),
        ("members_mbps", "<f4", (len(EXPERTS), _HORIZONS)),  # last, see `LOGGED_BYTES`
    ]
)
LOGGED_BYTES = _BODY.itemsize - _BODY["members_mbps"].itemsize
"""How much of a packed prediction remains when the forecast is closed: all but the members."""

_NO_MEMBERS = np.full((len(EXPERTS), _HORIZONS), np.nan, dtype="<f4").tobytes()


class PredictionArrays(TypedDict):
    """Predictions as the fields of `pba.scoring.batch.OpenForecasts` that they fill, float64."""

    points_mbps: Floats
    confidence: Floats
    unadapted: Floats
    quantiles_mbps: Floats
    members_mbps: Floats


def pack(prediction: Mapping[str, Any]) -> bytes:
    """Return the packed form of a prediction.

    Parameters
    ----------
    prediction
        ``points_mbps``, ``confidence`` (as the caller received it), ``unadapted`` (before the
        link's record was applied) and ``quantiles_mbps``, one item per horizon each; ``members``
        maps members of the ensemble to their points. Those that are no experts of
        `pba.forecasting.fixed_share` are left out: no outcome uses them.

    Examples
    --------
    >>> prediction = {
    ...     "points_mbps": [50.0] * 3,
    ...     "confidence": [0.8, 0.7, 0.6],
    ...     "unadapted": [1.0, 0.0, 0.5],
    ...     "quantiles_mbps": [[40.0, 42.0, 45.0, 50.0, 55.0, 58.0, 60.0]] * 3,
    ...     "members": {"ewma": [49.0, 48.0, 47.0]},
    ... }
    >>> body = pack(prediction)
    >>> len(body), unpack(body)["members"], round(unpack(body)["confidence"][0], 4)
    (127, {'ewma': [49.0, 48.0, 47.0]}, 0.8)
    """
    return pack_all([prediction])[0]


def pack_all(predictions: Sequence[Mapping[str, Any]]) -> list[bytes]:
    """Return the packed form of each of ``predictions``, faster than one by one."""
    rows = np.zeros(len(predictions), _BODY)
    if not predictions:
        return []
    rows["version"] = _VERSION
    rows["points_mbps"] = [one["points_mbps"] for one in predictions]
    for name in ("confidence", "unadapted"):
        rows[name] = np.rint(np.array([one[name] for one in predictions]) * _MOST)
    quantiles = np.array([one["quantiles_mbps"] for one in predictions], dtype=float)
    rows["ends_mbps"] = _ends(quantiles)
    rows["fractions"] = _fractions(quantiles, rows["ends_mbps"].astype(float))
    absent = (np.nan,) * _HORIZONS
    rows["members_mbps"] = [
        [one["members"].get(name, absent) for name in EXPERTS] for one in predictions
    ]
    whole, size = rows.tobytes(), _BODY.itemsize
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def unpack(body: bytes) -> dict[str, Any]:
    """Return the prediction that `pack` packed."""
    return unpack_each([body])[0]


def unpack_each(bodies: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the predictions that `pack` packed; much faster than one after the other."""
    arrays = unpack_all(bodies)
    members = arrays["members_mbps"]
    took_part = (~np.isnan(members[:, :, 0])).tolist()
    columns = (arrays["points_mbps"], arrays["confidence"], arrays["unadapted"])
    rows = zip(*(column.tolist() for column in (*columns, arrays["quantiles_mbps"])), strict=True)
    return [
        {
            "points_mbps": points,
            "confidence": confidence,
            "unadapted": unadapted,
            "quantiles_mbps": quantiles,
            "members": {
                name: rates for name, rates, part in zip(EXPERTS, own, parts, strict=True) if part
            },
        }
        for (points, confidence, unadapted, quantiles), own, parts in zip(
            rows, members.tolist(), took_part, strict=True
        )
    ]


def unpack_all(bodies: Sequence[bytes]) -> PredictionArrays:
    """Return the predictions that `pack` packed, a row each; of logged ones no member took part.

    Raises
    ------
    PBAError
        If one of them has another form.
    """
    rows = np.frombuffer(_joined(bodies), _BODY)
    return {
        "points_mbps": rows["points_mbps"].astype(float),
        "confidence": rows["confidence"] / _MOST,
        "unadapted": rows["unadapted"] / _MOST,
        "quantiles_mbps": _quantiles(rows["ends_mbps"].astype(float), rows["fractions"]),
        "members_mbps": rows["members_mbps"].astype(float),
    }


def _joined(bodies: Sequence[bytes]) -> bytes:
    size = _BODY.itemsize
    joined = b"".join(body + _NO_MEMBERS if len(body) == LOGGED_BYTES else body for body in bodies)
    if len(joined) == size * len(bodies) and joined[::size] == bytes([_VERSION]) * len(bodies):
        return joined
    forms = sorted({(body[:1].hex(), len(body)) for body in bodies})
    raise PBAError(
        f"a packed prediction is {size} or {LOGGED_BYTES} bytes that begin with {_VERSION:02x}; "
        f"received (begins with, bytes) {forms}. If a newer release wrote them, update this one."
    )


def _ends(quantiles_mbps: Floats) -> Floats:
    """Return the first and the last quantile as float32, rounded outwards."""
    exact = quantiles_mbps[..., [0, -1]]
    ends = exact.astype(np.float32)
    inwards = (ends - exact) * [1.0, -1.0] > 0
    outwards = np.nextafter(ends, np.array([-np.inf, np.inf], dtype=np.float32))
    return np.where(inwards, outwards, ends)


def _fractions(quantiles_mbps: Floats, ends_mbps: Floats) -> Floats:
    """Return where the inner quantiles lie between the ends: 0 to 65535, rounded outwards.

    The median is rounded to the nearest.
    """
    inner, width = quantiles_mbps[..., 1:-1], np.diff(ends_mbps)
    exact = (inner - ends_mbps[..., :1]) / np.where(width > 0, width, 1.0) * _MOST
    lower, middle, upper = slice(_MIDDLE - 1), _MIDDLE - 1, slice(_MIDDLE, None)
    fractions = np.rint(exact)
    fractions[..., lower] = np.floor(exact[..., lower])
    fractions[..., upper] = np.ceil(exact[..., upper])
    between = _quantiles(ends_mbps, fractions)[..., 1:-1]  # after the rounding of reading them
    fractions[..., lower] -= between[..., lower] > inner[..., lower]
    fractions[..., upper] += between[..., upper] < inner[..., upper]
    fractions[..., middle] = np.clip(
        fractions[..., middle], fractions[..., middle - 1], fractions[..., middle + 1]
    )
    return np.clip(fractions, 0, _MOST)


def _quantiles(ends_mbps: Floats, fractions: Floats) -> Floats:
    low, high = ends_mbps[..., :1], ends_mbps[..., 1:]
    return np.concatenate([low, low + fractions / _MOST * (high - low), high], axis=-1)
