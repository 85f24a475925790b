"""Writes the blocking client from the async one: ``python pba/client/generate.py``.

A few words differ between the two; ruff, which only developers need, wraps the lines anew.
"""

import re
import subprocess
import sys
from pathlib import Path

__all__ = ["SYNC_FILES", "sync_source"]

_FOLDER = Path(__file__).parent
_PARTS = ("client", "calls", "reports", "streams")
SYNC_FILES = {_FOLDER / f"sync_{part}.py": _FOLDER / f"async_{part}.py" for part in _PARTS}
"""The generated files, and the source of each."""

_DOCSTRING = '"""The blocking {}. Generated from `{}` by `generate.py`: edit there."""'
_WORDS = {
    "async ": "",
    "await ": "",
    "AsyncClient": "Client",
    "AsyncPBAClient": "PBAClient",
    "AsyncRetrying": "Retrying",
    "AsyncToken": "Token",
    "AsyncStreams": "Streams",
    "AsyncCalls": "Calls",
    "AsyncReports": "Reports",
    "AsyncIterator": "Iterator",
    "async_calls": "sync_calls",
    "async_reports": "sync_reports",
    "async_streams": "sync_streams",
    "asyncio": "time",
    "aiter_text": "iter_text",
    "aread": "read",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
}


def sync_source(file: Path) -> str:
    """Return the text that ``file``, one of `SYNC_FILES`, must have."""
    source = SYNC_FILES[file]
    _, _, code = source.read_text().removeprefix('"""').partition('"""')
    code = re.sub("|".join(rf"\b{word}" for word in _WORDS), lambda hit: _WORDS[hit[0]], code)
    docstring = _DOCSTRING.format(file.stem.removeprefix("sync_"), source.name)
    sort_imports = ("check", "--quiet", "--select=I001", "--fix")
    return _ruff(file, _ruff(file, docstring + code, *sort_imports), "format")


def _ruff(file: Path, code: str, *command: str) -> str:
    run = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(file), "-"]
    return subprocess.run(run, input=code, text=True, capture_output=True, check=True).stdout


if __name__ == "__main__":
    for sync_file in SYNC_FILES:
        sync_file.write_text(sync_source(sync_file))
