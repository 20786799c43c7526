"""Ray, on a cluster or on this machine: without a word on stderr, without files that stay."""

import contextlib
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from depthkit.errors import InputError
from depthkit.utils.storage import check_package

if TYPE_CHECKING:
    from types import ModuleType

PATIENCE = 10.0  # [s], for an address to answer
_STORE = 128 * 2**20  # [bytes], of Ray's object store on this machine, beside the weights
# How a client of HTTP/2, which Ray's server speaks, begins, and the type of the frame that a server answers with
# (RFC 9113, sections 3.4 and 6.5).
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
_SETTINGS = 4
# Ray logs from C++ straight to stderr; its own files keep all of it. No statistics of use are sent to its makers.
_QUIET = {
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


@contextmanager
def ray_cluster(address: str | None, cpus: int | None = None, weights: int = 0) -> Iterator["ModuleType"]:
    """Connect to Ray, and let go of it at the end of the block.

    Args:
        address: HOST:PORT of a cluster that runs, on one of whose machines this is; ``auto``: the cluster on this
            machine; None: start Ray here for the block, with its files in a temporary folder.
        cpus: how many cores Ray may use if it is started here; None: all.
        weights: [bytes], of a model that will lie in its object store.

    Yields:
        The module ``ray``.

    Raises:
        InputError: Ray is not installed, or no cluster answers at the address within `PATIENCE`.
    """
    check_package("ray")
    if address == "auto":
        address = _running_here() or address
    if address not in (None, "auto"):
        check_answers(address)
    quiet_environment()
    import ray
    import ray.data

    _silence(ray)
    folder = tempfile.mkdtemp(prefix="dk-ray-") if address is None else None  # short: sockets lie in it
    settings = {"log_to_driver": False, "logging_level": "fatal"}
    if address is None:
        settings |= {
            "num_cpus": cpus, "include_dashboard": False, "object_store_memory": _STORE + 2 * weights,
            "_temp_dir": folder,
        }  # fmt: skip
    try:
        with _own_signals(), _without_stderr(), _temporary_files_in(folder):
            try:
                ray.init(address or "local", **settings)
            except (ConnectionError, RuntimeError, ValueError) as error:
                reason = " ".join(str(error).split()).partition(". ")[0][:200]
                if address == "auto" and isinstance(error, ConnectionError):
                    reason = "there is none on this machine"
                raise _unusable(address, reason) from error
        yield ray
    finally:
        ray.shutdown()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def quiet_environment() -> None:
    """Set what Ray reads from the environment when it is imported and when it starts processes."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)


def check_answers(address: str) -> None:
    """Check within `PATIENCE` that a server of Ray's kind answers at HOST:PORT.

    Ray itself waits for minutes, and then ends the process.

    Raises:
        InputError: nobody answers, or not as Ray would; or it is not HOST:PORT.
    """
    host, colon, port = address.rpartition(":")
    if not colon or not host or "/" in host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise InputError(
            f"--ray-address {address}: expected HOST:PORT of a Ray cluster, such as 10.0.0.1:6379, or auto"
        )
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as connection:
            connection.sendall(_PREFACE)
            answer = connection.recv(4)
    except OSError as error:
        reason = error.strerror or str(error) or "no answer"
        raise _unusable(address, f"{reason}, after {PATIENCE:g} s at most") from error
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise _unusable(address, "what answers there is not Ray")


def _running_here() -> str | None:
    """Return the address of the cluster of this machine as Ray has noted it; None without a note.

    The note outlives its cluster, for which Ray would wait long.
    """
    noted = os.environ.get("RAY_ADDRESS", "")
    if not noted:
        with contextlib.suppress(OSError):
            folder = os.environ.get("RAY_TMPDIR") or tempfile.gettempdir()
            noted = Path(folder, "ray", "ray_current_cluster").read_text(encoding="utf-8").strip()
    return noted or None


def _unusable(address: str | None, reason: str) -> InputError:
    if address is None:
        return InputError(f"Ray cannot be started on this machine ({reason}); give a cluster by --ray-address")
    return InputError(
        f"--ray-address {address}: cannot be used ({reason}); start a cluster there by 'ray start --head', and run "
        "this command on one of its machines"
    )


@contextmanager
def _own_signals() -> Iterator[None]:
    """Undo what the block does to SIGTERM: Ray's handler would end the process with the status 15."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _temporary_files_in(folder: str | None) -> Iterator[None]:
    """Let processes that the block starts have their temporary files in a folder, unless it is None."""
    before = os.environ.get("TMPDIR")
    if folder is not None:
        os.environ["TMPDIR"] = folder
    try:
        yield
    finally:
        if folder is not None:
            os.environ.pop("TMPDIR")
            os.environ.update({} if before is None else {"TMPDIR": before})


@contextmanager
def _without_stderr() -> Iterator[None]:
    """Let what C++ writes to stderr go nowhere: Ray tells there which of `_QUIET` it has read."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _silence(ray: "ModuleType") -> None:
    """Leave to Ray's own files what Ray Data would print: its plan, progress and warnings."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logger = logging.getLogger("ray.data")
    logger.handlers = [one for one in logger.handlers if not isinstance(one, logging.StreamHandler)]
    logging.getLogger("ray").setLevel(logging.CRITICAL)
