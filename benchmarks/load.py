"""A load generator that costs little itself: prepared bytes over keep-alive connections."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np


@dataclass(frozen=True)
class Load:
    """What one run measured; ``failed`` counts answers other than 200."""

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
    """Send ``body`` again and again; ``rate`` is in requests a second, None as fast as answered."""
    return asyncio.run(send(url, path, body, connections, seconds, rate))


async def send(
    url: str,
    path: str,
    body: bytes,
    connections: int,
    seconds: float,
    rate: float | None = None,
    hear: Callable[[float, bytes], None] = lambda took_s, answer: None,
) -> Load:
    """As `run`, with ``hear`` called with the seconds and the body of every answer."""
    target = urlsplit(url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {target.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    message = head.encode() + body
    began = time.perf_counter()
    pause = None if rate is None else connections / rate
    parts = await asyncio.gather(
        *(
            _connection(target.hostname, target.port, message, began + seconds, pause, number, hear)
            for number in range(connections)
        )
    )
    took = time.perf_counter() - began
    latencies = np.concatenate([np.array(part[0]) for part in parts])
    return Load(latencies * 1000, took, sum(part[1] for part in parts))


async def _connection(
    host: str | None,
    port: int | None,
    message: bytes,
    end: float,
    pause: float | None,
    number: int,
    hear: Callable[[float, bytes], None],
) -> tuple[list[float], int]:
    reader, writer = await asyncio.open_connection(host, port)
    latencies, failed, closed = [], 0, False
    due = time.perf_counter() + (pause or 0) * number / 7
    while (now := time.perf_counter()) < end:
        if pause is not None:
            await asyncio.sleep(max(0.0, due - now))
            due += pause
        started = time.perf_counter()
        if closed:
            writer.close()
            reader, writer = await asyncio.open_connection(host, port)
        writer.write(message)
        status, closed, answer = await _answer(reader)
        failed += status != 200
        latencies.append(time.perf_counter() - started)
        hear(latencies[-1], answer)
    writer.close()
    return latencies, failed


async def _answer(reader: asyncio.StreamReader) -> tuple[int, bool, bytes]:
    """Return the status of an answer, whether the connection ends with it, and its body."""
    lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    length = next(line.split(b":")[1] for line in lines if line.startswith(b"content-length:"))
    body = await reader.readexactly(int(length))
    return int(lines[0].split(b" ", 2)[1]), b"connection: close" in lines, body
