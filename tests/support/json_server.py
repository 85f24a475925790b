"""A small HTTP server of JSON documents, such as an issuer of tokens has."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["JsonServer", "json_server"]


@dataclass
class JsonServer:
    """The documents that ``url`` answers with, by path; all others are 404."""

    url: str
    answers: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def json_server() -> Iterator[JsonServer]:
    """Yield a server on loopback without documents."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path in running.answers
            body = json.dumps(running.answers.get(self.path)).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Write nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        running = JsonServer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield running
        finally:
            server.shutdown()
            thread.join()
