"""Runs each command in a fork, and watches its time and memory: what a `ForkServer` answers with."""

import contextlib
import importlib
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path

from fork_server import serve

POLL = 0.01  # [s]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PAGE = resource.getpagesize()
# What the commands import while they run; imported before the forks, so that each takes a fraction of a second.
PRELOAD = (
    "depthkit.cli.main", "depthkit.cli.predict", "depthkit.cli.test", "depthkit.cli.train", "depthkit.cli.export",
    "depthkit.cli.export_weights", "depthkit.cli.prepare_nyu", "depthkit.cli.tokens", "depthkit.cli.models",
    "depthkit.cli.benchmark", "depthkit.cli.configs", "depthkit.cli.evaluate_selection", "depthkit.apis.train",
    "depthkit.apis.evaluate", "depthkit.apis.predict", "depthkit.apis.predictor", "depthkit.apis.export_weights",
    "depthkit.datasets", "depthkit.models", "depthkit.zoo.loading", "depthkit.datasets.nyu.conversion",
    "depthkit.datasets.nyu.inventory", "h5py", "scipy.io", "matplotlib.pyplot", "torch._dynamo", "mmseg.models",
    "depthkit.evaluation.accuracy", "torch.utils.cpp_extension", "yapf.yapflib.yapf_api",
    "PIL.TiffImagePlugin", "PIL.PngImagePlugin", "PIL.JpegImagePlugin", "PIL.WebPImagePlugin", "PIL.BmpImagePlugin",
)  # fmt: skip


def _fork(request: dict, answers: int) -> dict:
    """Run a request in a fork and watch it.

    Args:
        request: ``argv`` of `depthkit`, or ``call`` ("module:function") with ``args``; ``folder`` to run in; ``limit``
            [s]; ``memory`` [bytes] beyond what the server has; ``stdout``, ``stderr`` files; further ``env``,
            ``file_size``, ``signal``, ``signal_after``, ``stdout_lines`` as of `Attempt`.
        answers: a file descriptor that the fork must not write to.

    Returns:
        ``status`` (128 + n for signal n), ``died`` by a signal, ``seconds``, ``cpu`` [s], ``peak`` [bytes] beyond the
        server's, ``stopped``: None, "time" or "memory".
    """
    base = _memory(os.getpid())
    lines = request.get("stdout_lines")
    reader, writer = os.pipe() if lines is not None else (None, None)
    start = time.monotonic()
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # until the command begins
    process = os.fork()
    if process != 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    else:
        os.close(answers)
        if reader is not None:
            os.close(reader)
        _run(request, writer)
    if writer is not None:
        os.close(writer)
    stopped, peak, sent = None, 0, request.get("signal") is None
    while True:
        done, status, usage = os.wait4(process, os.WNOHANG)
        if done:
            break
        seconds = time.monotonic() - start
        peak = max(peak, _memory(process) - base)
        if not sent and seconds >= request.get("signal_after", 0):
            sent = True
            os.kill(process, request["signal"])
        late = seconds > request["limit"] and _hangs(process, seconds, request["limit"])
        if late or peak > request["memory"]:
            stopped = stopped or ("time" if late else "memory")
            _kill_group(process)
        if reader is not None and select.select([reader], [], [], POLL)[0]:
            lines -= os.read(reader, 65536).count(b"\n")
            if lines <= 0:
                os.close(reader)
                reader = None
        else:
            time.sleep(POLL)
    _kill_group(process)  # workers that it left behind
    if reader is not None:
        os.close(reader)
    died = os.WIFSIGNALED(status)
    return {
        "status": 128 + os.WTERMSIG(status) if died else os.WEXITSTATUS(status),
        "died": died,
        "seconds": time.monotonic() - start,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": max(peak, usage.ru_maxrss * 1024 - base),
        "stopped": stopped,
    }


def _run(request: dict, writer: int | None) -> None:
    """Become the command; never return."""
    status = 70
    try:
        os.setsid()
        os.chdir(request["folder"])
        for number, name in ((0, os.devnull), (1, request["stdout"]), (2, request["stderr"])):
            opened = os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(opened, number)
            os.close(opened)
        if writer is not None:
            os.dup2(writer, 1)
        os.environ.update(request.get("env") or {})
        encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
        for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
            errors = "backslashreplace" if number == 2 else "strict"
            mode = "r" if number == 0 else "w"
            setattr(sys, name, open(number, mode, encoding=encoding, errors=errors, buffering=1, closefd=False))  # noqa: SIM115
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if (size := request.get("file_size")) is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        if "call" in request:
            module, _, name = request["call"].partition(":")
            getattr(importlib.import_module(module), name)(*request.get("args", ()))
        else:
            from depthkit.cli.main import main

            sys.argv = ["depthkit", *request["argv"]]
            try:
                signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
            except KeyboardInterrupt:
                sys.exit(128 + signal.SIGINT)  # it came before the command
            main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        import traceback

        status = 1
        with contextlib.suppress(Exception):
            traceback.print_exc()
    finally:
        # As at the end of a process, but without what the imported libraries do there.
        import atexit

        with contextlib.suppress(BaseException):
            atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(BaseException):
                stream.flush()
        os._exit(status & 0xFF)


def _memory(process: int) -> int:
    """Return the resident memory of a process [bytes]; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def _hangs(process: int, seconds: float, limit: float) -> bool:
    """Tell whether a process waits or computes for too long; one that other programs leave no time does neither."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return cpu > limit or cpu < limit / 50 or seconds > 10 * limit


def _kill_group(process: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process, signal.SIGKILL)


if __name__ == "__main__":
    serve(PRELOAD, _fork)
