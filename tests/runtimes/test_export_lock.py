"""Processes that start together: one exports the graph, the others wait for it."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from depthkit.errors import InputError
from depthkit.runtimes import export_lock
from depthkit.runtimes.export_cache import cached_graph

HOLD = """
import fcntl, sys, time
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("DEPTHKIT_CACHE", str(tmp_path))
    (tmp_path / "graphs").mkdir()
    return tmp_path / "graphs"


def make(path):
    path.write_bytes(b"graph")


def test_one_exports_and_the_others_wait(folder, capsys):
    made, all_there = [], threading.Barrier(4)

    def make_slowly(path):
        made.append(path)
        time.sleep(0.3)
        make(path)

    def start(_):
        all_there.wait()
        return cached_graph("key", make_slowly)

    with ThreadPoolExecutor(4) as pool:
        (path,) = set(pool.map(start, range(4)))
    assert len(made) == 1 and path.read_bytes() == b"graph"
    assert list(folder.iterdir()) == [path]
    said = capsys.readouterr().err
    assert said.count("exporting the model") == 1
    assert said.count("another process is exporting this model; waiting for its graph") == 3


def test_who_waits_makes_it_where_the_first_failed():
    all_there, calls = threading.Barrier(2), []

    def fail_first(path):
        calls.append(path)
        time.sleep(0.2)
        if len(calls) == 1:
            raise InputError("no")
        make(path)

    def start(_):
        all_there.wait()
        try:
            return cached_graph("key", fail_first).read_bytes()
        except InputError as error:
            return str(error)

    with ThreadPoolExecutor(2) as pool:
        assert sorted(map(str, pool.map(start, range(2)))) == ["b'graph'", "no"]
    assert len(calls) == 2


def test_a_killed_owner_does_not_block(folder):
    lock = folder / ".key.lock"
    owner = subprocess.Popen([sys.executable, "-c", HOLD, lock], stdout=subprocess.PIPE, text=True)
    assert owner.stdout.readline() == "held\n"
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cached_graph, "key", make)
        time.sleep(0.3)
        assert not waiting.done()
        owner.kill()
        owner.communicate()
        path = waiting.result(60)
    assert list(folder.iterdir()) == [path]
    lock.touch()  # as after a loss of power
    path.unlink()
    assert cached_graph("key", make).read_bytes() == b"graph"


@pytest.fixture
def shared_folder(monkeypatch):
    """A folder for all users, and this process as one who may not do everything."""
    cache = Path(tempfile.mkdtemp())
    (cache / "graphs").mkdir()
    for one in (cache, cache / "graphs"):
        one.chmod(0o777)
    monkeypatch.setenv("DEPTHKIT_CACHE", str(cache))
    yield cache / "graphs"
    if os.getuid() == 0:
        os.seteuid(0)
    shutil.rmtree(cache)


@pytest.mark.parametrize(("mode", "said"), [(0o444, ""), (0o000, "is another user's and cannot be read")])
def test_a_lock_that_another_user_left_behind(shared_folder, capsys, mode, said):
    (shared_folder / ".key.lock").touch(mode)
    (shared_folder / ".key.lock").chmod(mode)
    if os.getuid() == 0:
        os.seteuid(65534)
    assert cached_graph("key", make).read_bytes() == b"graph"
    error = capsys.readouterr().err
    assert said in error and error.count("note:") == 1 + bool(said)


def test_another_users_lock_is_waited_for(shared_folder, monkeypatch, capsys):
    monkeypatch.setattr(export_lock, "_MOST_SECONDS", 0.2)
    with (shared_folder / ".key.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.fchmod(lock.fileno(), 0o444)
        if os.getuid() == 0:
            os.seteuid(65534)
        assert cached_graph("key", make).read_bytes() == b"graph"
    assert "another process is exporting this model; waiting" in capsys.readouterr().err


def test_the_folder_is_deleted_while_others_wait(folder):
    with (folder / ".key.lock").open("a") as lock, ThreadPoolExecutor(1) as pool:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = pool.submit(cached_graph, "key", make)
        time.sleep(0.2)
        assert not waiting.done()
        shutil.rmtree(folder)
        assert waiting.result(60).read_bytes() == b"graph"


def test_waiting_has_an_end(folder, monkeypatch, capsys):
    monkeypatch.setattr(export_lock, "_MOST_SECONDS", 0.3)
    with (folder / ".key.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert cached_graph("key", make).read_bytes() == b"graph"
        assert cached_graph("key", pytest.fail).read_bytes() == b"graph"  # which is kept needs no lock
    assert (folder / ".key.lock").exists(), "it is another's"
    assert "has been exporting this model for 0.3 s; it is exported here, too" in capsys.readouterr().err


def test_a_file_system_without_locks(folder, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert cached_graph("key", make).read_bytes() == b"graph"
    monkeypatch.setattr(export_lock, "fcntl", None)
    assert cached_graph("other", make).read_bytes() == b"graph"
    assert not list(folder.glob("*.lock")) and not list(folder.glob(".*"))
    said = capsys.readouterr().err
    assert said.count("note: there are no locks in") == 2 and "processes that start together each export" in said


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may write everywhere")
def test_a_folder_that_cannot_be_written(folder):
    folder.chmod(0o500)
    with pytest.raises(InputError, match="graphs: cannot be written .*; free some space, or name another folder"):
        cached_graph("key", make)
