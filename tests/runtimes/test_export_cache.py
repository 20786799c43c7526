"""Graphs that are kept: found again by what they were made of, and made again when damaged."""

from importlib import import_module

import pytest
import torch

from depthkit.errors import InputError
from depthkit.runtimes.export_cache import cached_graph, derived_key, graph_key, remember, remembered


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path))
    return tmp_path / "graphs"


def test_a_graph_is_made_once(folder):
    made = []
    paths = [cached_graph("key", lambda path: made.append(path.write_bytes(b"graph"))) for _ in range(2)]
    assert paths[0] == paths[1] and paths[0].read_bytes() == b"graph" and len(made) == 1
    assert list(folder.iterdir()) == [paths[0]]


def test_a_damaged_graph_is_made_again(folder, capsys):
    path = cached_graph("key", lambda path: path.write_bytes(b"graph"))
    path.write_bytes(b"grape")
    assert cached_graph("key", lambda path: path.write_bytes(b"graph")).read_bytes() == b"graph"
    assert "damaged; it is made again" in capsys.readouterr().err


def test_a_graph_is_made_again_when_asked(folder):
    cached_graph("key", lambda path: path.write_bytes(b"old"))
    path = cached_graph("key", lambda path: path.write_bytes(b"new"), again=True)
    assert path.read_bytes() == b"new" and list(folder.iterdir()) == [path]


def test_a_kept_graph_that_cannot_be_read(folder):
    (folder / "key-0.onnx").mkdir(parents=True)
    with pytest.raises(InputError, match="key-0.onnx: cannot be read .*; delete it, or name another folder"):
        cached_graph("key", lambda path: None)


def test_a_kept_graph_that_vanishes_is_made(folder):
    folder.mkdir()
    (folder / "key-0.onnx").symlink_to("nowhere")
    assert cached_graph("key", lambda path: path.write_bytes(b"graph")).read_bytes() == b"graph"


def test_the_key_follows_what_modules_hold_and_their_files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "module_of_a_user.py"
    file.write_text("from torch import nn\nclass Mine(nn.Identity):\n    pass\n")
    model = import_module("module_of_a_user").Mine()
    keys = [graph_key(model, {}), graph_key(model, {})]
    model.factor = 2.0
    keys.append(graph_key(model, {}))
    file.write_text(file.read_text() + "# edited\n")
    keys.append(graph_key(model, {}))
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_nothing_is_left_of_a_graph_that_fails(folder):
    def fail(path):
        path.write_bytes(b"half")
        raise InputError("no")

    with pytest.raises(InputError, match="no"):
        cached_graph("key", fail)
    assert not list(folder.iterdir())


def test_a_folder_that_cannot_be_made(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match="graphs: cannot be made .* DEPTHKIT_CACHE"):
        cached_graph("key", lambda path: None)
    remember("key", {"a": 1})  # is not worth an error
    assert remembered("key") is None


def test_the_key_follows_weights_settings_and_code(monkeypatch):
    model = torch.nn.Linear(2, 2)
    keys = {graph_key(model, {"a": 1}), graph_key(model, {"a": 2})}
    with torch.no_grad():
        model.weight[0, 0] += 1e-6
    keys.add(graph_key(model, {"a": 1}))
    monkeypatch.setattr("depthkit.runtimes.export_cache._code_hash", lambda: "other code")
    keys |= {graph_key(model, {"a": 1}), derived_key("a", [torch.zeros(2)]), derived_key("a", [torch.ones(2)])}
    assert len(keys) == 6
    assert graph_key(model, {"a": 1}) in keys


def test_what_was_measured_is_remembered(folder):
    assert remembered("key") is None
    remember("key", {"a": [1]})
    assert remembered("key") == {"a": [1]}
    (folder / "key.json").write_text("[1")
    assert remembered("key") is None
