"""The content of a trace file: decompressed, and decoded whatever its encoding."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

from pba.errors import InvalidTrace
from pba.telemetry.read_report import ReadReport

__all__ = ["HEAD_CHARACTERS", "TraceSource", "open_source"]

HEAD_CHARACTERS = 65_536
"""How much of a file formats are recognised by."""

_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_MANY, _FEW = 0.7, 0.1
_BOMS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True, slots=True)
class TraceSource:
    """A file whose format is to be recognised and read.

    Parameters
    ----------
    path
        Where it lies.
    text
        The whole text with line feeds; empty for a Parquet file.
    parquet
        The bytes of a Parquet file; empty for text.
    step_s
        The step in seconds for formats that record single deliveries, as mahimahi's.
    unit
        The unit of rates as in `pba.telemetry.units`, where the file names none; or empty.
    """

    path: Path
    text: str
    parquet: bytes = b""
    step_s: float = 1.0
    unit: str = ""

    @property
    def head(self) -> str:
        """The beginning of the text."""
        return self.text[:HEAD_CHARACTERS]

    @property
    def stem(self) -> str:
        """The file's name without its endings of format and compression."""
        name = self.path.name
        return Path(name[:-3] if name.lower().endswith(".gz") else name).stem


def open_source(path: Path, report: ReadReport, step_s: float = 1.0, unit: str = "") -> TraceSource:
    """Read and decode the file ``path``.

    Raises
    ------
    InvalidTrace
        If the file does not exist, is empty, or cannot be decompressed.
    """
    if not path.is_file():
        raise InvalidTrace(f"{path} is not there; a trace is a file. Check the path.")
    content = _decompressed(path)
    if content.startswith(_PARQUET):
        return TraceSource(path, "", content, step_s, unit)
    text = _decoded(content, report).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text[:HEAD_CHARACTERS]:
        raise InvalidTrace(
            f"{path} is neither text nor Parquet; a trace is one of these. Check what wrote it."
        )
    if not text.strip():
        raise InvalidTrace(f"{path} has 0 rows; a trace has at least one. Check what wrote it.")
    return TraceSource(path, text, b"", step_s, unit)


def _decompressed(path: Path) -> bytes:
    content = path.read_bytes()
    if not content.startswith(_GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise InvalidTrace(
            f"{path} cannot be decompressed: {error}; the file is cut or damaged. Copy it again."
        ) from error


def _decoded(content: bytes, report: ReadReport) -> str:
    """Return the text: by its byte-order mark, as UTF-16 by its zeros, else as UTF-8."""
    encoding = next((name for bom, name in _BOMS.items() if content.startswith(bom)), "")
    encoding = encoding or _encoding_by_zeros(content[:400])
    try:
        return content.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        other = encoding or "latin-1"
        report.note(f"Not all of the file is {encoding or 'UTF-8'}: it is read as {other}.")
        return content.decode(other, errors="replace")


def _encoding_by_zeros(start: bytes) -> str:
    """Return UTF-16 with its byte order if nearly every other byte is zero, and no other."""
    half = len(start) // 2
    even, odd = start[::2].count(0), start[1::2].count(0)
    if odd > _MANY * half and even < _FEW * half:
        return "utf-16-le"
    return "utf-16-be" if even > _MANY * half and odd < _FEW * half else ""
