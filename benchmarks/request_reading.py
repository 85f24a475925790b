"""What does reading a bulk request of 1000 histories cost, in rows and in columns, and before?

CPU time of one process each, which take turns, so that a busy machine slows all of them alike.
"""

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import request_bodies, servers
from pba.types import NetworkMode

COUNT, ROUNDS = 1000, 15

_READER = """
import sys, time
from pathlib import Path
from deployments.ingress.request_reading import read_queries
body = Path(sys.argv[1]).read_bytes()
for _ in sys.stdin:
    started = time.process_time()
    queries = read_queries(body, 10_000)[:]
    print(time.process_time() - started, len(queries), flush=True)
"""


def lines() -> list[str]:
    """Return a table in Markdown."""
    mode = NetworkMode.INTERNET
    bodies = {
        "rows": request_bodies.bulk_body(mode, COUNT),
        "columns": request_bodies.bulk_columns_body(mode, COUNT),
    }
    with tempfile.TemporaryDirectory() as folder, servers.baseline() as before:
        files = {name: Path(folder) / name for name in bodies}
        for name, file in files.items():
            file.write_bytes(bodies[name])
        readers = {
            "rows, before": (before, files["rows"]),
            "rows": (servers.PROJECT, files["rows"]),
            "columns": (servers.PROJECT, files["columns"]),
        }
        costs_ms = _measure(readers)
    first = costs_ms["rows, before"]
    return [
        f"| reading {COUNT} histories of 60 samples | MB | CPU ms | of before |",
        "| --- | --- | --- | --- |",
        *(
            f"| {name} | {len(bodies[name.partition(',')[0]]) / 1e6:.1f} | {median(cost_ms):.0f} | "
            f"{median(now / then for now, then in zip(cost_ms, first, strict=True)):.2f} |"
            for name, cost_ms in costs_ms.items()
        ),
    ]


def _measure(readers: dict[str, tuple[Path, Path]]) -> dict[str, list[float]]:
    """Return the CPU milliseconds of each round; the rounds of all readers alternate."""
    with contextlib.ExitStack() as stack:
        processes = {
            name: stack.enter_context(_process(project, file))
            for name, (project, file) in readers.items()
        }
        costs_ms: dict[str, list[float]] = {name: [] for name in readers}
        for round_ in range(ROUNDS + 2):
            for name, process in processes.items():
                cost_ms = _read_once(process)
                if round_ >= 2:  # the first ones warm up
                    costs_ms[name].append(cost_ms)
    return costs_ms


@contextlib.contextmanager
def _process(project: Path, file: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-c", _READER, str(file)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=project, env={"PYTHONPATH": str(project)}, stdin=pipe, stdout=pipe, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def _read_once(process: "subprocess.Popen[str]") -> float:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    seconds, count = process.stdout.readline().split()
    assert int(count) == COUNT
    return float(seconds) * 1000


if __name__ == "__main__":
    print(*lines(), sep="\n")
