"""Runs the benchmarks of the first group and writes their results into benchmarks/README.md."""

import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import bad_keys, bulk, servers, serving, stored, tls

README = Path(__file__).with_name("README.md")
START, END = "<!-- results -->", "<!-- end of results -->"


def main() -> None:
    lines = [_machine(), ""]
    for section in sections():
        print(*section, sep="\n", flush=True)
        lines += section
    before, rest = README.read_text().split(START)
    after = rest.split(END)[1]
    README.write_text(f"{before}{START}\n" + "\n".join(lines) + f"\n{END}{after}")


def sections() -> Iterator[list[str]]:
    """Yield the lines of one benchmark after another, in Markdown."""
    yield from serving.beside_bare()
    yield serving.beside_baseline()
    with servers.service() as (url, _):
        yield _bulk(url)
    yield ["", *stored.lines()]
    yield tls.lines()
    yield bad_keys.lines()


def _bulk(url: str) -> list[str]:
    figures = bulk.measure(url)
    return [
        f"A bulk call of {bulk.COUNT} internet links over HTTP: {figures['rows_per_s']:.0f} "
        f"forecasts/s from rows, {figures['columns_per_s']:.0f} from columns; ONNX Runtime alone "
        f"on the same windows {figures['onnx_per_s']:.0f}/s; ratios {figures['rows_ratio']:.2f}, "
        f"{figures['columns_ratio']:.2f}.",
        "",
    ]


def _machine() -> str:
    text = Path("/proc/cpuinfo").read_text()
    model = next(line.split(":")[1].strip() for line in text.splitlines() if "model name" in line)
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d} on {cores} cores of {model}, Python "
        f"{platform.python_version()}, load generator on the same cores."
    )


if __name__ == "__main__":
    main()
