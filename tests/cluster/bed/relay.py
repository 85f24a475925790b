"""A slow stretch of cable: `python -m tests.cluster.bed.relay FROM TO DELAY_MS JITTER_MS LOSS`.

What arrives at one network card leaves at the other, later, and some of it never; the way back is
as fast as ever. The kernel does the same by `tc netem`, where it was built with that.
"""

import heapq
import itertools
import random
import select
import socket
import sys
import time

__all__ = ["relay"]

_ALL_PROTOCOLS = 3
_SOL_PACKET, _VNET_HEADER = 263, 15  # linux/if_packet.h: checksums and segments are left undone
_LARGEST = 1 << 17
_OUTGOING = 4


def relay(source: str, target: str, delay_s: float, jitter_s: float, loss: float) -> None:
    """Pass frames on without end; ``loss`` is a share, and delays are uniform around theirs."""
    near, far = _card(source), _card(target)
    chance, numbers = random.Random(0), itertools.count()
    waiting: list[tuple[float, int, bytes]] = []
    print("ready", flush=True)  # noqa: T201 - who started it waits for this
    while True:
        timeout_s = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
        ready, _, _ = select.select([near, far], [], [], timeout_s)
        if far in ready and (frame := _receive(far)):
            _send(near, frame)
        if near in ready and (frame := _receive(near)) and chance.random() >= loss:
            due_s = time.monotonic() + delay_s + chance.uniform(-jitter_s, jitter_s)
            heapq.heappush(waiting, (due_s, next(numbers), frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _send(far, heapq.heappop(waiting)[2])


def _card(name: str) -> socket.socket:
    card = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    card.setsockopt(_SOL_PACKET, _VNET_HEADER, 1)
    card.bind((name, 0))
    return card


def _receive(card: socket.socket) -> bytes:
    """Return a frame that came in from outside, empty for one that was sent from here."""
    frame, address = card.recvfrom(_LARGEST)
    return b"" if address[2] == _OUTGOING else frame


def _send(card: socket.socket, frame: bytes) -> None:
    try:
        card.send(frame)
    except OSError as error:  # a full queue loses frames, as a real card's does
        print(error, file=sys.stderr)  # noqa: T201 - a program of its own


if __name__ == "__main__":
    delay_ms, jitter_ms, lost = map(float, sys.argv[3:])
    relay(*sys.argv[1:3], delay_ms / 1000, jitter_ms / 1000, lost)
