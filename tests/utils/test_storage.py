import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from depthkit.errors import InputError
from depthkit.utils.storage import Place, check_apart


@pytest.fixture(autouse=True)
def needs_pyarrow() -> None:
    pytest.importorskip("pyarrow", reason="needs the extra [ray]")


@pytest.mark.parametrize("kind", ["local", "fsspec"])
def test_files_are_written_listed_and_read(tmp_path, kind) -> None:
    place = Place(tmp_path / "new" if kind == "local" else f"memory://{tmp_path.name}/new")
    assert place.files() == [] and place.read("x") is None and place.is_folder() is None
    (tmp_path / "source").write_bytes(b"12345")
    place.write("b/c.bin", b"123")
    place.write("a.bin", tmp_path / "source")
    place.write("_named/d.bin", b"1")
    place.write(".hidden", b"1")
    found = place.files()
    assert [(file.name, file.size) for file in found] == [("_named/d.bin", 1), ("a.bin", 5), ("b/c.bin", 3)]
    assert place.is_folder() and place.read("b/c.bin") == b"123"
    assert place.file("a.bin") == found[1] and place.file("b") is None and place.file("c") is None
    with place.open("a.bin") as file:
        assert file.read() == b"12345"
    for name in ("_named", "_named", "a.bin", "a.bin"):
        place.remove(name)
    assert place.read("_named/d.bin") is None and place.read("a.bin") is None


def test_a_write_that_fails_leaves_nothing_and_the_older_file(tmp_path) -> None:
    place = Place(tmp_path)
    place.write("x", b"old")
    with pytest.raises(InputError, match="x: cannot be written"):
        place.write("x", tmp_path / "missing")
    assert (tmp_path / "x").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 1


def test_results_do_not_go_into_the_data(tmp_path) -> None:
    with pytest.raises(InputError, match="lies in the data set"):
        check_apart(Place(tmp_path), Place(tmp_path / "sub" / "out"))
    check_apart(Place(tmp_path / "a"), Place(tmp_path / "ab"))
    (tmp_path / "img").mkdir()
    (tmp_path / "link").symlink_to("img")
    for output in ("other/../img/out", "link/out", "link"):
        with pytest.raises(InputError, match="lies in the data set"):
            check_apart(Place(tmp_path / "img"), Place(tmp_path / output))


def test_an_empty_text_is_no_place() -> None:
    with pytest.raises(InputError, match="the empty text does not name a folder; expected a path or an address"):
        Place("")


@pytest.fixture
def denying_bucket(monkeypatch):
    """The address of a bucket of S3's kind that lets nobody in."""

    class Denied(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/xml")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_PUT = do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    for name, value in (("ACCESS_KEY_ID", "x"), ("SECRET_ACCESS_KEY", "y"), ("EC2_METADATA_DISABLED", "true")):
        monkeypatch.setenv(f"AWS_{name}", value)
    server = HTTPServer(("127.0.0.1", 0), Denied)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"s3://bucket/data?endpoint_override=127.0.0.1:{server.server_port}&scheme=http&region=us-east-1"
    server.shutdown()


def test_a_bucket_without_permission_is_one_sentence(denying_bucket) -> None:
    place = Place(denying_bucket)
    for attempt in (place.files, lambda: place.write("x", b"1"), lambda: place.read("x")):
        with pytest.raises(InputError, match=r"(ACCESS_DENIED|403).*; check the address, and that this account"):
            attempt()


def test_keys_and_options_of_an_address_are_not_told() -> None:
    place = Place("s3://key:secret@bucket/data?region=us-east-1&scheme=http")
    assert str(place) == "s3://bucket/data" and place.path == "bucket/data"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nothing://x/y", "files of 'nothing' cannot be read here"),
        ("s3://b/x?reigon=eu", "is not an address that can be used"),
    ],
)
def test_an_address_of_no_known_kind_is_one_sentence(address, message) -> None:
    with pytest.raises(InputError, match=message):
        Place(address)
