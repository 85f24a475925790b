"""From a request's stream to its JSON text: limits, gzip, and a byte order mark."""

import asyncio
import codecs
import zlib
from collections.abc import AsyncIterator

from fastapi import Request

from pba.errors import NotJson, TooLarge, TooSlow, UnsupportedMediaType, quoted
from pba.serving.admission import Admission
from pba.serving.loop_turns import LoopTurns
from pba.serving.tracing import span

from ..large_requests import LARGE_BYTES
from .byte_budget import BodyShare, ByteBudget
from .request_flow import flow_of

__all__ = ["BodyReader"]

_GZIP = 16 + zlib.MAX_WBITS  # a window of any size, behind the header of gzip
_PIECE_BYTES = 1 << 18  # decompressed at once: under a millisecond
_SLOWEST_BYTES = 50_000
_PATIENCE_S = 5.0


class BodyReader:
    """Reads bodies, so many at a time and with so much memory.

    Parameters
    ----------
    limit_mb
        The largest body, in million bytes.
    readers
        How many bodies are read at a time; one more is refused.
    budget_mb
        What large bodies may take together until they are answered, in million bytes.
    patience_s
        How long `_SLOWEST_BYTES` may take to arrive.
    """

    def __init__(
        self, limit_mb: float, readers: int, budget_mb: float, patience_s: float = _PATIENCE_S
    ) -> None:
        self._limit_mb = limit_mb
        self._places = Admission(readers, "bodies")
        self._budget = ByteBudget(int(budget_mb * 1e6))
        self._patience_s = patience_s
        self._turns = LoopTurns()

    @property
    def reading(self) -> int:
        """How many bodies are being read."""
        return self._places.in_flight

    @property
    def taken(self) -> int:
        """How many bytes of the budget are taken."""
        return self._budget.taken

    async def read(self, request: Request, limit_mb: float = float("inf")) -> bytes | bytearray:
        """Return the body of ``request`` without gzip and byte order mark.

        What it takes of the budget is given back when the request has been answered.

        Parameters
        ----------
        limit_mb
            The largest body of this call, where that is less than for all.

        Raises
        ------
        TooLarge
            Before a larger body, compressed or not, is in memory.
        TooSlow
            If it arrives at less than 10 kB/s.
        Busy
            If too many bodies are being read, or too much memory is taken.
        UnsupportedMediaType
            For a ``Content-Encoding`` other than gzip.
        NotJson
            For a body that is not, or not wholly, what its ``Content-Encoding`` promises.
        """
        headers = dict(request.scope["headers"])
        length, limit_mb = headers.get(b"content-length", b""), min(limit_mb, self._limit_mb)
        share = BodyShare(self._budget, lambda call: flow_of(request.scope).at_end(call))
        if length.isdigit():
            _check_size(int(length), limit_mb)
            share.state(int(length))
        with span("receive"), self._places.admit():
            stream = _steady(request.stream(), self._patience_s)
            stream = _decoded(stream, headers.get(b"content-encoding", b""))
            return await _joined(stream, share, limit_mb, self._turns)


async def _joined(
    stream: AsyncIterator[bytes], share: BodyShare, limit_mb: float, turns: LoopTurns
) -> bytes | bytearray:
    """Return what ``stream`` yields, without a byte order mark.

    Large bodies take turns at ``turns``, a piece of one at a time: what is not taken stays with the
    caller.
    """
    body: bytes | bytearray = b""
    try:
        async for chunk in stream:
            _check_size(len(body) + len(chunk), limit_mb)
            share.grow(len(body) + len(chunk))
            if not body:
                body = chunk  # the only one, as a rule
                continue
            if isinstance(body, bytes):
                body = bytearray(body)
            body += chunk  # in place: one large copy would hold up the event loop
            if len(body) > LARGE_BYTES:
                await turns.next()
    except BaseException:
        body = b""  # the error may keep this frame, and what is in it, for a while
        raise
    if body.startswith(codecs.BOM_UTF8):
        body = body[len(codecs.BOM_UTF8) :]
    return body


def _check_size(size: int, limit_mb: float) -> None:
    if size > limit_mb * 1e6:
        raise TooLarge(f"the body is over {limit_mb:g} MB, the most this call carries. Split it.")


async def _steady(stream: AsyncIterator[bytes], patience_s: float) -> AsyncIterator[bytes]:
    """Yield from ``stream`` for as long as it is not slow; raises `TooSlow`."""
    clock = asyncio.get_running_loop().time
    left_s, received = patience_s, 0
    while True:
        began_s = clock()
        try:
            async with asyncio.timeout(left_s):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise TooSlow(
                f"{received} bytes of the body came within {patience_s:g} s; "
                f"{_SLOWEST_BYTES / 1000:g} kB in that time is the least. Send less at a time, or "
                "faster."
            ) from None
        left_s -= clock() - began_s  # what this side takes is not the caller's
        received += len(chunk)
        if received >= _SLOWEST_BYTES:
            left_s, received = patience_s, 0
        yield chunk


def _decoded(stream: AsyncIterator[bytes], encoding: bytes) -> AsyncIterator[bytes]:
    name = encoding.decode("latin-1").strip().lower()
    if name in ("", "identity"):
        return stream
    if name in ("gzip", "x-gzip"):
        return _decompressed(stream)
    raise UnsupportedMediaType(
        f"Content-Encoding is {quoted(name)}; a body is plain, or compressed once by gzip. Send it "
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
