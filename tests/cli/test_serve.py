"""`depthkit serve` as a command: how it begins and ends."""

import signal
import socket
import subprocess
import sys

import pytest

from helpers import run_python, tool_environment

pytest.importorskip("fastapi", reason="needs depthkit[app]")

COMMAND = (sys.executable, "-m", "depthkit.cli.main", "serve")


def test_a_port_in_use_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run_python("-m", "depthkit.cli.main", "serve", "--port", port)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"error: port {port}: another program has it; give another by --port, or 0 for any that is free\n"
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--host", "no.such.host.invalid"), "is not an address"),
        (("--weights", "none.pth"), "none.pth: no such checkpoint file"),
        (("--max-megapixels", "300"), "max-megapixels: 300 is out of range"),
        (("--model", "no-such-model"), "no-such-model"),
        (("--runtime", "onnx", "--precision", "float16"), "runtime onnx: does not compute in float16"),
    ],
)
def test_wrong_options_are_one_sentence(options, words):
    done = run_python("-m", "depthkit.cli.main", "serve", *options)
    assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1


def test_a_missing_package_is_named_with_its_extra():
    code = (
        "import sys; sys.modules['uvicorn'] = None; sys.argv = ['', 'serve']; import depthkit.cli.main as c; c.main()"
    )
    done = run_python("-c", code)
    assert done.returncode == 2 and "pip install 'depthkit[app]'" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_cleanly(number, status):
    process = subprocess.Popen(
        [*COMMAND, "--port", "0"], env=tool_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline().startswith("page: http://127.0.0.1:")
    process.send_signal(number)
    _, said = process.communicate(timeout=300)
    assert process.returncode == status and "Traceback" not in said


@pytest.mark.slow
def test_weights_that_are_none_end_it(tmp_path):
    (tmp_path / "bad.pth").write_bytes(b"nothing of the kind")
    done = run_python("-m", "depthkit.cli.main", "serve", "--weights", tmp_path / "bad.pth", "--port", "0")
    assert done.returncode == 2 and "bad.pth" in done.stderr and "Traceback" not in done.stderr
