"""Whether a file is the published one."""

import dataclasses
import hashlib
import json
import os

import pytest

from depthkit.errors import InputError
from depthkit.zoo import file_hash
from depthkit.zoo.file_hash import hash_file, is_published
from depthkit.zoo.table import find_model


@pytest.fixture(autouse=True)
def notes(tmp_path, monkeypatch):
    """The folder in which hashes are remembered."""
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path / "depthkit"))
    return tmp_path / "depthkit" / "sha256"


def test_a_file_is_read_again_only_after_it_changed(tmp_path, notes, monkeypatch):
    real, read = file_hash._read, []
    monkeypatch.setattr(file_hash, "_read", lambda path: read.append(path) or real(path))
    path, link = tmp_path / "x.pth", tmp_path / "link.pth"
    path.write_bytes(b"one")
    link.symlink_to(path)
    for expected in (b"one", b"two", b"three"):
        if expected != b"one":
            path.write_bytes(expected)
            os.utime(path, ns=(1, 1))  # the same time of change
        for place in (path, link, path):
            assert hash_file(place) == hashlib.sha256(expected).hexdigest()
    assert len(read) == 3 and len(list(notes.iterdir())) == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"state": 1}', "\0"])
def test_a_damaged_note_does_not_count(tmp_path, notes, text):
    path = tmp_path / "x.pth"
    path.write_bytes(b"one")
    hash_file(path)
    (note,) = notes.iterdir()
    note.write_text(text)
    assert hash_file(path) == hashlib.sha256(b"one").hexdigest()
    assert json.loads(note.read_text())["sha256"] == hashlib.sha256(b"one").hexdigest()


def test_without_a_folder_for_notes(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"one")
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path / "file"))
    assert hash_file(tmp_path / "file") == hashlib.sha256(b"one").hexdigest()


def test_where_notes_stand(tmp_path, monkeypatch):
    monkeypatch.setenv("DEPTHKIT_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "file").write_bytes(b"one")
    hash_file(tmp_path / "file")
    assert len(list((tmp_path / "cache" / "depthkit" / "sha256").iterdir())) == 1


def test_a_file_that_is_gone(tmp_path):
    with pytest.raises(InputError, match=r"x.pth: cannot be read \(No such file or directory\)"):
        hash_file(tmp_path / "x.pth")


def test_size_and_hash_decide(tmp_path, monkeypatch):
    path = tmp_path / "x.pth"
    path.write_bytes(bytes(3_000_000))
    sha256 = hashlib.sha256(bytes(3_000_000)).hexdigest()
    assert hash_file(path) == sha256
    model = dataclasses.replace(find_model("depth-anything-v2-small"), sha256=sha256, size=3_000_000)
    assert is_published(path, model) is True
    assert is_published(path, dataclasses.replace(model, sha256="0" * 64)) is False
    assert is_published(path, dataclasses.replace(model, sha256=None)) is None
    monkeypatch.setattr(file_hash, "hash_file", lambda _: pytest.fail("a file of another size is not read"))
    assert is_published(path, dataclasses.replace(model, size=4)) is False
