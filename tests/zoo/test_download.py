"""Downloads from a hub on this machine: what arrives, and the one sentence for everything that goes wrong."""

import dataclasses
import errno
import hashlib
import shutil
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from depthkit.errors import InputError
from depthkit.zoo import file_hash
from depthkit.zoo.download import cached_weights, fetch_weights
from depthkit.zoo.table import find_model
from depthkit.zoo.zoo_model import ZooModel
from fake_hub import COMMIT, FakeHub
from helpers import run_python

NAME = "depth-anything-v2-small"


def files(folder: Path) -> list[Path]:
    ignored = (".lock", ".TAG", ".incomplete")
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix not in ignored]


def make(hub: FakeHub, **changes: object) -> ZooModel:
    """The small model as this hub has it."""
    known = {"revision": COMMIT, "sha256": hashlib.sha256(hub.content).hexdigest(), "size": len(hub.content)}
    return dataclasses.replace(find_model(NAME), **known | changes)


def refused(model: ZooModel) -> str:
    """The sentence that fetching ends with, within 5 s."""
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        fetch_weights(model)
    assert time.monotonic() - start < 5
    sentence = str(caught.value)
    assert sentence.startswith(f"{model.name}: ") and "\n" not in sentence
    return sentence


def asks_to_fetch_by_hand(sentence: str, model: ZooModel) -> bool:
    how = "give it by --weights FILE (in Python: weights, in create_model pretrained)"
    return sentence.endswith(f"fetch {model.file} by hand and {how}: {model.url}")


def test_a_file_is_downloaded_once(hub, hub_cache):
    model = make(hub)
    assert cached_weights(model) is None
    path = fetch_weights(model)
    assert path.read_bytes() == hub.content and path.name == model.file
    assert hub_cache in path.parents and cached_weights(model) == path
    methods = [method for method, _, _ in hub.requests]
    assert {where for _, where, _ in hub.requests} == {f"/{model.repo}/resolve/{COMMIT}/{model.file}"}
    assert methods.count("GET") == 1
    assert fetch_weights(model) == path and len(hub.requests) == len(methods)


def test_without_a_revision_main_is_downloaded_and_then_kept(hub):
    model = make(hub, revision=None, sha256=None, size=None)
    path = fetch_weights(model)
    assert "/resolve/main/" in hub.requests[0][1]
    hub.status = 500
    assert fetch_weights(model) == path


def test_a_download_that_breaks_off_is_resumed(hub, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 500)
    hub.breaks = 2
    for _ in range(3):  # new releases of huggingface_hub resume at once, old ones in the next call
        try:
            path = fetch_weights(make(hub))
        except InputError as error:
            assert "broke off" in str(error)
    assert path.read_bytes() == hub.content
    assert [start for method, _, start in hub.requests if method == "GET"] == [0, 35_000, 52_500]


def test_half_a_download_is_one_sentence_and_nothing_is_kept(hub, hub_cache):
    hub.short = 1000
    model = make(hub)
    sentence = refused(model)
    assert "broke off" in sentence and asks_to_fetch_by_hand(sentence, model)
    assert cached_weights(model) is None and not [f for f in files(hub_cache) if f.stat().st_size > 100]


def test_a_wrong_file_is_removed_from_the_cache(hub, hub_cache):
    model = make(hub)
    hub.content = hub.content[::-1]  # the hub still says the hash of the right one
    sentence = refused(model)
    assert "is damaged or another file" in sentence and model.sha256[:12] in sentence
    assert cached_weights(model) is None and not [f for f in files(hub_cache) if f.stat().st_size > 100]
    hub.content = hub.content[::-1]
    assert fetch_weights(model).read_bytes() == hub.content


def test_without_a_hash_in_the_table_the_hubs_own_counts(hub, hub_cache):
    model = make(hub, sha256=None)
    hub.content = hub.content[::-1]
    assert "is damaged or another file" in refused(model)
    assert cached_weights(model) is None


def test_another_file_at_the_hub_is_not_downloaded(hub, hub_cache):
    assert "the hub has another depth_anything_v2_vits.pth" in refused(make(hub, sha256="0" * 64))
    assert [method for method, _, _ in hub.requests] == ["HEAD"] and not hub_cache.exists()


DAMAGE = {"half": lambda content: content[:500], "as long, and another": lambda content: bytes(len(content))}


@pytest.mark.parametrize("with_hash", [True, False])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_in_the_cache_is_downloaded_again(hub, hub_cache, capsys, damage, with_hash):
    model = make(hub) if with_hash else make(hub, revision=None, sha256=None, size=None)
    path = fetch_weights(model)
    bad = DAMAGE[damage](hub.content)
    path.resolve().write_bytes(bad)
    assert fetch_weights(model) == path and path.read_bytes() == hub.content
    assert not [f for f in files(hub_cache) if f.read_bytes() == bad]
    note = capsys.readouterr().err.splitlines()[0]
    expected = hashlib.sha256(hub.content).hexdigest()[:12]
    assert note.startswith(f"note: {NAME}: {path} is damaged (SHA-256 {hashlib.sha256(bad).hexdigest()[:12]}...")
    assert note.endswith(f", expected {expected}...) and will be downloaded again")


def test_a_damaged_file_that_cannot_be_downloaded_again_stays(hub, monkeypatch):
    from huggingface_hub import constants

    model = make(hub)
    path = fetch_weights(model)
    path.resolve().write_bytes(b"half")
    hub.status = 500
    assert "the hub fails (HTTP 500)" in refused(model)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    sentence = refused(model)
    assert sentence.startswith(f"{NAME}: {path} is damaged (SHA-256 ") and "HF_HUB_OFFLINE is set; unset" in sentence
    assert asks_to_fetch_by_hand(sentence, model) and path.read_bytes() == b"half"


def test_a_file_that_others_put_into_the_cache(hub, hub_cache):
    """Without links, as on some disks: the table's hash counts, and without one there is nothing to compare with."""
    model = make(hub)
    path = fetch_weights(model)
    shutil.copy(path.resolve(), path.with_name("copy"))
    path.unlink()
    path.with_name("copy").rename(path)
    asked = len(hub.requests)
    assert fetch_weights(model) == path and len(hub.requests) == asked
    path.write_bytes(b"another")
    unknown = make(hub, sha256=None)
    assert fetch_weights(unknown).read_bytes() == b"another"
    assert fetch_weights(model).read_bytes() == hub.content


def test_a_later_version_in_the_cache_is_refused_and_stays(hub):
    """The branch ``main`` moves; the file is the hub's, so that it is not ours to remove."""
    path = fetch_weights(make(hub, sha256=None))
    assert "another depth_anything_v2_vits.pth of the hub than the published one" in refused(make(hub, sha256="0" * 64))
    assert path.read_bytes() == hub.content


def test_a_file_is_hashed_once(hub, monkeypatch):
    """A download that was interrupted while it was hashed is hashed later."""
    model = make(hub)
    real, read = file_hash._read, []

    def interrupted(path):
        raise KeyboardInterrupt

    monkeypatch.setattr(file_hash, "_read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_weights(model)
    monkeypatch.setattr(file_hash, "_read", lambda path: read.append(path) or real(path))
    for _ in range(3):
        fetch_weights(model)
    assert len(read) == 1


def test_a_file_of_the_cache_that_cannot_be_read(hub, monkeypatch):
    def read(path):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(file_hash, "_read", read)
    with pytest.raises(InputError, match=r"depth_anything_v2_vits.pth: cannot be read \(Permission denied\); change"):
        fetch_weights(make(hub))


def test_the_hubs_own_tool_has_no_complaints(hub, hub_cache):
    from huggingface_hub import scan_cache_dir

    fetch_weights(make(hub))
    fetch_weights(make(hub))
    assert not scan_cache_dir(hub_cache).warnings


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, "RepoNotFound", "gives no access to depth-anything/Depth-Anything-V2-Small (HTTP 401)"),
        (403, "RepoNotFound", "gives no access to depth-anything/Depth-Anything-V2-Small (HTTP 403)"),
        (403, "", "cannot be reached (HTTP 403 from something that is not a hub; a proxy"),
        (404, "", "cannot be reached (HTTP 404 from something that is not a hub; a proxy"),
        (403, "GatedRepo", "repeat the command after you did so at https://huggingface.co/depth-anything/"),
        (404, "EntryNotFound", "has no depth_anything_v2_vits.pth at revision 0123"),
        (404, "RepoNotFound", "any more (HTTP 404); fetch model.safetensors, the same weights"),
        (404, "RevisionNotFound", "(HTTP 404)"),
        (500, "", "the hub fails (HTTP 500); repeat the command later"),
        (503, "", "the hub fails (HTTP 503)"),
    ],
)
def test_what_the_hub_refuses(hub, hub_cache, status, code, expected):
    hub.status, hub.error_code = status, code
    model = make(hub)
    assert expected in refused(model)
    assert not hub_cache.exists() or not [f for f in files(hub_cache) if f.stat().st_size]


@pytest.mark.slow
def test_a_hub_that_does_not_answer(hub, hub_cache):
    hub.silent = True
    model = make(hub)
    sentence = refused(model)
    assert f"{hub.url} cannot be reached (" in sentence and asks_to_fetch_by_hand(sentence, model)
    assert not hub_cache.exists()


def test_a_hub_that_refuses_connections(hub):
    hub.stop()
    model = make(hub)
    sentence = refused(model)
    assert f"{hub.url} cannot be reached (Connect" in sentence and asks_to_fetch_by_hand(sentence, model)


def test_a_name_that_is_looked_up_for_ever(hub, monkeypatch):
    def getaddrinfo(*args, **kwargs):
        time.sleep(30)

    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 1)
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert "cannot be reached (no answer within 1 s)" in refused(make(hub))


def test_something_else_than_a_hub(hub):
    hub.is_hub = False
    assert "what answers there is not a hub" in refused(make(hub))


def test_offline_by_choice(hub, monkeypatch):
    from huggingface_hub import constants

    model = make(hub)
    path = fetch_weights(model)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    asked = len(hub.requests)
    assert fetch_weights(model) == path
    other = make(hub, file="other.pth")
    sentence = refused(other)
    assert "HF_HUB_OFFLINE is set" in sentence and asks_to_fetch_by_hand(sentence, other)
    assert len(hub.requests) == asked


def test_a_disk_without_room_is_noticed_before_the_download(hub, hub_cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
    assert f"the disk of the cache {hub_cache} has 0 MB free, and the file has 0 MB" in refused(make(hub))
    assert not hub_cache.exists()


def test_a_disk_that_fills_up(hub, hub_cache, monkeypatch):
    from huggingface_hub import file_download

    def http_get(url, temp_file, **_):
        temp_file.write(hub.content[:100])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(file_download, "http_get", http_get)
    sentence = refused(make(hub))
    assert f"the disk of the cache {hub_cache} is full; free some space" in sentence
    assert cached_weights(make(hub)) is None


def test_a_cache_that_cannot_be_written(hub, hub_cache):
    hub_cache.write_text("a file in the place of the folder")
    model = make(hub)
    sentence = refused(model)
    assert f"the cache {hub_cache} cannot be written (Not a directory)" in sentence and "HF_HUB_CACHE" in sentence


def test_the_environment_names_hub_and_cache_and_no_torch_is_imported(hub, tmp_path):
    code = (
        "import sys, dataclasses; from depthkit.zoo.table import find_model; from depthkit.zoo import download\n"
        f"model = dataclasses.replace(find_model({NAME!r}), sha256=None, size=None)\n"
        "print(download.fetch_weights(model)); print('torch' in sys.modules)"
    )
    done = run_python("-c", code, env={"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(tmp_path / "mine")})
    assert done.returncode == 0, done.stderr
    path, imported = done.stdout.split()
    assert Path(path).read_bytes() == hub.content and (tmp_path / "mine") in Path(path).parents
    assert imported == "False"
