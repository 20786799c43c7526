"""Files by their address, from a server of this machine that behaves well and badly."""

import time
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from depthkit.errors import InputError
from depthkit.utils import url_files
from depthkit.utils.url_files import fetch, file_url_path, url_scheme


class Answers(BaseHTTPRequestHandler):
    """One behaviour for each path."""

    def do_GET(self) -> None:
        getattr(self, f"_{self.path.strip('/').split('.')[0]}", self._missing)()

    def _good(self) -> None:
        self._answer(b"content of " + self.headers["User-Agent"].split("/")[0].encode())

    def _page(self) -> None:
        self._answer(b"<html>", "text/html; charset=utf-8")

    def _declared(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(2**40))
        self.end_headers()

    def _endless(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(1000):
            self.wfile.write(bytes(1000))

    def _slow(self) -> None:
        self.send_response(200)
        self.end_headers()
        for _ in range(50):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def _silent(self) -> None:
        time.sleep(1)

    def _cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"half")

    def _moved(self) -> None:
        self._redirect("/good")

    def _local(self) -> None:
        self._redirect("file:///etc/hostname")

    def _round(self) -> None:
        self._redirect("/round")

    def _missing(self) -> None:
        self.send_error(404)

    def _redirect(self, target: str) -> None:
        self.send_response(302)
        self.send_header("Location", target)
        self.end_headers()

    def _answer(self, content: bytes, kind: str = "image/png") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def handle(self) -> None:
        with suppress(OSError):  # the reader has gone away
            super().handle()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as httpd:
        httpd.daemon_threads = True
        Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.fixture(autouse=True)
def without_proxy(monkeypatch) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def test_a_file_is_read_also_after_a_redirection(server):
    assert fetch(f"{server}/good", "an image") == b"content of depthkit"
    assert fetch(f"{server}/moved", "an image") == b"content of depthkit"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("page", "is a web page; expected an image"),
        ("missing", r"cannot be fetched \(404 Not Found\)"),
        ("declared", "more than 0.25 MiB; download the file"),
        ("endless", "has more than 0.25 MiB"),
        ("slow", "no answer in time"),
        ("silent", "no answer in time"),
        ("cut", "ended after 4 of 100 bytes"),
        ("local", "cannot be fetched"),
        ("round", "cannot be fetched"),
    ],
)
def test_limits_and_errors_are_one_sentence(server, monkeypatch, path, message):
    monkeypatch.setattr(url_files, "MAX_DOWNLOAD", 2**18)
    monkeypatch.setattr(url_files, "SILENCE", 0.3)
    monkeypatch.setattr(url_files, "PATIENCE", 0.6 if path == "slow" else 20)
    with pytest.raises(InputError, match=f"^{server}/{path}.png: .*{message}") as caught:
        fetch(f"{server}/{path}.png", "an image")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/a.png", "http://", "http://[::1/a.png", "http://a b/c", "http://127.0.0.1:port/a.png"]
)
def test_an_address_that_leads_nowhere(url):
    with pytest.raises(InputError, match="cannot be fetched"):
        fetch(url, "an image")


@pytest.mark.parametrize("url", ["ftp://a/b.png", "s3://bucket/key", "gopher://a"])
def test_other_addresses_are_refused(url):
    with pytest.raises(InputError, match="expected http, https, file or a path"):
        fetch(url, "an image")


def test_schemes_and_paths():
    assert [url_scheme(text) for text in ("HTTPS://a/b", "file:///a", "a/b.png", "C:/a.png", "a:b", "")] == [
        "https", "file", None, None, None, None
    ]  # fmt: skip
    assert (
        file_url_path("file:///tmp/a%20b.png") == Path("/tmp/a b.png") == file_url_path("file://localhost/tmp/a b.png")
    )
    with pytest.raises(InputError, match="names the machine 'elsewhere'"):
        file_url_path("file://elsewhere/a.png")
