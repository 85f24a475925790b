"""The network of a test bed: a bridge, and a cable from each machine to it."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator

__all__ = [
    "HUB",
    "PREFIX",
    "address",
    "bridge",
    "connect",
    "plug",
    "remove",
    "slow",
    "unplug",
]

PREFIX = "10.77.0"
HUB = f"{PREFIX}.254"
"""The address of the process that builds the bed; its clients call from there."""
_BRIDGE = "bed"


def address(number: int) -> str:
    """Return the address of a machine."""
    return f"{PREFIX}.{number}"


def bridge() -> None:
    """Create the bridge, with the address `HUB`."""
    _ip("link", "set", "lo", "up")
    _ip("link", "add", _BRIDGE, "type", "bridge")
    _ip("addr", "add", f"{HUB}/24", "dev", _BRIDGE)
    _ip("link", "set", _BRIDGE, "up")


def connect(number: int, pid: int) -> None:
    """Give the network namespace of process ``pid`` a cable to the bridge.

    The card keeps its address over a restart, as a real one does: others know it by heart for a
    while, and would send to one that is gone.
    """
    card = ["eth0", "netns", str(pid), "address", f"02:00:00:00:00:{number:02x}"]
    _ip("link", "add", _cable(number), "type", "veth", "peer", "name", *card)
    _ip("link", "set", _cable(number), "master", _BRIDGE, "up")
    for words in (
        ("addr", "add", f"{address(number)}/24", "dev", "eth0"),
        ("link", "set", "eth0", "up"),
        ("link", "set", "lo", "up"),
    ):
        subprocess.run(["nsenter", f"--target={pid}", "--net", "ip", *words], check=True)


def unplug(number: int) -> None:
    """Take a machine's cable out: what it and others send is lost, and nobody is told."""
    _ip("link", "set", _cable(number), "nomaster")


def plug(number: int) -> None:
    """Put the cable back."""
    _ip("link", "set", _cable(number), "master", _BRIDGE)


@contextlib.contextmanager
def slow(number: int, delay_ms: float, jitter_ms: float, loss: float) -> Iterator[None]:
    """Delay what a machine sends by so much, more or less, and lose a share of it."""
    near, far = f"near{number}", f"far{number}"
    _ip("link", "add", near, "type", "veth", "peer", "name", far)
    _ip("link", "set", near, "up")
    _ip("link", "set", far, "master", _BRIDGE, "up")
    unplug(number)
    options = [_cable(number), near, str(delay_ms), str(jitter_ms), str(loss)]
    command = [sys.executable, "-m", "tests.cluster.bed.relay", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()  # it passes frames on from now
    try:
        yield
    finally:
        process.kill()
        process.wait()
        plug(number)
        _ip("link", "del", near)


def remove(number: int) -> None:
    """Remove a cable whose machine has no power; its sockets would keep it for minutes."""
    _ip("link", "del", _cable(number))


def _cable(number: int) -> str:
    return f"cable{number}"


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
