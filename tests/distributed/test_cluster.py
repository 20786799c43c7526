import socket
import threading

import pytest

from depthkit.distributed import cluster
from depthkit.errors import InputError


@pytest.fixture
def listener():
    """A server that accepts connections and does what the test asks."""
    sockets = []

    def listen(answer: bytes | None) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        sockets.append(server)

        def serve() -> None:
            connection, _ = server.accept()
            sockets.append(connection)
            if answer is not None:
                connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield listen
    for one in sockets:
        one.close()


@pytest.mark.parametrize("answer", [None, b"HTTP/1.1 400 Bad Request\r\n\r\n"])
def test_an_address_where_ray_does_not_answer_is_one_sentence_soon(listener, monkeypatch, answer) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    with pytest.raises(InputError, match=r"--ray-address 127.0.0.1:\d+: cannot be used \((timed out|what answers)"):
        cluster.check_answers(listener(answer))


def test_an_answer_of_http_2_is_taken(listener) -> None:
    cluster.check_answers(listener(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])))


def test_nobody_there_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(InputError, match="Connection refused.*; start a cluster there by 'ray start --head'"):
        cluster.check_answers(address)


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_cluster_that_has_ended_is_one_sentence(monkeypatch, tmp_path, by_variable) -> None:
    pytest.importorskip("ray", reason="needs the extra [ray]")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if by_variable:
        monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    else:
        monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text("127.0.0.1:1")
    with (
        pytest.raises(InputError, match="--ray-address 127.0.0.1:1: cannot be used .Connection refused"),
        cluster.ray_cluster("auto"),
    ):
        pass


def test_no_cluster_on_this_machine_is_one_sentence(monkeypatch, tmp_path) -> None:
    ray = pytest.importorskip("ray", reason="needs the extra [ray]")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))

    def init(*given: object, **settings: object) -> None:
        raise ConnectionError("Could not find any running Ray instance. Please specify the one to connect to.")

    monkeypatch.setattr(ray, "init", init)
    with (
        pytest.raises(InputError, match="auto: cannot be used .there is none on this machine.; start a cluster there"),
        cluster.ray_cluster("auto"),
    ):
        pass


@pytest.mark.parametrize("address", ["here", "host:", "host:0", "host:99999", "ray://host:10001", ":6379", "host:x"])
def test_what_is_no_address_is_one_sentence(address) -> None:
    with pytest.raises(InputError, match="expected HOST:PORT of a Ray cluster"):
        cluster.check_answers(address)


def test_ray_that_is_missing_is_one_sentence(monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with (
        pytest.raises(InputError, match=r"ray is not installed, .*; run: pip install 'depthkit\[ray\]'"),
        cluster.ray_cluster(None),
    ):
        pass
