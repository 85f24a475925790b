"""The variables that `make serve` shows for other programs on its Ray."""

import shlex
from pathlib import Path

from tests.support.waiting import wait_until

__all__ = ["exported_variables"]

_WORD = "  export RAY_"


def exported_variables(screen: Path) -> dict[str, str]:
    """Return them from the file with what the command has shown, as soon as they are there."""
    wait_until(lambda: _WORD in screen.read_text(), "the variables of other programs")
    line = screen.read_text().partition(_WORD)[2].splitlines()[0]
    return dict(word.split("=", 1) for word in shlex.split(f"RAY_{line}"))
