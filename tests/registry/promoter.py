"""One of several callers that promote at once; it imports little, so that processes start fast."""

from collections.abc import Callable

from pba.errors import Conflict
from pba.registry import Registry


def promote(
    root: str, model: str, version: str, wait: Callable[[], object], report: Callable[[str], object]
) -> None:
    """Read the champion, wait for the others, promote; report the version, or ``conflict``."""
    registry = Registry(root, lambda: 2e9)
    before = registry.champion(model).number
    wait()
    try:
        registry.promote(model, version, "me", expected=before)
        report(version)
    except Conflict:
        report("conflict")
