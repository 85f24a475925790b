"""A small HTTP server on this machine, with TLS or without, that keeps what it gets."""

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = ["Models", "server"]


class Models(BaseHTTPRequestHandler):
    """Answers every request, to a server or to a proxy, with an empty list of models."""

    def do_GET(self) -> None:
        self.server.requests.append(self)  # type: ignore[attr-defined]
        body = json.dumps({"models": {}}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    """Handshakes in the thread of a connection, so that one without a certificate ends alone."""

    daemon_threads = True
    context: ssl.SSLContext | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Models)
        self.requests: list[Models] = []

    def finish_request(self, request, client_address):  # type: ignore[no-untyped-def]
        if self.context is None:
            super().finish_request(request, client_address)
            return
        with contextlib.suppress(ssl.SSLError, ConnectionError):
            secured = self.context.wrap_socket(request, server_side=True)
            with secured:
                super().finish_request(secured, client_address)


@contextlib.contextmanager
def server(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[Models]]]:
    """Yield the port of a server, and the requests it gets."""
    opened = _Server()
    opened.context = context
    thread = threading.Thread(target=opened.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield opened.server_port, opened.requests
    finally:
        opened.shutdown()
        thread.join()
        opened.server_close()
