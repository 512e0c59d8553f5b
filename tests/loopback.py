"""A real HTTP server on this machine that can also do what goes wrong on the way."""

from __future__ import annotations

import contextlib
import http.server
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    location: str = ""
    sent: int | None = None  # bytes before the connection is cut; None sends all
    pause: float = 0.0  # seconds between two bytes of the body; 0 sends it at once
    slow_head: bool = False  # whether the answer itself comes so slowly


class Loopback:
    """Answers by path; `paths` are those that were asked for."""

    def __init__(self, server: http.server.ThreadingHTTPServer) -> None:
        self._server = server
        self.answers: dict[str, Answer] = {}
        self.paths: list[str] = []
        self.is_closing = False

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._server.server_port}{path}"

    def serve(self, path: str, body: bytes = b"", **options: object) -> str:
        self.answers[path] = Answer(body, **options)
        return self.url(path)

    def close(self) -> None:
        self.is_closing = True
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    loopback: Loopback

    def do_GET(self):
        self.loopback.paths.append(self.path)
        answer = self.loopback.answers.get(self.path)
        if answer is None:
            self.send_error(404)
            return
        if answer.slow_head:
            self._drip(b"HTTP/1.1 200 OK\r\nX-Long: " + bytes(1000).replace(b"\0", b"x"), answer.pause)
            return
        self.send_response(answer.status)
        if answer.location:
            self.send_header("Location", answer.location)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        body = answer.body if answer.sent is None else answer.body[: answer.sent]
        if answer.pause:
            self._drip(body, answer.pause)
        else:
            self.wfile.write(body)

    def _drip(self, content, pause):
        with contextlib.suppress(OSError):  # whoever listened has gone
            for byte in content:
                if self.loopback.is_closing:
                    return
                self.wfile.write(bytes([byte]))
                time.sleep(pause)

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def running() -> Iterator[Loopback]:
    class Handler(_Handler):
        pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        loopback = Handler.loopback = Loopback(server)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield loopback
        finally:
            loopback.is_closing = True
            server.shutdown()
            thread.join()
