"""Run a console command: errors of one sentence, and exit statuses."""

import contextlib
import errno
import os
import re
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from depthkit.errors import InputError
from depthkit.utils.stop_signals import Stopped, signals_as_exceptions, stop_behind

EXIT_BAD_INPUT = 2
_LONGEST = 900  # characters of an error
_SIGNALLED = 128  # plus the number of a signal, as shells report it

_DISK_ERRORS = {
    errno.ENOSPC: "free some space or choose another output folder",
    errno.EDQUOT: "free some space or choose another output folder",
    errno.EFBIG: "choose an output folder on another file system",
    errno.EROFS: "choose an output folder that can be written to",
    errno.EACCES: "check its permissions or choose another folder",
    errno.EPERM: "check its permissions or choose another folder",
}
# What torch says where there is not enough memory, on a CPU and on a GPU, and of a worker that the system killed.
_NO_MEMORY = re.compile(r"can't allocate memory|not enough memory|out of memory", re.IGNORECASE)
_KILLED_WORKER = re.compile(r"DataLoader worker \(pid.*?\) (is killed by signal: \w+|exited unexpectedly)")


def run_tool(command: click.Command, args: Sequence[str] | None = None, prog_name: str | None = None) -> NoReturn:
    """Run `command` and exit: 0 or what it returns, 2 for bad input, 128 + N where signal N ends it.

    Bad input (`InputError`, also from a DataLoader's worker; a wrong option; a full or read-only disk; too little
    memory) is printed as one `error: ...` line on stderr. Any other exception is a bug and keeps its traceback, which
    is why Click's own `Command.main` is not used: it reports EOFError as if the user had pressed Ctrl-C.

    SIGINT (Ctrl-C), SIGTERM and SIGHUP end the command in order, without temporary files. So does a reader of the
    output that goes away (`| head -1`): the work stops, as by SIGPIPE.

    Args:
        command: what to run.
        args: its arguments; those of this process when None.
        prog_name: the name that help and errors show; the name of this process's file when None.
    """
    # Threads of torch that wait for each other by spinning slow each other down tenfold as soon as anything
    # else runs on the machine (2 cores, training: 3.9 s for an iteration instead of 0.4). torch reads this when
    # it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # torch's profiler, which `benchmark` counts memory with, writes of its starts and of missing GPUs below this level.
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    _prepare_streams()
    if not sys.warnoptions:  # what libraries warn of, nobody who types a command can change; -W default shows it
        warnings.simplefilter("ignore")
    args = list(sys.argv[1:] if args is None else args)
    try:
        with signals_as_exceptions():
            status = _invoke(command, args, prog_name or Path(sys.argv[0]).name)
    except KeyboardInterrupt:
        _end("interrupted", _SIGNALLED + signal.SIGINT)
    except Stopped as stopped:
        _end(str(stopped), _SIGNALLED + stopped.number)
    except BrokenPipeError:
        _discard(sys.stdout)
        _end("stopped because nobody reads the output any more", _SIGNALLED + signal.SIGPIPE)
    sys.exit(status)


def _invoke(command: click.Command, args: Sequence[str], prog_name: str) -> int:
    """Run `command` and return its status; errors that the user can cause are printed."""
    try:
        with command.make_context(prog_name, list(args)) as context:
            status = command.invoke(context) or 0
        sys.stdout.flush()
        return status
    except click.exceptions.Exit as done:  # --help and --version
        sys.stdout.flush()
        return done.exit_code
    except BrokenPipeError:
        raise
    except Exception as error:
        if stop := stop_behind(error):
            raise stop from None
        message = input_error_message(error)
        if message is None:
            raise
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError:  # stdout itself is what is full; what it still holds must not fail once more at the exit
            _discard(sys.stdout)
        if len(message) > _LONGEST:  # of a name or a value that has no end
            message = f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 3 :]}"
        _say(sys.stderr, f"error: {message}\n")
        return EXIT_BAD_INPUT


def _prepare_streams() -> None:
    """Make stdout take every file name, and let a process without stdout or stderr write to nowhere."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 (as long as the process)
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _discard(stream: object) -> None:
    """Send what `stream` still holds, and all that follows, to nowhere."""
    with contextlib.suppress(OSError, ValueError):  # the stream of a test is not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _end(word: str, status: int) -> NoReturn:
    """Say why the command ends, if anybody listens, and exit."""
    _say(sys.stdout, "")
    _say(sys.stderr, f"{word}\n")
    sys.exit(status)


def _say(stream: object, text: str) -> None:
    """Write `text`, if somebody reads the stream and its disk has room."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        _discard(stream)


def input_error_message(error: BaseException) -> str | None:
    """Return the sentence for the user in `error`, or None if `error` is a bug and deserves its traceback.

    Looks through what others wrap around an `InputError`: torch's DataLoader raises the same type again with
    the worker's whole traceback as its text, and libraries raise theirs `from` it.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, InputError):
            return " ".join(_without_worker_traceback(str(seen)).split())
        if isinstance(seen, click.ClickException):
            return _usage_message(seen)
        if isinstance(seen, OSError) and seen.errno in _DISK_ERRORS:
            place = f"{seen.filename}: " if seen.filename else ""
            return f"{place}{seen.strerror}; {_DISK_ERRORS[seen.errno]}"
        if isinstance(seen, MemoryError) or (isinstance(seen, RuntimeError) and _NO_MEMORY.search(str(seen))):
            return f"there is not enough memory ({_first_words(seen)}); take smaller images, or fewer in a batch"
        if isinstance(seen, RuntimeError) and (killed := _KILLED_WORKER.search(str(seen))):
            return f"a process that reads data was lost ({killed[0]}); if the memory was full, take fewer workers"
        seen = seen.__cause__
    return None


def _first_words(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:200]} ..."


def _usage_message(error: click.ClickException) -> str:
    message = " ".join(error.format_message().split())
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return message
    end = "" if message.endswith((".", "?", ")")) else "."
    return f"{message}{end} See '{error.ctx.command_path} --help'."


def _without_worker_traceback(text: str) -> str:
    """Return `text`; of the traceback of a DataLoader worker only the words of its last exception."""
    if not text.startswith("Caught "):
        return text
    return text.rpartition("InputError: ")[2].strip()
