"""A page that runs in this process, and a browser that looks at it."""

import json
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="needs depthkit[app]")
pytest.importorskip("uvicorn", reason="needs depthkit[app]")
pytest.importorskip("fastapi_swagger", reason="needs depthkit[app]")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# WebGL without a GPU.
CHROMIUM_OPTIONS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict:
        return json.loads(self.body)


class RunningPage:
    """The page of rooms-deit-tiny on a free port, as `depthkit serve` makes it."""

    def __init__(self, limits) -> None:
        from depthkit.app.choices import list_choices
        from depthkit.app.running import address_of, make_server, open_socket
        from depthkit.app.server import make_app
        from depthkit.app.service import Service

        self._socket = open_socket("127.0.0.1", 0)
        self.url = address_of(self._socket, "127.0.0.1")
        self.failures: list[BaseException] = []
        self.service = Service(list_choices("rooms-deit-tiny"), "cpu", limits)
        app = make_app(self.service, "127.0.0.1", (), self.failures.append)
        self._server = make_server(app, self.service)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True)

    def __enter__(self) -> "RunningPage":
        self._thread.start()
        end = time.monotonic() + 300
        while not self.get("/api/state").json()["ready"]:
            assert time.monotonic() < end and not self.failures, self.failures
            time.sleep(0.1)
        return self

    def __exit__(self, *error) -> None:
        self._server.should_exit = True
        self._thread.join(60)
        self._socket.close()
        self.service.close()

    def get(self, path: str, headers: dict[str, str] | None = None, method: str = "GET") -> Reply:
        return self._ask(urllib.request.Request(self.url + path, headers=headers or {}, method=method))

    def post(self, path: str, content: bytes, headers: dict[str, str] | None = None) -> Reply:
        headers = {"Content-Type": "application/octet-stream", **(headers or {})}
        return self._ask(urllib.request.Request(self.url + path, content, headers, method="POST"))

    def connect(self) -> socket.socket:
        return socket.create_connection(self._socket.getsockname(), timeout=60)

    @staticmethod
    def _ask(request: urllib.request.Request) -> Reply:
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return Reply(answer.status, _lower(answer), answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, _lower(error), error.read())


def _lower(answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


@pytest.fixture(scope="session")
def example() -> bytes:
    """An image that comes with the page: JPEG, 640x480 px."""
    from depthkit.app.examples import FOLDER

    return (FOLDER / "books.jpg").read_bytes()


@pytest.fixture(scope="session")
def running_page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPage]:
    from depthkit.app.limits import Limits

    with RunningPage(Limits(upload_bytes=2**20, pixels=2_000_000, waiting=2, seconds_to_begin=3)) as page:
        yield page


@pytest.fixture(scope="module")  # as long as it is there, its thread has an event loop
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright, of depthkit[test]")
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt install chromium")
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def room_file(tmp_path_factory: pytest.TempPathFactory, example: bytes) -> Path:
    path = tmp_path_factory.mktemp("upload") / "my room.jpg"
    path.write_bytes(example)
    return path
