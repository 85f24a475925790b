"""A proxy before a PostgreSQL server that counts round trips, and may delay what it passes on."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from psycopg.conninfo import conninfo_to_dict

_CHUNK = 65_536
_HEAD = 5


class DatabaseProxy:
    """Passes on bytes between clients on 127.0.0.1 and a server's Unix socket.

    Parameters
    ----------
    address
        The server's socket.
    delay_s
        How long each message is on its way, in both directions.
    """

    def __init__(self, address: Path, delay_s: float) -> None:
        self.round_trips = 0
        self.port = 0
        self._address = str(address)
        self._delay_s = delay_s
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def drop_connections(self) -> None:
        """End every connection, as a server does that is restarted."""
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Take no more connections, and end those that are open."""
        self._listener.close()
        self.drop_connections()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # the listener is closed at the end
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(self._address)
            with self._lock:
                self._open |= {client, server}
            requests = threading.Thread(
                target=self._pass_on, args=[client, server, lambda data: None], daemon=True
            )
            requests.start()
            self._pass_on(server, client, _Responses(self).add)
            requests.join()
            with self._lock:
                self._open -= {client, server}

    def _pass_on(
        self, source: socket.socket, target: socket.socket, note: Callable[[bytes], None]
    ) -> None:
        with contextlib.suppress(OSError):  # either side may be gone
            while data := source.recv(_CHUNK):
                note(data)
                time.sleep(self._delay_s)
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class _Responses:
    """Counts the responses of one connection: each ends with the message ReadyForQuery.

    Messages have a letter, their length in four bytes, and a body. Only before the first of them,
    when the client has offered encryption, the server answers by a bare letter.
    """

    def __init__(self, proxy: DatabaseProxy) -> None:
        self._proxy = proxy
        self._rest = b""
        self._begun = False

    def add(self, data: bytes) -> None:
        self._rest += data
        while self._rest and not self._begun:
            self._begun = self._rest[:1] not in (b"N", b"S")
            self._rest = self._rest if self._begun else self._rest[1:]
        while len(self._rest) >= _HEAD and len(self._rest) >= (size := self._size()):
            if self._rest[:1] == b"Z":
                with self._proxy._lock:
                    self._proxy.round_trips += 1
            self._rest = self._rest[size:]

    def _size(self) -> int:
        return 1 + int.from_bytes(self._rest[1:_HEAD])


@contextlib.contextmanager
def database_proxy(url: str, delay_s: float = 0.0) -> Iterator[tuple[str, DatabaseProxy]]:
    """Yield the URL of the server at ``url`` through a proxy, and the proxy."""
    parts = conninfo_to_dict(url)
    folder, port = str(parts["host"]), parts.get("port", "5432")
    proxy = DatabaseProxy(Path(folder) / f".s.PGSQL.{port}", delay_s)
    user = quote(str(parts["user"]))
    try:
        yield f"postgresql://{user}@127.0.0.1:{proxy.port}/{parts['dbname']}", proxy
    finally:
        proxy.close()
