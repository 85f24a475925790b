"""What memory do Ray and the service take on a node? `python -m benchmarks.node_memory`, run there

It prints the proportional set size of every process of Ray on this machine, largest first: memory
that processes share counts once in the sum. Run it as the user of the service, after some load.
"""

import re
from collections import defaultdict

import psutil

_KINDS = (
    (r"ray::ServeReplica:\w+:(\w+)", r"replica of \1"),
    (r"ray-dashboard-\w+|dashboard/dashboard\.py", "dashboard (head)"),
    (r"/gcs_server", "GCS (head)"),
    (r"log_monitor", "log monitor"),
    (r"/raylet ", "raylet"),
    (r"monitor\.py", "autoscaler's monitor (head)"),
    (r"ray\.util\.client\.server", "Ray client's server (head)"),
    (r"ray::(ServeController|HAProxyManager|ProxyActor)", r"\1"),
    (r"(?i)dashboardagent|runtimeenvagent|agent\.py|/main\.py.*agent", "agents"),
    (r"haproxy", "HAProxy"),
    (r"^ray::|/ray/", "others of Ray"),
)


def kind(command: str) -> str | None:
    """Return what a process is, None for one that is not Ray's."""
    for pattern, name in _KINDS:
        if match := re.search(pattern, command):
            return match.expand(name)
    return None


def main() -> None:
    sizes_mb: dict[str, list[float]] = defaultdict(list)
    for process in psutil.process_iter(["cmdline", "name"]):
        command = " ".join(process.info["cmdline"] or ()) or process.info["name"]
        if name := kind(command):
            try:
                sizes_mb[name].append(process.memory_full_info().pss / 1e6)
            except psutil.Error:  # it has ended, or is another user's
                continue
    print("| process | number | MB |\n| --- | --- | --- |")
    for name, sizes in sorted(sizes_mb.items(), key=lambda item: -sum(item[1])):
        print(f"| {name} | {len(sizes)} | {sum(sizes):.0f} |")
    print(f"\n{sum(map(sum, sizes_mb.values())):.0f} MB in all")


if __name__ == "__main__":
    main()
