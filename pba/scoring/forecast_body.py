"""The packed form of a prediction in `open_forecasts`, and the shorter one that is logged.

With intervals it has 205 bytes, without 127; the log leaves out 48, the points of the members,
which outcomes alone need. Rates are float32. Confidences are counted in steps of 1/65535, and the
quantiles between the first and the last are fractions of the way from one to the other, in the same
steps. The 50 % and the 90 % interval are rounded outwards: an actual that one of them includes
stays included.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import numpy as np

from pba.errors import PBAError
from pba.forecasting.fixed_share import EXPERTS
from pba.types import HORIZONS, INTERVALS, QUANTILES, Floats

__all__ = [
    "MEMBERS_BYTES",
    "PredictionArrays",
    "pack",
    "pack_all",
    "unpack",
    "unpack_all",
    "unpack_each",
]

_MOST = 65535
_HORIZONS, _INNER = len(HORIZONS), len(QUANTILES) - 2
_TARGETS = _HORIZONS + len(INTERVALS)
_MIDDLE = QUANTILES.index(0.5)
_MEMBERS = ("members_mbps", "<f4", (len(EXPERTS), _HORIZONS))
MEMBERS_BYTES = np.dtype([_MEMBERS]).itemsize
"""The end of a packed prediction that is cut off when the forecast is closed: the members."""


def _layout(targets: int) -> list[Any]:
    return [
        ("version", "u1"),
        ("points_mbps", "<f4", (targets,)),
        ("confidence", "<u2", (targets,)),
        ("unadapted", "<u2", (targets,)),
        ("ends_mbps", "<f4", (targets, 2)),
        ("fractions", "<u2", (targets, _INNER)),
    ]


_LOGGED = {1: np.dtype(_layout(_HORIZONS)), 2: np.dtype(_layout(_TARGETS))}
"""By their first byte: without intervals, and with all of them, NaN for those that it lacks."""

_BODIES = {
    version: np.dtype([*_layout(body["points_mbps"].shape[0]), _MEMBERS])
    for version, body in _LOGGED.items()
}
"""The same as recorded, with the members."""

_FORMS = {
    (version, body.itemsize): body
    for bodies in (_LOGGED, _BODIES)
    for version, body in bodies.items()
}
"""All of them, by their first byte and their length."""


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
        link's record was applied) and ``quantiles_mbps``, one item per horizon each, and then one
        per interval that it has; ``members`` maps members of the ensemble to their points at each
        horizon. Those that are no experts of `pba.forecasting.fixed_share` are left out: no outcome
        uses them.

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
    bodies = [b""] * len(predictions)
    versions = [1 + (len(one["points_mbps"]) > _HORIZONS) for one in predictions]
    for version in set(versions):
        places = [place for place, own in enumerate(versions) if own == version]
        packed = _packed([predictions[place] for place in places], version)
        for place, body in zip(places, packed, strict=True):
            bodies[place] = body
    return bodies


def _packed(predictions: Sequence[Mapping[str, Any]], version: int) -> list[bytes]:
    body = _BODIES[version]
    rows, targets = np.zeros(len(predictions), body), body["points_mbps"].shape[0]
    rows["version"] = version
    rows["points_mbps"] = [_whole(one["points_mbps"], targets, np.nan) for one in predictions]
    for name in ("confidence", "unadapted"):
        shares = np.array([_whole(one[name], targets, 0.0) for one in predictions])
        rows[name] = np.rint(shares * _MOST)
    lacking = (np.nan,) * len(QUANTILES)
    quantiles = [_whole(one["quantiles_mbps"], targets, lacking) for one in predictions]
    quantiles_mbps = np.array(quantiles, dtype=float)
    rows["ends_mbps"] = _ends(quantiles_mbps)
    fractions = _fractions(quantiles_mbps, rows["ends_mbps"].astype(float))
    rows["fractions"] = np.nan_to_num(fractions)
    absent = (np.nan,) * _HORIZONS
    rows["members_mbps"] = [
        [one["members"].get(name, absent) for name in EXPERTS] for one in predictions
    ]
    whole, size = rows.tobytes(), body.itemsize
    return [whole[at : at + size] for at in range(0, len(whole), size)]


def _whole(values: Sequence[Any], targets: int, lacking: Any) -> list[Any]:
    return [*values, *[lacking] * (targets - len(values))]


def unpack(body: bytes) -> dict[str, Any]:
    """Return the prediction that `pack` packed."""
    return unpack_each([body])[0]


def unpack_each(bodies: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return the predictions that `pack` packed; much faster than one after the other."""
    arrays = unpack_all(bodies)
    members = arrays["members_mbps"]
    took_part = (~np.isnan(members[:, :, 0])).tolist()
    targets = (~np.isnan(arrays["points_mbps"])).sum(axis=1).tolist()
    names = ("points_mbps", "confidence", "unadapted", "quantiles_mbps")
    columns = [arrays[name].tolist() for name in names]  # type: ignore[literal-required]
    return [
        {name: row[:count] for name, row in zip(names, rows, strict=True)}
        | {
            "members": {
                name: rates for name, rates, part in zip(EXPERTS, own, parts, strict=True) if part
            }
        }
        for *rows, count, own, parts in zip(
            *columns, targets, members.tolist(), took_part, strict=True
        )
    ]


def unpack_all(bodies: Sequence[bytes]) -> PredictionArrays:
    """Return the predictions that `pack` packed, a row each; of logged ones no member took part.

    Intervals that a prediction lacks are NaN, their confidence 0.

    Raises
    ------
    PBAError
        If one of them has another form.
    """
    count = len(bodies)
    points_mbps = np.full((count, _TARGETS), np.nan)
    shares = np.zeros((2, count, _TARGETS))
    quantiles_mbps = np.full((count, _TARGETS, len(QUANTILES)), np.nan)
    members_mbps = np.full((count, len(EXPERTS), _HORIZONS), np.nan)
    for form, places in _by_form(bodies).items():
        rows = np.frombuffer(b"".join([bodies[place] for place in places]), _FORMS[form])
        at = slice(None) if len(places) == count else np.array(places)
        targets = rows["points_mbps"].shape[1]
        points_mbps[at, :targets] = rows["points_mbps"]
        shares[0, at, :targets] = rows["confidence"]
        shares[1, at, :targets] = rows["unadapted"]
        ends_mbps = rows["ends_mbps"].astype(float)
        quantiles_mbps[at, :targets] = _quantiles(ends_mbps, rows["fractions"])
        if "members_mbps" in (rows.dtype.names or ()):
            members_mbps[at] = rows["members_mbps"]
    confidence, unadapted = shares / _MOST
    return {
        "points_mbps": points_mbps,
        "confidence": confidence,
        "unadapted": unadapted,
        "quantiles_mbps": quantiles_mbps,
        "members_mbps": members_mbps,
    }


def _by_form(bodies: Sequence[bytes]) -> dict[tuple[int, int], list[int]]:
    """Return the places of the bodies of each form."""
    places: dict[tuple[int, int], list[int]] = {}
    for place, body in enumerate(bodies):
        places.setdefault((body[0] if body else 0, len(body)), []).append(place)
    if places.keys() <= _FORMS.keys():
        return places
    known = ", ".join(f"({first:02x}, {size})" for first, size in sorted(_FORMS))
    others = sorted(places.keys() - _FORMS.keys())
    received = ", ".join(f"({first:02x}, {size})" for first, size in others)
    raise PBAError(
        f"a packed prediction is one of (begins with, bytes) {known}; received {received}. If a "
        "newer release wrote them, update this one."
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
