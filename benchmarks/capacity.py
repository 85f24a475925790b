"""How many machines does a number of links need, and what breaks first? A simulation.

`python -m benchmarks.capacity` prints the tables of docs/capacity.md. The costs of a loop (a sample
and a forecast by name of one link) are those that `benchmarks.loop` measured. Time passes in ticks
of 20 ms. In each, a pool of processes works through its queue as far as its cores allow; what it
finishes goes on to the next pool. A machine's cores are shared fairly by what runs on it.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

__all__ = ["COSTS", "Costs", "Layout", "largest", "simulate"]

TICK_S = 0.02
WARM_S, RUN_S = 5.0, 20.0
LIMIT_S = 0.5  # of 95 % of the loops, as in `benchmarks.loop`
USED_SHARE = 0.6  # of a machine that is planned for, so that one in three may be lost
DAY_S = 86_400


@dataclass(frozen=True)
class Costs:
    """CPU seconds, bytes and statements of one loop, in calls of 500 links."""

    report_s: float
    forecast_s: float
    model_s: float
    score_s: float
    database_s: float
    load_s: float
    stored_bytes: float
    logged_bytes: float
    statements: float


COSTS = Costs(
    report_s=0.3e-3,
    forecast_s=1.3e-3,
    model_s=1.9e-3,
    score_s=0.55e-3,
    database_s=0.5e-3,  # assumed: the loop has not been measured on PostgreSQL
    load_s=0.1e-3,
    stored_bytes=390.0,
    logged_bytes=2000.0,  # assumed
    statements=10.0,
)
"""Measured by `benchmarks.loop` and `benchmarks.bytes_a_loop`, see docs/capacity.md."""


@dataclass(frozen=True)
class Layout:
    """Processes and their machines.

    Parameters
    ----------
    routers, models, monitors, databases
        How many processes there are of each kind; Python uses one core each.
    cores
        Of each machine for routers, models and Monitors together.
    machines
        How many of these there are.
    database_cores
        Of each database server; 0 if the database is a library in the other processes (SQLite).
    load
        Whether the load is generated on the same cores.
    """

    routers: int = 1
    models: int = 2
    monitors: int = 1
    databases: int = 1
    cores: int = 2
    machines: int = 1
    database_cores: int = 0
    load: bool = False


@dataclass
class Pool:
    """Processes of one kind with a common queue of loops: ``(arrival, count)``."""

    name: str
    cost_s: float
    processes: int
    queue: deque[tuple[float, float]] = field(default_factory=deque)
    busy_s: float = 0.0

    @property
    def waiting(self) -> float:
        """How many loops wait."""
        return sum(count for _, count in self.queue)

    def demand_s(self) -> float:
        """Return the CPU seconds that the pool can use in a tick."""
        return min(self.processes * TICK_S, self.waiting * self.cost_s)

    def work(self, cpu_s: float) -> list[tuple[float, float]]:
        """Use ``cpu_s`` on the queue; return what is finished."""
        self.busy_s += cpu_s
        room = cpu_s / self.cost_s if self.cost_s else float("inf")
        finished = []
        while self.queue and room > 1e-9:
            arrived_s, count = self.queue.popleft()
            done = min(count, room)
            room -= done
            finished.append((arrived_s, done))
            if count > done:
                self.queue.appendleft((arrived_s, count - done))
        return finished


@dataclass(frozen=True)
class Result:
    """What a simulated run shows.

    Parameters
    ----------
    p95_s
        Of the time from a loop's arrival to its forecast.
    unscored
        Loops that wait for a Monitor at the end.
    used
        The share of its cores that each pool uses.
    """

    p95_s: float
    unscored: float
    used: dict[str, float]

    @property
    def keeps_up(self) -> bool:
        """Whether forecasts are in time and scoring is not behind."""
        return self.p95_s < LIMIT_S and self.unscored < 1.0

    @property
    def busiest(self) -> str:
        """The pool that breaks first."""
        return max(self.used, key=self.used.__getitem__)


def simulate(costs: Costs, layout: Layout, loops_per_s: float) -> Result:
    """Return what happens when ``loops_per_s`` links report and ask at the start of each second."""
    report = Pool("router: samples", costs.report_s, layout.routers)
    forecast = Pool("router: forecasts", costs.forecast_s, layout.routers)
    model = Pool("models", costs.model_s, layout.models)
    score = Pool("Monitors", costs.score_s, layout.monitors)
    load = Pool("load", costs.load_s, 1)
    shared = [report, forecast, model, score, *([load] if layout.load else [])]
    database = Pool("database", costs.database_s, layout.databases * layout.database_cores)
    done: list[tuple[float, float]] = []
    for tick in range(round((WARM_S + RUN_S) / TICK_S)):
        now_s = tick * TICK_S
        if tick % round(1 / TICK_S) == 0:
            report.queue.append((now_s, loops_per_s))
            load.queue.append((now_s, loops_per_s))
            database.queue.append((now_s, loops_per_s))
        share = _share(shared, layout.cores * layout.machines)
        for loops in report.work(report.demand_s() * share):
            forecast.queue.append(loops)
            score.queue.append(loops)
        model.queue.extend(forecast.work(forecast.demand_s() * share))
        finished = model.work(model.demand_s() * share)
        done += [(now_s + TICK_S - arrived_s, count) for arrived_s, count in finished]
        score.work(score.demand_s() * share)
        load.work(load.demand_s() * share)
        if layout.database_cores:
            database.work(database.demand_s())
    seconds = WARM_S + RUN_S
    pools = [*shared, *([database] if layout.database_cores else [])]
    used = {pool.name: pool.busy_s / (seconds * pool.processes) for pool in pools}
    backlog = max(0.0, score.waiting, database.waiting if layout.database_cores else 0.0)
    return Result(_quantile(done, 0.95), backlog, used)


def _share(pools: Sequence[Pool], cores: int) -> float:
    """Return the share of the demand of ``pools`` that the cores meet."""
    demand_s = sum(pool.demand_s() for pool in pools)
    return min(1.0, cores * TICK_S / demand_s) if demand_s else 1.0


def _quantile(values: Sequence[tuple[float, float]], share: float) -> float:
    """Return the weighted quantile of ``(value, weight)``; infinite for none."""
    total, passed = sum(weight for _, weight in values), 0.0
    for value, weight in sorted(values):
        passed += weight
        if passed >= share * total > 0:
            return value
    return float("inf")


def largest(costs: Costs, layout: Layout) -> tuple[int, str]:
    """Return the most loops a second with which ``layout`` keeps up, and what breaks first."""
    low, high = 1.0, 2.0
    while simulate(costs, layout, high).keeps_up:
        low, high = high, 2 * high
    while high / low > 1.01:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if simulate(costs, layout, middle).keeps_up else (low, middle)
    return int(low), simulate(costs, layout, high).busiest


def main() -> None:
    """Print the tables of docs/capacity.md."""
    print(*_measured(), "", *_growth(), "", *_machines(), sep="\n")


def _measured() -> list[str]:
    """Return how the simulation compares with the measurement on one machine."""
    links, first = largest(COSTS, Layout(load=True))
    return [
        f"Simulated on two cores with the load beside it: {links} links at one loop a second; "
        f"first to break: {first}."
    ]


def _growth() -> list[str]:
    """Return what breaks first as a cluster grows."""
    rows = [
        "| layout | loops a second | breaks first |",
        "| --- | --- | --- |",
    ]
    server = Layout(cores=16, machines=1, database_cores=16)
    layouts = {
        "1 router, 2 models, 1 Monitor, 1 PostgreSQL of 16 cores": server,
        "4 routers, 8 models, 1 Monitor": replace(server, routers=4, models=8),
        "4 routers, 8 models, 4 Monitors": replace(server, routers=4, models=8, monitors=4),
        "32 routers, 64 models, 32 Monitors on 8 machines": replace(
            server, routers=32, models=64, monitors=32, machines=8
        ),
        "the same with 4 PostgreSQL": replace(
            server, routers=32, models=64, monitors=32, machines=8, databases=4
        ),
    }
    for name, layout in layouts.items():
        loops, first = largest(COSTS, layout)
        rows.append(f"| {name} | {loops} | {first} |")
    return rows


def _machines() -> list[str]:
    """Return machines, servers and storage by the number of links and their pace."""
    rows = [
        "| links | a loop every | loops/s | machines of 16 cores | PostgreSQL servers of 16 cores "
        "| stored in 7 days, TB | log, MB/s a server | transactions of 500 loops a second |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for links in (10**4, 10**6, 10**8):
        for every_s in (1, 15, 60):
            rows.append(_machines_row(links, every_s))
    return rows


def _machines_row(links: int, every_s: int) -> str:
    loops = links / every_s
    costs = COSTS
    busy = loops * (costs.report_s + costs.forecast_s + costs.model_s + costs.score_s)
    machines = max(1, -int(-busy // (16 * USED_SHARE)))
    servers = max(1, -int(-loops * costs.database_s // (16 * USED_SHARE)))
    stored_tb = loops * 7 * DAY_S * costs.stored_bytes / 1e12
    logged_mb = loops * costs.logged_bytes / servers / 1e6
    transactions = loops * costs.statements / 500
    return (
        f"| {links:.0e} | {every_s} s | {loops:.0f} | {machines} | {servers} | {stored_tb:.2f} | "
        f"{logged_mb:.1f} | {transactions:.0f} |"
    )


if __name__ == "__main__":
    main()
