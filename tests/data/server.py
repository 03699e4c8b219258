"""A server on this machine that does what servers do to downloads."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any


class Server:
    """Files by their paths, and tricks that are played, one for each request, before it behaves.

    Attributes
    ----------
    asked : path and range of each request.
    released : lets what stalls go on; set at the end.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.tricks: dict[str, list[Callable[[Any], None]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.released = threading.Event()
        self.marks: dict[str, str] = {}
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers.get("Range", "")))
                tricks = server.tricks.get(self.path, [])
                with suppress(ConnectionError):
                    tricks.pop(0)(self) if tricks else server.serve(self)

        self._http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.at = f"http://127.0.0.1:{self._http.server_address[1]}"

    def serve(
        self,
        handler: Any,
        *,
        upto: int | None = None,
        content: bytes | None = None,
        length: int | None = None,
        ranges: bool = True,
    ) -> None:
        """Answer as a server should, or with a little less."""
        whole = self.files.get(handler.path) if content is None else content
        if whole is None:
            handler.send_error(404)
            return
        mark = self.marks.get(handler.path, "")
        asked = re.match(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if handler.headers.get("If-Range", mark) != mark:
            asked = None
        start = int(asked[1]) if asked and ranges else 0
        if start and start >= len(whole):
            handler.send_error(416)
            return
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        if mark:
            handler.send_header("ETag", mark)
        if length != -1:
            handler.send_header("Content-Length", str(len(whole) - start if length is None else length))
        handler.end_headers()
        handler.wfile.write(whole[start : len(whole) if upto is None else upto])
        handler.wfile.flush()

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.released.set()
        self._http.shutdown()
        self._http.server_close()


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    server.start()
    try:
        yield server
    finally:
        server.stop()
