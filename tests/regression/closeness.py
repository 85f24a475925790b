"""Whether two pieces of JSON are the same but for rounding, and where they are not."""

import json
import math
from collections.abc import Mapping
from typing import Any

TOLERANCE = 1e-6
"""How far a number may be off, as a share of the recorded one; below 1e-9, absolutely."""

PACKED = 1e-4
"""The same for the prediction of a stored forecast: `pba.scoring.forecast_body` rounds it."""

ROUNDED = (".said.", "summary.", "/v1/metrics.")
"""Where such predictions, or means over them, are."""


ADDED = frozenset(["intervals", "actual_mean_mbps", "stretch", "transfers", "bins", "drift"])
"""Keys of answers that 3.0.0 had not; they are left out where the recorded answer lacks them."""


def assert_close(recorded: Any, result: Any, where: str = "", tolerance: float = TOLERANCE) -> None:
    """Hold that ``result`` is ``recorded`` JSON: numbers within ``tolerance``, else exactly."""
    lines = differences(recorded, json.loads(json.dumps(result, allow_nan=False)), where, tolerance)
    assert not lines, "\n".join(lines[:20])


_TEST = frozenset(
    ["evidence", "verdict", "decides_at", "blocks", "blocks_needed", "block_s", "links"]
)


def without_test(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a comparison of the arms without its test, which 3.0.0 did by single pairs."""

    def figures(part: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in part.items() if key not in _TEST}

    modes = {mode: figures(part) for mode, part in report["modes"].items()}
    return {**report, "overall": figures(report["overall"]), "modes": modes}


def differences(
    recorded: Any, result: Any, where: str = "", tolerance: float = TOLERANCE
) -> list[str]:
    """Return a line for each place where ``result``, JSON, is not ``recorded``."""
    if isinstance(recorded, Mapping) and isinstance(result, Mapping):
        result = {key: result[key] for key in result if key in recorded or key not in ADDED}
        if recorded.keys() != result.keys():
            return [f"{where}: keys {sorted(recorded)} became {sorted(result)}"]
        pairs = [(f"{where}.{key}", recorded[key], result[key]) for key in recorded]
    elif isinstance(recorded, list) and isinstance(result, list):
        if len(recorded) != len(result):
            return [f"{where}: {len(recorded)} items became {len(result)}"]
        items = enumerate(zip(recorded, result, strict=True))
        pairs = [(f"{where}[{place}]", *pair) for place, pair in items]
    else:
        packed = any(part in where for part in ROUNDED)
        same = _same(recorded, result, max(tolerance, PACKED if packed else 0.0))
        return [] if same else [f"{where}: {recorded!r} became {result!r}"]
    return [line for name, old, new in pairs for line in differences(old, new, name, tolerance)]


def _same(recorded: Any, result: Any, tolerance: float) -> bool:
    numbers = all(type(value) in (int, float) for value in (recorded, result))
    if numbers:
        return math.isclose(recorded, result, rel_tol=tolerance, abs_tol=1e-9)
    return type(recorded) is type(result) and bool(recorded == result)
