"""Feature flags, and the assignment of links to v1, the control arm, or v3."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from pba.errors import InvalidRequest, cut, quoted

__all__ = ["Arm", "Flags", "bucket", "fnv1a"]

_OFFSET, _PRIME = 2166136261, 16777619
_BUCKETS = 100


class Arm(StrEnum):
    """A predictor in the comparison."""

    V1 = "v1"
    V3 = "v3"

    @property
    def other(self) -> "Arm":
        """The arm that it is compared with."""
        return Arm.V1 if self is Arm.V3 else Arm.V3


def fnv1a(text: str) -> int:
    """Return the 32-bit FNV-1a hash of ``text`` in UTF-8 (Fowler, Noll and Vo, 1991).

    >>> fnv1a("node-1")
    1422144387
    """
    hashed = _OFFSET
    for byte in text.encode():
        hashed = (hashed ^ byte) * _PRIME % 2**32
    return hashed


def bucket(link_id: str) -> int:
    """Return the bucket of ``link_id``, 0 to 99: `fnv1a` modulo 100.

    >>> bucket("fra1:ams2")
    92
    """
    return fnv1a(link_id) % _BUCKETS


@dataclass(frozen=True, slots=True)
class Flags:
    """What operators may change while the service runs.

    Parameters
    ----------
    enable_v3_prediction
        Whether v3 serves any link.
    v3_rollout_percentage
        Links whose `bucket` is below it are served by v3; a whole number, 0 to 100.
    force_v1_mode
        The kill switch: v1 serves every link, whatever else is set.
    enable_hybrid_mode
        Whether both models serve borderline links; if not, the internet model does.
    enable_mode_detection
        Whether modes are detected; if not, links keep their mode and new ones are ``internet``.
    shadow
        Whether the arm that does not serve a link predicts too, for comparison.
    automatic_steps
        Whether v3 moves on to 10, 50 and 100 % of links whenever it is proven better.
    automatic_return
        Whether all links return to v1 where v3 is proven worse.

    Raises
    ------
    InvalidRequest
        For a value of the wrong type, or a percentage out of range.
    """

    enable_v3_prediction: bool = True
    v3_rollout_percentage: int = 100
    force_v1_mode: bool = False
    enable_hybrid_mode: bool = True
    enable_mode_detection: bool = True
    shadow: bool = False
    automatic_steps: bool = False
    automatic_return: bool = False

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if name == "v3_rollout_percentage":
                _check_percentage(value)
            elif not isinstance(value, bool):
                raise InvalidRequest(f"{name} is {quoted(value)}; it is true or false.", name)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return the flags after ``changes``; raises as the class, and for an unknown flag."""
        names = [field.name for field in fields(self)]
        for name in changes:
            if name not in names:
                raise InvalidRequest(
                    f"no flag is called {quoted(name)}; they are {', '.join(names)}.", cut(name)
                )
        return replace(self, **changes)

    def as_dict(self) -> dict[str, Any]:
        """Return the wire form."""
        return asdict(self)

    @property
    def wants_v1(self) -> bool:
        """Whether v1 may be needed for some request."""
        return self.shadow or not self._v3_enabled or self.v3_rollout_percentage < _BUCKETS

    @property
    def _v3_enabled(self) -> bool:
        return self.enable_v3_prediction and not self.force_v1_mode

    def arm(self, link_id: str | None) -> Arm:
        """Return the arm that serves a link; requests without a link are in the last bucket."""
        if not self._v3_enabled:
            return Arm.V1
        if self.v3_rollout_percentage == _BUCKETS:  # without the hash, which takes microseconds
            return Arm.V3
        number = _BUCKETS - 1 if link_id is None else bucket(link_id)
        return Arm.V3 if number < self.v3_rollout_percentage else Arm.V1


def _check_percentage(value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _BUCKETS:
        raise InvalidRequest(
            f"v3_rollout_percentage is {quoted(value)}; it is a whole number from 0 to 100.",
            "v3_rollout_percentage",
        )
