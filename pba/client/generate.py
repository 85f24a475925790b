"""Writes `sync_client.py` from `async_client.py`: ``python pba/client/generate.py``.

A few words differ between the two; ruff, which only developers need, wraps the lines anew.
"""

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["SYNC_CLIENT", "sync_source"]

_ASYNC_CLIENT = Path(__file__).with_name("async_client.py")
SYNC_CLIENT = Path(__file__).with_name("sync_client.py")
"""The generated file."""

_DOCSTRING = (
    '"""The blocking client. Generated from `async_client.py` by `generate.py`: edit there."""'
)
_WORDS = {
    "async ": "",
    "await ": "",
    "AsyncClient": "Client",
    "AsyncPBAClient": "PBAClient",
    "AsyncRetrying": "Retrying",
    "AsyncToken": "Token",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
}


def sync_source() -> str:
    """Return the text that `SYNC_CLIENT` must have."""
    _, _, code = _ASYNC_CLIENT.read_text().removeprefix('"""').partition('"""')
    code = re.sub("|".join(rf"\b{word}" for word in _WORDS), lambda hit: _WORDS[hit[0]], code)
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(SYNC_CLIENT), "-"]
    return subprocess.run(
        command, input=_DOCSTRING + code, text=True, capture_output=True, check=True
    ).stdout


if __name__ == "__main__":
    SYNC_CLIENT.write_text(sync_source())
