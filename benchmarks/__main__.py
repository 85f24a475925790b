"""Runs the benchmarks of the first group and writes their results into benchmarks/README.md."""

import platform
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import bulk, handle, servers, serving, stored

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
    yield _serving()
    with servers.service(plain=False) as (url, environment):
        yield _steady(url)
        yield _bulk(url)
        yield _handle(environment)
    yield ["", *stored.lines()]


def _serving() -> list[str]:
    rows = [
        "| one internet forecast over HTTP | p50 ms, 1 connection | requests/s at 1 / 8 / 32 | "
        "p50 against bare | requests/s at 32 against bare |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, plain in (("HAProxy, throughput-optimised", False), ("plain proxy", True)):
        figures = serving.measure(plain)
        bare, service = figures["bare"], figures["service"]
        rows.append(f"| bare FastAPI + ONNX Runtime, same run | {_cells(bare)} | 1 | 1 |")
        rows.append(
            f"| PBA, {name} | {_cells(service)} | {service['p50_1'] / bare['p50_1']:.1f} | "
            f"{service['rps_32'] / bare['rps_32']:.2f} |"
        )
    return [*rows, ""]


def _cells(figures: dict[str, float]) -> str:
    rates = " / ".join(f"{figures[f'rps_{count}']:.0f}" for count in serving.CONNECTIONS)
    return f"{figures['p50_1']:.1f} | {rates}"


def _steady(url: str) -> list[str]:
    p99_ms = serving.steady(url)
    modes = [f"{mode} {value:.0f} ms" for mode, value in p99_ms.items()]
    return [f"p99 at 20 requests/s over HTTP: {', '.join(modes)}.", ""]


def _bulk(url: str) -> list[str]:
    figures = bulk.measure(url)
    return [
        f"A bulk call of {bulk.COUNT} internet links over HTTP: {figures['service_per_s']:.0f} "
        f"forecasts/s; ONNX Runtime alone on the same windows {figures['onnx_per_s']:.0f}/s; ratio "
        f"{figures['ratio']:.2f}.",
        "",
    ]


def _handle(environment: dict[str, str]) -> list[str]:
    figures = handle.measure(environment)
    return [
        f"Through a handle from a second program: p50 {figures['p50_1']:.1f} ms, "
        f"{figures['rps_1']:.0f} requests/s with 1 caller, {figures['rps_32']:.0f} with 32.",
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
