"""A machine of a test bed: a network, mounts and processes of its own."""

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.cluster.bed import network
from tests.cluster.bed.isolation import UNSHARE
from tests.support.waiting import wait_until

__all__ = ["PROJECT", "Machine"]

PROJECT = Path(__file__).parents[3]
_MEMORY = "512m"  # of Ray's objects and of /tmp; both count only as they are used

# Ray's nodes on one machine would meet in /tmp/ray and /dev/shm. A project that lies below one of
# the two is put back. The first process waits for orphans, as init does.
_INIT = """
set -eu
mount -t tmpfs tmpfs /mnt
mkdir /mnt/project
mount --bind "$1" /mnt/project
mount -t tmpfs -o size=$2 tmpfs /tmp
mount -t tmpfs -o size=$2 tmpfs /dev/shm
mkdir -p "$1"
mount --bind /mnt/project "$1"
touch /mnt/up
sleep infinity &
while :; do wait || true; done
"""


class Machine:
    """A machine that can lose its power and its network.

    Parameters
    ----------
    number
        The last part of its address, 1 to 253.
    """

    def __init__(self, number: int) -> None:
        self.number, self.address = number, network.address(number)
        self._init: subprocess.Popen[bytes] | None = None

    @property
    def is_on(self) -> bool:
        """Whether the machine has power."""
        return self._init is not None

    @property
    def init(self) -> int:
        """The process id of the machine's first process."""
        assert self._init is not None, "the machine is off"
        children = Path(f"/proc/{self._init.pid}/task/{self._init.pid}/children").read_text()
        return int(children.split()[0])

    def boot(self) -> None:
        """Start the machine, with empty disks."""
        arguments = [str(PROJECT), _MEMORY]
        command = [*UNSHARE, "sh", "-c", _INIT, "init", *arguments]
        self._init = subprocess.Popen(command, start_new_session=True)
        wait_until(self._is_up, f"the start of machine {self.number}")
        network.connect(self.number, self.init)

    def _is_up(self) -> bool:
        assert self._init is not None
        assert self._init.poll() is None, f"machine {self.number} has ended"
        with contextlib.suppress(IndexError, OSError):  # it has no process yet
            return Path(f"/proc/{self.init}/root/mnt/up").exists()
        return False

    def end(self) -> None:
        """Cut the power of a machine that may be off already."""
        if self._init is not None:
            self.cut_power()

    def cut_power(self) -> None:
        """End all processes of the machine at once; nobody on the network is told."""
        assert self._init is not None
        network.unplug(self.number)
        self._init.kill()
        self._init.wait()
        self._init = None
        network.remove(self.number)

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> subprocess.Popen[bytes]:
        """Start a program on the machine; what it prints is added to ``log``."""
        with log.open("ab") as file:
            return subprocess.Popen(
                self._inside(command),
                env=dict(environment),
                stdout=file,
                stderr=file,
                start_new_session=True,  # Linux shares the processors out among sessions
            )

    def run(
        self, command: Sequence[str], environment: Mapping[str, str], timeout_s: float = 60
    ) -> str:
        """Run a program on the machine; return what it prints.

        Raises
        ------
        AssertionError
            If it fails; with all that it printed.
        """
        process = subprocess.run(
            self._inside(command),
            env=dict(environment),
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        assert process.returncode == 0, f"{' '.join(command)}: {process.stdout}"
        return process.stdout

    def processes(self) -> dict[int, str]:
        """Return the command line of each process of the machine, by the id that it has here."""
        assert self._init is not None
        lines = {}
        own = Path(f"/proc/{self.init}/ns/pid").readlink()
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                if (entry / "ns/pid").readlink() == own:
                    line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
                    lines[int(entry.name)] = line
        return lines

    def _inside(self, command: Sequence[str]) -> list[str]:
        namespaces = ["--net", "--mount", "--pid", f"--wdns={PROJECT}"]
        return ["nsenter", f"--target={self.init}", *namespaces, *command]
