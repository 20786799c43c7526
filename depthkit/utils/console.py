"""Run a console command: errors of one sentence, and exit statuses."""

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from depthkit.errors import InputError

EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells report it

_DISK_ERRORS = {
    errno.ENOSPC: "free some space or choose another output folder",
    errno.EDQUOT: "free some space or choose another output folder",
    errno.EFBIG: "choose an output folder on another file system",
    errno.EROFS: "choose an output folder that can be written to",
    errno.EACCES: "check its permissions or choose another folder",
    errno.EPERM: "check its permissions or choose another folder",
}


def run_tool(command: click.Command, args: Sequence[str] | None = None, prog_name: str | None = None) -> NoReturn:
    """Run `command` and exit: 0 or what it returns, 2 for bad input, 130 for Ctrl-C.

    Bad input (`InputError`, also from a DataLoader's worker; a wrong option; a full or read-only disk) is printed
    as one `error: ...` line on stderr. Any other exception is a bug and keeps its traceback, which is why Click's
    own `Command.main` is not used: it reports EOFError as if the user had pressed Ctrl-C.

    Args:
        command: what to run.
        args: its arguments; those of this process when None.
        prog_name: the name that help and errors show; the name of this process's file when None.
    """
    # Threads of torch that wait for each other by spinning slow each other down tenfold as soon as anything
    # else runs on the machine (2 cores, training: 3.9 s for an iteration instead of 0.4). torch reads this when
    # it is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    args = list(sys.argv[1:] if args is None else args)
    try:
        try:
            with command.make_context(prog_name or Path(sys.argv[0]).name, args) as context:
                status = command.invoke(context) or 0
        except click.exceptions.Exit as done:  # --help and --version
            status = done.exit_code
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: there is nothing more to say, and no error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        message = input_error_message(error)
        if message is None:
            raise
        with contextlib.suppress(OSError):  # stdout itself may be what is full
            sys.stdout.flush()
        print(f"error: {message}", file=sys.stderr)
        sys.exit(EXIT_BAD_INPUT)
    sys.exit(status)


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
        seen = seen.__cause__
    return None


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
