"""The test bed without Ray: machines that meet, lose power, and leave nothing behind."""

import signal
import subprocess
import sys

import pytest

from tests.cluster.bed.isolation import UNSHARE
from tests.cluster.bed.machine import PROJECT
from tests.support.bed import NEEDS_BED, bed_environment

pytestmark = [NEEDS_BED, pytest.mark.usefixtures("leaves_nothing")]

TWO_MACHINES = """
import socket, sys, time
from pathlib import Path
from tests.cluster.bed import network
from tests.cluster.bed.isolation import shared_folder
from tests.cluster.bed.machine import Machine

LISTEN = '''
import socket
server = socket.create_server(("", 7000))
open("/tmp/up", "w")
while True:
    server.accept()
'''
CALL = "import socket; socket.create_connection(('{}', 7000), 1)"

def reaches(a, b):
    try:
        a.run([sys.executable, "-c", CALL.format(b.address)], {})
    except AssertionError:
        return False
    return True

def handshake_s(machine):  # the shortest of a few, so that a busy moment does not count
    took_s = []
    for _ in range(5):
        began_s = time.monotonic()
        socket.create_connection((machine.address, 7000), 5).close()
        took_s.append(time.monotonic() - began_s)
    return min(took_s)

network.bridge()
shared, a, b = shared_folder(), Machine(1), Machine(2)
a.boot(), b.boot()
def listen():
    b.start([sys.executable, "-c", LISTEN], {}, shared / "log")
    while not reaches(b, b):
        time.sleep(0.1)
"""

FAULTS = """
listen()
assert reaches(a, b)
b.run(["test", "-e", "/tmp/up"], {})
a.run(["test", "!", "-e", "/tmp/up"], {})  # each has a /tmp of its own
a.run(["test", "-e", str(shared / "log")], {})
network.unplug(2)
assert not reaches(a, b)
network.plug(2)
assert reaches(a, b)
with network.slow(2, 100, 10, 0.0):
    assert reaches(a, b)
    assert 0.09 < handshake_s(b) < 0.6, handshake_s(b)
assert handshake_s(b) < 0.09
b.cut_power()
assert not b.is_on and not reaches(a, b)
b.boot()
b.run(["test", "!", "-e", "/tmp/up"], {})
listen()
assert reaches(a, b)
names = a.processes().values()
assert any("sleep infinity" in name for name in names), names
"""


def start(program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*UNSHARE, sys.executable, "-c", program],
        env=bed_environment(),
        cwd=PROJECT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_machines_reach_each_other_until_they_lose_network_or_power():
    bed = start(TWO_MACHINES + FAULTS)
    output, _ = bed.communicate(timeout=100)
    assert bed.returncode == 0, output


def test_a_program_that_fails_leaves_nothing():
    bed = start(TWO_MACHINES + "listen()\nraise SystemExit('as it should')")
    output, _ = bed.communicate(timeout=100)
    assert (bed.returncode, output) == (1, "as it should\n")


def test_a_bed_that_is_killed_leaves_nothing():
    bed = start(TWO_MACHINES + "listen()\nprint('up', flush=True)\ntime.sleep(100)")
    assert bed.stdout
    assert bed.stdout.readline() == "up\n"
    bed.send_signal(signal.SIGKILL)
    bed.communicate()
