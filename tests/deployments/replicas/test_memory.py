"""Memory of large objects goes back to the system when they end."""

import subprocess
import sys

import pytest

GROW = """
import resource, sys
from pathlib import Path
from deployments.replicas.memory import return_large_memory

def resident_mb():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

return_large_memory()
del (first := {"body": bytearray(30_000_000)})["body"]  # glibc would raise its threshold now
before = resident_mb()
bodies = [bytearray() for _ in range(8)]
kept = []
for _ in range(256):
    for body in bodies:
        body += b"x" * 65_536
        kept.append(bytearray(4096))  # small objects that stay, between them
most = resident_mb() - before
bodies.clear()
print(most, resident_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc and glibc")
def test_bodies_that_grow_side_by_side_take_their_size_and_give_it_back():
    run = subprocess.run(
        [sys.executable, "-c", GROW], capture_output=True, text=True, check=True, timeout=120
    )
    most_mb, left_mb = map(float, run.stdout.split())
    assert most_mb < 1.35 * 8 * 256 * 65_536 / 1e6
    assert left_mb < 40
