"""Uploads that mean no good, and what they cost others: `python -m benchmarks.hostile_uploads`.

100 connections that send 128 MB each, with Content-Length and chunked; 300 that send a byte a
second; and one honest bulk call of 128 MB. Beside them go small forecasts and /livez.
"""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks import load, servers
from benchmarks.processes import resident_mb
from benchmarks.request_bodies import bulk_body, forecast_body
from pba.types import NetworkMode

SECONDS = 20.0
RATE = 20.0
SIZE = 128_000_000
PIECE = 1 << 16
NAMES = ("ServeReplica:pba:Router", "haproxy")


@dataclass(frozen=True)
class Upload:
    """How callers send their bodies, and how many at a time."""

    name: str
    connections: int
    header: str
    chunked: bool = False
    pause_s: float = 0.0
    piece: int = PIECE


STATED = f"Content-Length: {SIZE}"
UPLOADS = (
    Upload("one 128 MB body", 1, STATED),
    Upload("100 × 128 MB, Content-Length", 100, STATED),
    Upload("100 × 128 MB, chunked", 100, "Transfer-Encoding: chunked", chunked=True),
    Upload("300 × a byte a second", 300, "Content-Length: 1000", pause_s=1.0, piece=1),
)


def main() -> None:
    with servers.service() as (url, _):
        asyncio.run(load.send(url, "/v1/forecast", forecast_body(NetworkMode.INTERNET), 4, 2))
        print(table(url))


def body_of_size(size: int) -> bytes:
    """Return a bulk request of ``size`` bytes, with more items than one call carries."""
    item = bulk_body(NetworkMode.INTERNET, 1)[len(b'{"requests": [') : -len(b"]}")]
    items = b",".join([item] * (size // (len(item) + 1) - 1))
    return (b'{"requests": [' + items + b"]}").ljust(size)


def table(url: str) -> str:
    """Return the figures of every kind of upload, in Markdown."""
    small = forecast_body(NetworkMode.INTERNET)
    lines = [
        "| uploads | their answers | forecasts p99 ms (ratio) | /livez p99 ms | failed | MB |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    idle, idle_live, memory = asyncio.run(_beside(url, small))
    lines.append(_line("none", "-", idle, idle, idle_live, memory))
    for number, upload in enumerate(UPLOADS):
        command = [sys.executable, "-m", "benchmarks.hostile_uploads", url, str(number)]
        attack = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert attack.stdout
        attack.stdout.readline()  # it begins
        loaded, live, memory = asyncio.run(_beside(url, small))
        answers, _ = attack.communicate()  # its input ends, and so does it
        lines.append(_line(upload.name, answers.strip(), idle, loaded, live, memory))
    return "\n".join(lines)


async def _beside(url: str, small: bytes) -> tuple[load.Load, load.Load, float]:
    """Return the small forecasts and /livez, and the most memory meanwhile."""
    peak = 0.0

    async def watch() -> None:
        nonlocal peak
        while True:
            peak = max(peak, await asyncio.to_thread(resident_mb, NAMES))
            await asyncio.sleep(0.2)

    watcher = asyncio.create_task(watch())
    forecasts, live = await asyncio.gather(
        load.send(url, "/v1/forecast", small, 4, SECONDS, RATE),
        load.send(url, "/livez", b"", 1, SECONDS, RATE),
    )
    watcher.cancel()
    return forecasts, live, peak


async def attack(url: str, upload: Upload) -> str:
    """Send until the input ends; return how often each status came, 0 for none."""
    statuses: Counter[int] = Counter()
    text = body_of_size(SIZE)
    print("ready", flush=True)
    callers = [
        asyncio.create_task(_repeat(url, upload, text, statuses)) for _ in range(upload.connections)
    ]
    await asyncio.to_thread(sys.stdin.read)
    for caller in callers:
        caller.cancel()
    await asyncio.gather(*callers, return_exceptions=True)
    return ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items())) or "-"


async def _repeat(url: str, upload: Upload, text: bytes, statuses: Counter[int]) -> None:
    while True:
        statuses[await _send(url, upload, text)] += 1
        await asyncio.sleep(1)  # what Retry-After says


async def _send(url: str, upload: Upload, text: bytes) -> int:
    """Return the status of the answer to one body, 0 without an answer."""
    target, loop = urlsplit(url), asyncio.get_running_loop()
    with socket.socket() as connection:
        connection.setblocking(False)
        await loop.sock_connect(connection, (target.hostname, target.port))
        head = f"POST /v1/forecasts HTTP/1.1\r\nHost: {target.netloc}\r\n{upload.header}\r\n"
        head += "Content-Type: application/json\r\n\r\n"
        await loop.sock_sendall(connection, head.encode())
        sender = asyncio.create_task(_send_body(connection, upload, text))
        try:
            answer = await loop.sock_recv(connection, 4096)
        except OSError:
            return 0
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
    return int(answer.split()[1]) if answer else 0


async def _send_body(connection: socket.socket, upload: Upload, text: bytes) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):  # the answer says why
        for sent in range(0, SIZE, upload.piece):
            piece = text[sent : sent + upload.piece]
            framed = b"%x\r\n%s\r\n" % (len(piece), piece) if upload.chunked else piece
            await loop.sock_sendall(connection, framed)
            await asyncio.sleep(upload.pause_s)
        if upload.chunked:
            await loop.sock_sendall(connection, b"0\r\n\r\n")


def _line(
    name: str, answers: str, idle: load.Load, loaded: load.Load, live: load.Load, memory_mb: float
) -> str:
    p99 = loaded.percentile(99)
    return (
        f"| {name} | {answers} | {p99:.0f} ({p99 / idle.percentile(99):.1f}) "
        f"| {live.percentile(99):.0f} | {loaded.failed + live.failed} | {memory_mb:.0f} |"
    )


if __name__ == "__main__":
    if sys.argv[1:]:
        print(asyncio.run(attack(sys.argv[1], UPLOADS[int(sys.argv[2])])))
    else:
        main()
