"""Files of people at the console, as histories: read apart from the router, and not kept."""

import asyncio
import logging
import os
import subprocess
import sys
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from pba.errors import Busy, InvalidTrace, cut
from pba.telemetry import trace_document

__all__ = ["UPLOAD_MB", "Upload", "UploadReader"]

UPLOAD_MB = 6.0
"""The largest body: 4 MB of a file in base64, and what is around it."""

_TIME_S, _CPU_S = 60.0, 15

_log = logging.getLogger("ray.serve")


class Upload(Struct, forbid_unknown_fields=True):
    """A file; its format is recognised by the content, its name only shown."""

    content: bytes
    name: Annotated[str, Meta(min_length=1, max_length=200)] = "pasted"


class UploadReader:
    """Reads files with the importers, one at a time, in a process that has limits.

    It knows nothing of the service but where its code is.
    """

    def __init__(self, time_s: float = _TIME_S) -> None:
        self._time_s = time_s
        self._reading = False

    async def read(self, upload: Upload) -> dict[str, Any]:
        """Return what `trace_document` makes of a file.

        Raises
        ------
        InvalidTrace
            If it cannot be read, or not within the limits.
        Busy
            While another file is read.
        """
        if self._reading:
            raise Busy("another file is being read. Try again in a moment.")
        self._reading = True
        try:
            document: dict[str, Any] = await asyncio.to_thread(self._read, upload)
        finally:
            self._reading = False
        if "error" in document:
            raise InvalidTrace(document["error"])
        return document

    def _read(self, upload: Upload) -> dict[str, Any]:
        name = upload.name.replace("\0", "").replace("/", "-")
        command = [sys.executable, "-m", trace_document.__name__, name, str(_CPU_S)]
        environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PATH": os.defpath}
        try:
            done = subprocess.run(
                command,
                input=upload.content,
                capture_output=True,
                timeout=self._time_s,
                env=environment,
                check=True,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            _log.warning(
                "file_not_read", extra={"why": f"{error}: {(error.stderr or b'')[-500:]!r}"}
            )
            raise InvalidTrace(
                f"{cut(name)} takes more memory or time to read than the console has for a file. "
                "Send a part of it, or use `pba forecast FILE`."
            ) from error
        document: dict[str, Any] = msgspec.json.decode(done.stdout)
        return document
