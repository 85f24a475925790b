"""What each role may call, and what a call does for links outside the caller's scope: one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from pba.security.roles import Role

__all__ = ["CALLS", "PUBLIC", "Call", "Reach"]

PUBLIC = "public"
"""What routes are called that need no key: they say nothing about links or models."""


class Reach(StrEnum):
    """What becomes of links outside the caller's scope."""

    NONE = "concerns no link"
    LINK = "403 for a link outside the scope"
    ITEMS = "each item outside the scope gets the error `forbidden`"
    LISTED = "lists only what is in scope"
    ALL = "403 unless the scope is all links"
    GROUPS = "403 unless the scope is all links; `by=group` lists only groups that are in scope"


@dataclass(frozen=True, slots=True)
class Call:
    """The least role that a call needs, and its reach.

    Parameters
    ----------
    to_record
        The least role where what is sent or computed is stored under the name of a link.
    """

    role: Role
    reach: Reach
    to_record: Role | None = None


CALLS: Mapping[str, Call] = {
    "forecast": Call(Role.READER, Reach.LINK, Role.REPORTER),
    "forecasts": Call(Role.READER, Reach.ITEMS, Role.REPORTER),
    "link_forecast": Call(Role.READER, Reach.LINK, Role.REPORTER),
    "link_forecasts": Call(Role.READER, Reach.ITEMS, Role.REPORTER),
    "transfer": Call(Role.READER, Reach.LINK, Role.REPORTER),
    "transfers": Call(Role.READER, Reach.ITEMS, Role.REPORTER),
    "link_transfer": Call(Role.READER, Reach.LINK, Role.REPORTER),
    "link_samples": Call(Role.REPORTER, Reach.LINK),
    "samples": Call(Role.REPORTER, Reach.ITEMS),
    "links": Call(Role.READER, Reach.LISTED),
    "link": Call(Role.READER, Reach.LINK),
    "link_history": Call(Role.READER, Reach.LINK),
    "delete_link": Call(Role.OPERATOR, Reach.LINK),
    "watch_link": Call(Role.READER, Reach.LINK, Role.REPORTER),
    "events": Call(Role.READER, Reach.LISTED),
    "watch_events": Call(Role.READER, Reach.LISTED),
    "drift": Call(Role.READER, Reach.LISTED),
    "metrics": Call(Role.READER, Reach.ALL),
    "metric_series": Call(Role.READER, Reach.GROUPS),
    "models": Call(Role.READER, Reach.NONE),
    "model_versions": Call(Role.READER, Reach.NONE),
    "model_metadata": Call(Role.READER, Reach.NONE),
    "infer": Call(Role.READER, Reach.NONE),
    "promote": Call(Role.OPERATOR, Reach.ALL),
    "roll_back": Call(Role.OPERATOR, Reach.ALL),
    "retrain": Call(Role.OPERATOR, Reach.ALL),
    "flags": Call(Role.READER, Reach.NONE),
    "set_flags": Call(Role.OPERATOR, Reach.ALL),
    "rollout": Call(Role.READER, Reach.ALL),
    "whoami": Call(Role.READER, Reach.NONE),
}
"""Every call that needs a key once there are some; what is not listed here nobody may call."""
