"""A hub of models on this machine: the few answers of the real one that a download needs, and its failures."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class FakeHub(ThreadingHTTPServer):
    """Serves one file under every name, from 127.0.0.1.

    Attributes:
        content: of the file.
        etag: what the hub says is its SHA-256.
        status: of every answer, 200 or a failure.
        error_code: of the hub, sent with a failure.
        is_hub: send what only a hub sends; without it this is some web server.
        silent: accept connections and never answer, like a black-holed route.
        breaks: how many answers break off in the middle.
        short: say a size that is not that of the content.
        requests: method, path and first byte of each request.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content = content
        self.etag = hashlib.sha256(content).hexdigest()
        self.status = 200
        self.error_code = ""
        self.is_hub = True
        self.silent = False
        self.breaks = 0
        self.short = 0
        self.requests: list[tuple[str, str, int]] = []
        self.closing = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def stop(self) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        hub = self.server
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        if "/resolve/" in self.path:  # the client also asks for other things, at times
            hub.requests.append((self.command, self.path, start))
        if hub.silent:
            hub.closing.wait(30)
            return
        content = hub.content if hub.status == 200 else b""
        body = content[start:]
        self.send_response(206 if start and hub.status == 200 else hub.status)
        if hub.is_hub:
            self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hub.etag}"')
        if hub.status == 200:
            self.send_header("X-Linked-Size", str(len(content) + hub.short))
            self.send_header("X-Linked-Etag", f'"{hub.etag}"')
        if hub.error_code:
            self.send_header("X-Error-Code", hub.error_code)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body and hub.breaks:
            hub.breaks -= 1
            self.wfile.write(body[: len(body) // 2])
            self.close_connection = True
            return
        if with_body:
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Print nothing."""
