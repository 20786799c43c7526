import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from depthkit.errors import InputError
from depthkit.utils.storage import Place, StoredFile, check_apart, expand_braces, match, split_pattern


@pytest.fixture(autouse=True)
def needs_pyarrow() -> None:
    pytest.importorskip("pyarrow", reason="needs the extra [ray]")


@pytest.mark.parametrize(
    ("address", "folder", "pattern"),
    [
        ("images", "images", ""),
        ("*.png", ".", "*.png"),
        ("/data/**/*.png", "/data", "**/*.png"),
        ("s3://b/x/{000..012}.tar", "s3://b/x", "{000..012}.tar"),
        ("s3://b/x/*.tar?region=eu-central-1", "s3://b/x?region=eu-central-1", "*.tar"),
        ("s3://b/x/00?.tar", "s3://b/x", "00?.tar"),
        ("s3://b/x?region=eu-central-1", "s3://b/x?region=eu-central-1", ""),
    ],
)
def test_a_glob_is_a_folder_and_a_pattern(address, folder, pattern) -> None:
    assert split_pattern(address) == (folder, pattern)


def test_braces_and_globs_select_files() -> None:
    assert expand_braces("{08..11}-{a,b}") == [f"{n}-{x}" for n in ("08", "09", "10", "11") for x in "ab"]
    files = [StoredFile(name, 1) for name in ("08.tar", "09.tar", "12.tar", "sub/09.tar", "sub/deep/x.tar")]
    chosen = {p: [f.name for f in match(files, p)] for p in ("{08..11}.tar", "*.tar", "**/*.tar", "sub/*.tar")}
    assert chosen == {
        "{08..11}.tar": ["08.tar", "09.tar"],
        "*.tar": ["08.tar", "09.tar", "12.tar"],
        "**/*.tar": [file.name for file in files],
        "sub/*.tar": ["sub/09.tar"],
    }
    with pytest.raises(InputError, match="more than 1,000,000 files"):
        expand_braces("{0..99999999999}.tar")


@pytest.mark.parametrize("kind", ["local", "fsspec"])
def test_files_are_written_listed_and_read(tmp_path, kind) -> None:
    place = Place(tmp_path / "new" if kind == "local" else f"memory://{tmp_path.name}/new")
    assert place.files() == [] and place.read("x") is None and place.is_folder() is None
    (tmp_path / "source").write_bytes(b"12345")
    place.write("b/c.bin", b"123")
    place.write("a.bin", tmp_path / "source")
    place.write("_hidden/d.bin", b"1")
    assert place.files() == [("a.bin", 5), ("b/c.bin", 3)] and place.is_folder()
    assert place.read("b/c.bin") == b"123" and place.size("a.bin") == 5
    with place.open("a.bin") as file:
        assert file.read() == b"12345"
    place.remove("_hidden")
    place.remove("_hidden")
    assert place.read("_hidden/d.bin") is None


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
