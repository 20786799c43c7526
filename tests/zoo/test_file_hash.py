"""Whether a file is the published one."""

import dataclasses
import hashlib

import pytest

from depthkit.zoo import file_hash
from depthkit.zoo.file_hash import hash_file, is_published
from depthkit.zoo.table import find_model


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
