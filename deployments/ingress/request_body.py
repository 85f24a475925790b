"""From a request's stream to its JSON text: the limit, gzip, and a byte order mark."""

import asyncio
import codecs
import zlib
from collections.abc import AsyncIterator

from fastapi import Request

from pba.errors import NotJson, TooLarge, UnsupportedMediaType

__all__ = ["read_body"]

_GZIP = 16 + zlib.MAX_WBITS  # a window of any size, behind the header of gzip
_PIECE_BYTES = 1 << 18  # decompressed at once: under a millisecond


async def read_body(request: Request, limit_mb: float) -> bytes:
    """Return the body of ``request``, of at most ``limit_mb`` million bytes, without gzip and BOM.

    Raises
    ------
    TooLarge
        Before a larger body, compressed or not, is in memory.
    UnsupportedMediaType
        For a ``Content-Encoding`` other than gzip.
    NotJson
        For a body that is not, or not wholly, what its ``Content-Encoding`` promises.
    """
    limit = int(limit_mb * 1e6)
    headers = dict(request.scope["headers"])
    length = headers.get(b"content-length", b"")
    encoding = headers.get(b"content-encoding")
    chunks: list[bytes] = []
    received = 0
    if not length.isdigit() or int(length) <= limit:
        async for chunk in _decoded(request, encoding) if encoding else request.stream():
            received += len(chunk)
            if received > limit:
                break
            chunks.append(chunk)
        else:
            return b"".join(chunks).removeprefix(codecs.BOM_UTF8)
    raise TooLarge(f"the body is over {limit_mb:g} MB, the most one call carries. Split it.")


def _decoded(request: Request, encoding: bytes) -> AsyncIterator[bytes]:
    name = encoding.decode("latin-1").strip().lower()
    if name in ("", "identity"):
        return request.stream()
    if name in ("gzip", "x-gzip"):
        return _decompressed(request.stream())
    raise UnsupportedMediaType(
        f"Content-Encoding is {name[:60]!r}; a body is plain, or compressed once by gzip. Send it "
        "without the encoding.",
        "Content-Encoding",
    )


async def _decompressed(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the text of a gzip stream in small pieces, between which other requests have a turn.

    A piece is decompressed when the one before was taken, so a reader that stops at its limit
    spends no more than that on a stream that would expand to gigabytes.
    """
    member = zlib.decompressobj(_GZIP)
    started = False
    async for compressed in stream:
        while compressed:
            if member.eof:  # gzip streams may follow each other
                member = zlib.decompressobj(_GZIP)
            started = True
            try:
                piece = member.decompress(compressed, _PIECE_BYTES)
            except zlib.error as error:
                raise NotJson(
                    f"the body is not gzip: {error}. Leave out Content-Encoding."
                ) from None
            compressed = member.unused_data if member.eof else member.unconsumed_tail
            yield piece
            await asyncio.sleep(0)
    if started and not member.eof:
        raise NotJson("the body ends within its gzip stream. Send it whole.")
