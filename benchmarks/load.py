"""A load generator of low overhead: prepared bytes over keep-alive connections."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np

JSON = {"Content-Type": "application/json"}

OnResponse = Callable[[float, bytes], None]
"""Called with the latency in seconds and the body of every response."""


@dataclass(frozen=True)
class Load:
    """The measurements of one run; ``failed`` counts responses with another status than 200."""

    latency_ms: np.ndarray
    seconds: float
    failed: int

    @property
    def per_second(self) -> float:
        return len(self.latency_ms) / self.seconds

    def percentile(self, share: float) -> float:
        return float(np.percentile(self.latency_ms, share))


def run(
    url: str, path: str, body: bytes, connections: int, seconds: float, rate: float | None = None
) -> Load:
    """Send ``body`` repeatedly, ``rate`` times a second; without a rate, as fast as possible.

    It is posted; without one, ``path`` is requested.

    Without a rate, each connection sends the next request when it has received a response.
    """
    return asyncio.run(send(url, path, body, connections, seconds, rate))


async def send(
    url: str,
    path: str,
    body: bytes,
    connections: int,
    seconds: float,
    rate: float | None = None,
    on_response: OnResponse = lambda latency_s, body: None,
    head: str = "",
) -> Load:
    """Do the same as `run`, and call ``on_response`` for every response.

    ``head`` has further lines of the request's head, each with its end.
    """
    target = urlsplit(url)
    method = "POST" if body else "GET"
    start = (
        f"{method} {path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n{head}\r\n"
    )
    message = start.encode() + body
    pause_s = None if rate is None else connections / rate
    started = time.perf_counter()
    end = started + seconds
    results = await asyncio.gather(
        *(
            _connection(target.hostname, target.port, message, end, pause_s, index, on_response)
            for index in range(connections)
        )
    )
    elapsed_s = time.perf_counter() - started
    latencies_s = np.concatenate([np.array(latencies) for latencies, _ in results])
    return Load(latencies_s * 1000, elapsed_s, sum(failed for _, failed in results))


async def _connection(
    host: str | None,
    port: int | None,
    message: bytes,
    end: float,
    pause_s: float | None,
    index: int,
    on_response: OnResponse,
) -> tuple[list[float], int]:
    """Return the latencies in seconds and the number of failures of one connection."""
    reader, writer = await asyncio.open_connection(host, port)
    latencies_s, failed, closed = [], 0, False
    due = time.perf_counter() + (pause_s or 0) * index / 7  # connections start at different times
    while (now := time.perf_counter()) < end:
        if pause_s is not None:
            await asyncio.sleep(max(0.0, due - now))
            due += pause_s
        started = time.perf_counter()
        if closed:
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
        writer.write(message)
        status, closed, body = await _response(reader)
        failed += status != 200
        latencies_s.append(time.perf_counter() - started)
        on_response(latencies_s[-1], body)
    writer.close()
    return latencies_s, failed


async def _response(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    """Return the status of a response, whether the connection closes after it, and its body."""
    lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    length = next(line.split(b":")[1] for line in lines if line.startswith(b"content-length:"))
    body = await reader.readexactly(int(length))
    return int(lines[0].split(b" ", 2)[1]), b"connection: close" in lines, body
