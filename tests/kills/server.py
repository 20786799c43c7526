"""Runs `depthkit` in forks, and kills some of them: what a `ForkServer` answers with."""

import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from fork_server import ForkServer, serve
from kills.kill_points import Kill, WriteCounter
from kills.training import IMPORTED_LATE

# Imported before the forks.
_PRELOAD = (
    *IMPORTED_LATE, "depthkit.cli.main", "depthkit.cli.train", "depthkit.apis.depth_teacher", "depthkit.apis.train",
    "depthkit.datasets", "depthkit.models", "PIL.PngImagePlugin", "matplotlib.pyplot", "kills.comparison",
)  # fmt: skip
_POLL = 0.02  # [s]


class Server(ForkServer):
    """The process, seen from the tests."""

    def __init__(self) -> None:
        super().__init__("kills.server")

    def run(
        self, args: list[object], folder: Path, kill: Kill | None = None, processes: int = 1, limit: float = 600.0
    ) -> list[dict]:
        """Run `depthkit ARGS` in forks.

        Args:
            args: of the command.
            folder: the work folder, whose writes are counted.
            kill: what ends one of the processes.
            processes: how many there are, as torchrun would start them, but without its agent.
            limit: after so many seconds all are killed.

        Returns:
            For each process its `status` (negative: the signal that ended it), `seconds` from the start to its end,
            `writes` (None when it was killed) and `output`.
        """
        request = {
            "args": [str(arg) for arg in args],
            "folder": str(folder),
            "kill": kill and vars(kill),
            "processes": processes,
            "limit": limit,
        }
        return self.ask(run=request)

    def compare(self, straight: Path, resumed: Path) -> list[str]:
        """Return the `differences` of two work folders."""
        return self.ask(compare=[str(straight), str(resumed)])


def _answer(request: dict, answers: int) -> list:
    if "run" in request:
        return _serve(**request["run"])
    from kills.comparison import differences

    return differences(*map(Path, request["compare"]))


def _serve(args: list[str], folder: str, kill: dict | None, processes: int, limit: float) -> list[dict]:
    kill = None if kill is None else Kill(**kill)
    logs = [Path(f"{folder}.{rank}.log") for rank in range(processes)]
    for log in logs:
        log.write_bytes(b"")  # a process may be killed before it opens its own
    port = _free_port()
    while any(Path(folder).glob(f"{time.strftime('%Y%m%d_%H%M%S')}*")):
        time.sleep(_POLL)  # the folders of runs are named by the second
    start = time.monotonic()
    pids = [0] * processes
    for rank in reversed(range(processes)):  # the first one, which writes, may kill another
        counter = (Path(folder), None if rank else kill, pids[kill.rank] if kill else None)
        pids[rank] = _fork(args, counter, logs[rank], _launch(rank, processes, port))
    ends: dict[int, tuple[int, float]] = {}
    pending = kill if kill and kill.seconds is not None else None
    while len(ends) < processes:
        passed = time.monotonic() - start
        if pending and passed >= pending.seconds:
            with suppress(ProcessLookupError):
                if pids[pending.rank] not in ends:
                    os.kill(pids[pending.rank], pending.number)
            pending = None
        for pid in set(pids) - ends.keys():
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                ends[pid] = os.waitstatus_to_exitcode(status), passed
        if passed > limit:
            for pid in set(pids) - ends.keys():
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)  # the workers of a process that was killed end some seconds after it
    return [
        {"status": ends[pid][0], "seconds": ends[pid][1], "writes": _read_writes(log), "output": log.read_text()}
        for pid, log in zip(pids, logs, strict=True)
    ]


def _fork(args: list[str], counter: tuple, log: Path, launch: dict[str, str]) -> int:
    """Start `depthkit ARGS` in a fork that leads a process group of its own; return its number."""
    _writes_file(log).unlink(missing_ok=True)
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.environ.update(launch)
        writes = WriteCounter(*counter)
        status = _call(args)
        _writes_file(log).write_text(str(writes.count))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


def _call(args: list[str]) -> int:
    from depthkit.cli.main import cli
    from depthkit.utils.console import run_tool

    sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
    try:
        run_tool(cli, args, "depthkit")
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        import traceback

        traceback.print_exc()
        return 1


def _launch(rank: int, processes: int, port: int) -> dict[str, str]:
    """Return what torchrun would tell a process."""
    if processes == 1:
        return {}
    return {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
        "GLOO_SOCKET_IFNAME": "lo",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _writes_file(log: Path) -> Path:
    return log.with_suffix(".writes")


def _read_writes(log: Path) -> int | None:
    path = _writes_file(log)
    return int(path.read_text()) if path.exists() else None


if __name__ == "__main__":
    serve(_PRELOAD, _answer)
