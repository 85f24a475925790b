"""The variables that `make serve` shows for other programs on its Ray."""

import shlex
from pathlib import Path

from tests.support.waiting import wait_until

__all__ = ["exported_variables"]

_WORD = "  export RAY_"
_WAIT_S = 60.0  # it is shown after the start, which waits for a store that is away


def exported_variables(screen: Path) -> dict[str, str]:
    """Return them from the file with what the command has shown, as soon as they are there."""
    wait_until(
        lambda: _WORD in screen.read_text(), "the variables of other programs", limit_s=_WAIT_S
    )
    line = screen.read_text().partition(_WORD)[2].splitlines()[0]
    return dict(word.split("=", 1) for word in shlex.split(f"RAY_{line}"))
