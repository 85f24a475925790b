"""Is the service of use while a database refuses it? `python -m benchmarks.refusing_stores [CASE]`

The service is started against each refusing database, or the database refuses while it runs. Then
forecasts are requested, the cause is removed, and the seconds until the service is ready and takes
samples again are counted, with the routers' processes unchanged.
"""

import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import psycopg
from psycopg.conninfo import conninfo_to_dict

from benchmarks import servers
from pba.client import request
from tests.support.histories import steady_history
from tests.support.postgres import postgresql, require_password
from tests.support.waiting import wait_until

USER, PASSWORD = "lowly", "s3cret@tail"
RECOVERY_S = 60.0


@dataclass(frozen=True)
class Case:
    """A database that refuses: why, its URL, and what starts and ends the refusal.

    `at_start` is false if the service starts before the refusal.
    """

    name: str
    url: str
    refuse: Callable[[], object]
    allow: Callable[[], object]
    at_start: bool = True


def main(*names: str) -> None:
    """Print the table, of the cases that ``names`` are part of, or of all."""
    print("| the database refuses | forecasts | `/readyz` | ready again after |")
    print("| --- | --- | --- | --- |")
    passed = True
    with tempfile.TemporaryDirectory(prefix="pbar", dir="/tmp") as folder:
        for case in cases(Path(folder)):
            if not names or any(name in case.name for name in names):
                passed &= print_row(case)
    sys.exit(not passed)


def print_row(case: Case) -> bool:
    """Print the row of one case; return whether it passed."""
    if case.at_start:
        case.refuse()
    with servers.service(case.url, until="/livez" if case.at_start else "/readyz") as (url, more):
        if not case.at_start:
            case.refuse()
        time.sleep(2)
        forecasts = f"{served(url)} of 20"
        reason = readiness(url)
        before = routers(more["RAY_TMPDIR"])
        case.allow()
        began_s = time.monotonic()
        wait_until(lambda: takes_samples(url), case.name, limit_s=RECOVERY_S)
        took_s = time.monotonic() - began_s
        same = routers(more["RAY_TMPDIR"]) == before
    shown = reason.partition("'store': ")[2].rpartition("}.")[0] or reason
    passed = forecasts == "20 of 20" and same and PASSWORD[:6] not in reason and "store" in reason
    restart = "" if same else ", with a restart"
    print(f"| {case.name} | {forecasts} | {shown} | {took_s:.1f} s{restart} |", flush=True)
    return passed


def readiness(url: str) -> str:
    """Return why the service is not ready."""
    body = httpx.get(f"{url}/readyz", timeout=5).json()
    return str(body.get("error", {}).get("message", "ready"))


def served(url: str) -> int:
    """Return how many of 20 forecasts from given histories are answered by a model in 3 s."""
    count = 0
    for number in range(20):
        body = request(steady_history(60), f"link{number}" if number % 2 else None)
        response = httpx.post(f"{url}/v1/forecast", json=body, timeout=3)
        expected = ["not_recorded"] if number % 2 else []
        forecast = response.json()
        count += (forecast.get("source"), forecast.get("reasons")) == ("model", expected)
    return count


def takes_samples(url: str) -> bool:
    body = {"samples": request(steady_history(60))["history"]}
    with contextlib.suppress(httpx.HTTPError):
        ready = httpx.get(f"{url}/readyz", timeout=3).status_code == 200
        stored = httpx.post(f"{url}/v1/links/a/samples", json=body, timeout=20).status_code == 200
        return ready and stored
    return False


def routers(folder: str) -> set[int]:
    """Return the processes of the router replicas of the Ray in ``folder``."""
    processes = set()
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(psutil.Error):
            line = " ".join(process.info["cmdline"] or ())
            if ":Router" in line and process.environ().get("RAY_TMPDIR") == folder:
                processes.add(process.pid)
    return processes


class Server:
    """A PostgreSQL server on which each case gets a database and a user of its own."""

    def __init__(self, url: str) -> None:
        server = conninfo_to_dict(url)
        self._admin_url = url
        self._host = str(server["host"])

    def run(self, database: str, *statements: str) -> None:
        address = self._admin_url.replace("/postgres?", f"/{database}?")
        with psycopg.connect(address, autocommit=True, options=WRITABLE) as connection:
            for statement in statements:
                connection.execute(statement)

    def database(self, name: str) -> str:
        """Create a database with a user who may do everything there; return its URL."""
        self.run("postgres", f"CREATE DATABASE {name}")
        self.run("postgres", f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
        self.run(name, "REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        self.run(name, f"GRANT ALL ON SCHEMA public TO {name}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgres://{name}:{quote(PASSWORD)}@/{name}?host={self._host}"

    def sql_case(self, name: str, why: str, refuse: str, allow: str, at_start: bool = True) -> Case:
        return Case(
            why,
            self.database(name),
            lambda: self.run(name, *refuse.split(";")),
            lambda: self.run(name, *allow.split(";")),
            at_start,
        )


def cases(folder: Path) -> Iterator[Case]:
    """Yield every case, while its server runs."""
    data = folder / "data"
    name = "a folder that cannot be created"
    yield Case(name, f"sqlite:///{data}/pba.db", data.touch, data.unlink)
    with postgresql() as running:
        server = Server(running.url)
        for database, (why, refuse, allow) in AT_START.items():
            yield server.sql_case(database, why, refuse, allow)
        require_password(running.url, "wrong")
        yield server.sql_case("wrong", *PASSWORDS)
        later = partial(server.database, "later")
        yield Case("a database that does not exist", server.url("later"), lambda: None, later)
        yield server.sql_case("revoked", *REVOKED, at_start=False)
        killed = server.database("killed")
        name = "a server that is killed, while it runs"
        yield Case(name, killed, running.kill, running.start, at_start=False)


AT_START = {
    "nocreate": (
        "no CREATE privilege",
        "REVOKE CREATE ON SCHEMA public FROM nocreate",
        "GRANT CREATE ON SCHEMA public TO nocreate",
    ),
    "newer": (
        "a newer Alembic revision",
        "CREATE TABLE alembic_version AS SELECT 'v999' AS version_num;"
        "GRANT ALL ON alembic_version TO newer",
        "DROP TABLE alembic_version",
    ),
    "foreign_tables": ("another program's tables", "CREATE TABLE links ()", "DROP TABLE links"),
    "nologin": ("its user", "ALTER ROLE nologin NOLOGIN", "ALTER ROLE nologin LOGIN"),
    "readonly": (
        "writes",
        "ALTER DATABASE readonly SET default_transaction_read_only = on",
        "ALTER DATABASE readonly RESET default_transaction_read_only;"
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'readonly'",
    ),
}
"""By database: what it refuses, and the statements that start and end that."""

PASSWORDS = (
    "the password",
    "ALTER ROLE wrong PASSWORD 'another'",
    f"ALTER ROLE wrong PASSWORD '{PASSWORD}'",
)
WRITABLE = "-c default_transaction_read_only=off"
REVOKED = (
    "privileges, while it runs",
    "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM revoked",
    "GRANT ALL ON ALL TABLES IN SCHEMA public TO revoked",
)


if __name__ == "__main__":
    main(*sys.argv[1:])
