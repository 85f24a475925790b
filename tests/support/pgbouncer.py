"""A PgBouncer in transaction mode before a PostgreSQL server, where its program is installed.

It comes with the system's packages only (`apt-get install pgbouncer`), so CI may lack it.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.support.folders import short_folder
from tests.support.ports import own_port
from tests.support.waiting import wait_until

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
_POOL = 3  # fewer server connections than a service has, so that transactions share them

_CONFIG = """
[databases]
* = host={socket} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
max_client_conn = 200
query_wait_timeout = 10
server_login_retry = 1
logfile = {folder}/log
"""


@contextlib.contextmanager
def pgbouncer(server_url: str) -> Iterator[str]:
    """Yield the URL of the same database through PgBouncer, which ends afterwards."""
    assert PROGRAM is not None
    server = conninfo_to_dict(server_url)
    socket = Path(str(server["host"]))
    with (
        own_port() as port,
        tempfile.TemporaryDirectory(prefix="pbabn", dir=short_folder()) as name,
    ):
        folder = Path(name)
        config = folder / "pgbouncer.ini"
        config.write_text(_CONFIG.format(socket=socket, port=port, pool=_POOL, folder=folder))
        command = [PROGRAM, "-q", str(config)]
        if os.getuid() == 0:  # it does not run as root; the server's own user reaches its socket
            command[1:1] = ["-u", socket.owner()]
            shutil.chown(folder, socket.owner())
        process = subprocess.Popen(command)
        url = f"postgresql://postgres@127.0.0.1:{port}/{server['dbname']}"
        try:
            wait_until(lambda: _answers(url), "PgBouncer's start")
            yield url
        finally:
            process.terminate()
            process.wait(20)


def _answers(url: str) -> bool:
    with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
        return True
    return False
