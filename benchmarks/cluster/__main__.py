"""`python -m benchmarks.cluster chaos`: builds the test bed, and does to it what is asked.

Logs of the nodes lie in the folder of ``--logs`` afterwards.
"""

import argparse
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.cluster.bed.cluster import PROFILE
from tests.cluster.bed.isolation import isolated_command, obstacle
from tests.cluster.bed.machine import PROJECT

_INSIDE = "PBA_INSIDE_TEST_BED"
_SHORT_QUIET_S = 10.0


def main() -> int:
    """Run the command, first of all in namespaces of its own."""
    arguments = _parser().parse_args()
    if reason := obstacle():
        print(f"no test bed here: {reason}", file=sys.stderr)
        return 2
    if _INSIDE not in os.environ:
        os.environ[_INSIDE] = "1"
        command = isolated_command("benchmarks.cluster", *sys.argv[1:])
        os.execvp(command[0], command)
    code: int = arguments.run(arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cluster", description=__doc__)
    commands = parser.add_subparsers(required=True)
    chaos = commands.add_parser("chaos", help="kill nodes and replicas under load")
    chaos.add_argument("--short", action="store_true", help="a worker and a router only")
    chaos.set_defaults(run=_chaos)
    restarts = commands.add_parser("restarts", help="restart PostgreSQL and Redis under load")
    restarts.set_defaults(run=_restarts)
    upgrades = commands.add_parser("upgrades", help="deploy a changed setting 5 times under load")
    upgrades.set_defaults(run=_upgrades)
    releases = commands.add_parser("releases", help="deploy this release over another, and back")
    releases.add_argument("--before", help="the commit of the other")
    releases.set_defaults(run=_releases)
    training = commands.add_parser("training", help="train over two nodes and kill one")
    training.set_defaults(run=_training)
    soak = commands.add_parser("soak", help="measure what grows at half of the load")
    soak.add_argument("--minutes", type=float, default=60.0)
    soak.add_argument("--rate", type=float, default=20.0, help="calls a second")
    soak.set_defaults(run=_soak)
    for command in (chaos, restarts, upgrades, releases, training, soak):
        command.add_argument("--logs", type=Path, default=Path("build/cluster"), metavar="DIR")
    return parser


def _chaos(arguments: argparse.Namespace) -> int:
    """In the short form, for machines that do other things too, only what is lost counts."""
    from benchmarks.cluster import chaos
    from benchmarks.cluster.faults import faults

    short = arguments.short
    quiet_s = _SHORT_QUIET_S if short else chaos.QUIET_S
    with _running(arguments) as (cluster, report):
        result = chaos.run(cluster, faults(cluster, short), report, quiet_s)
    return _end(chaos.table(result), chaos.losses(result) if short else chaos.problems(result))


def _restarts(arguments: argparse.Namespace) -> int:
    """Calls that need the store wait for it, so only what is lost counts."""
    from benchmarks.cluster import chaos
    from benchmarks.cluster.faults import restarts

    with _running(arguments) as (cluster, report):
        result = chaos.run(cluster, restarts(cluster), report)
    return _end(chaos.table(result), chaos.losses(result))


def _upgrades(arguments: argparse.Namespace) -> int:
    from benchmarks.cluster import upgrades

    with _running(arguments) as (cluster, report):
        result = upgrades.run(cluster, upgrades.settings(cluster), report)
    return _end(upgrades.table(result), upgrades.problems(result))


def _releases(arguments: argparse.Namespace) -> int:
    """The first of this release's routers migrates the store, beside those of the other."""
    from benchmarks.cluster import upgrades

    build = PROJECT / "build"  # nodes see no folder in /tmp but the project
    build.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=build) as folder:
        before = upgrades.release(arguments.before or upgrades.BEFORE, Path(folder) / "before")
        with _running(arguments, before) as (cluster, report):
            result = upgrades.run(cluster, upgrades.releases(before), report)
    return _end(upgrades.table(result), upgrades.problems(result))


def _training(arguments: argparse.Namespace) -> int:
    from benchmarks.cluster import training

    with _running(arguments) as (cluster, report):
        result = training.run(cluster, arguments.logs, report)
    return _end(result, [])


def _soak(arguments: argparse.Namespace) -> int:
    from benchmarks.cluster import soak

    with _running(arguments) as (cluster, report):
        slopes = soak.run(cluster, arguments.minutes, arguments.rate, report)
    return _end(soak.table(slopes), soak.problems(slopes))


@contextlib.contextmanager
def _running(
    arguments: argparse.Namespace, config: Path = PROFILE
) -> Iterator[tuple[Any, Callable[[str], None]]]:
    """Yield a cluster that answers, and a function that says on screen what happens."""
    from tests.cluster.bed.cluster import cluster

    began_s = time.monotonic()

    def report(text: str) -> None:
        print(f"{time.monotonic() - began_s:6.0f} s  {text}", file=sys.stderr, flush=True)

    with cluster(arguments.logs, config=config) as running:
        report("three nodes answer")
        yield running, report


def _end(result: str, problems: Sequence[str]) -> int:
    print(result)
    print("\n".join(["", *problems]) if problems else "\nAll is as it should be.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
