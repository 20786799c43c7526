"""What all command line tools share: one-sentence errors, exit statuses, options of a config."""

import argparse
import contextlib
import errno
import os
import sys
from collections.abc import Callable

from depthkit.errors import InputError
from depthkit.utils.environment import check_environment

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


def input_error_message(error: BaseException) -> str | None:
    """The user's sentence in `error`, or None when `error` is a bug and deserves its traceback.

    Looks through what others wrap around an `InputError`: torch's DataLoader raises the same type again with
    the worker's whole traceback as its text, and libraries raise theirs `from` it.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, InputError):
            return " ".join(_without_worker_traceback(str(seen)).split())
        if isinstance(seen, OSError) and seen.errno in _DISK_ERRORS:
            place = f"{seen.filename}: " if seen.filename else ""
            return f"{place}{seen.strerror}; {_DISK_ERRORS[seen.errno]}"
        seen = seen.__cause__
    return None


def run_tool(main: Callable[[list[str]], int]) -> None:
    """Run `main(argv)` and exit: 0 or what it returns, 2 for bad input, 130 for Ctrl-C.

    Bad input (`InputError`, also from a DataLoader's worker; a full or read-only disk) is printed as one
    `error: ...` line on stderr. Any other exception is a bug and keeps its traceback.
    """
    # Threads of torch that wait for each other by spinning slow each other down tenfold as soon as anything
    # else runs on the machine (2 cores, training: 3.9 s for an iteration instead of 0.4). Read when torch is
    # imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        check_environment()
        status = main(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output (head, less) has gone: nothing more to say, and no second error at exit.
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


def add_config_options(parser: argparse.ArgumentParser) -> None:
    """Add `--cfg-options KEY=VALUE ...`, collected as a dict in `cfg_options` (None when not given).

    Values are parsed as mmengine's `DictAction` does: numbers, True/False/None, `(224,304)`, `[a,b]`, else
    text.
    """
    parser.add_argument(
        "--cfg-options",
        nargs="+",
        action=_ConfigOptions,
        metavar="KEY=VALUE",
        help="change values of the config: data_root=/data/nyu, img_size=(224,304), model.test_cfg.flip=True",
    )


class _ConfigOptions(argparse.Action):
    """mmengine's `DictAction`, imported at first use: it costs a second that `--help` need not wait for."""

    def __call__(self, parser, namespace, values, option_string=None) -> None:
        for pair in values:
            if "=" not in pair or pair.startswith("="):
                parser.error(f"{option_string}: expected KEY=VALUE, got '{pair}'")
        from mmengine.config import DictAction

        # A text with brackets that do not match is an AssertionError or ValueError there.
        try:
            DictAction(option_strings=[option_string], dest=self.dest)(parser, namespace, values, option_string)
        except (AssertionError, ValueError, IndexError):
            parser.error(f"{option_string}: cannot parse {' '.join(values)}; expected values such as (224,304)")


def _without_worker_traceback(text: str) -> str:
    """`text`, or only the last exception's own words when it is the traceback of a DataLoader worker."""
    if not text.startswith("Caught "):
        return text
    return text.rpartition("InputError: ")[2].strip()
