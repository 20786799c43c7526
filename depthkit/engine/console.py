"""How much of the log is printed; the log file always has everything."""

import logging
import sys
from contextlib import ExitStack

from mmengine.logging import MMLogger

# How messages begin that only the log file needs: the environment, the config, the order of the hooks, and mmengine's
# warnings about its own names and about registries of its own that depthkit adds nothing to.
_FOR_THE_FILE = (
    "\n-----",
    "Config:\n",
    "Hooks will be executed",
    "Distributed training is not used",
    '"FileClient" will be deprecated',
    '"HardDiskBackend" is the alias',
    'Failed to search registry with scope "depthkit"',
)


def console_level(logger: logging.Logger, level: int) -> ExitStack:
    """Print only messages of at least `level` from now on, until the returned stack is closed."""
    stack = ExitStack()
    for handler in _console_handlers(logger):
        stack.callback(handler.setLevel, handler.level)
        handler.setLevel(max(handler.level, level))
    return stack


def report_disk_errors(logger: logging.Logger) -> None:
    """Make `logger` raise what its files and a closed pipe meet; logging would print a traceback.

    A character that a file's encoding does not have is written by its code.
    """
    for handler in logger.handlers:
        handler.handleError = _raise_disk_error
        if isinstance(handler, logging.StreamHandler) and hasattr(handler.stream, "reconfigure"):
            handler.stream.reconfigure(errors="backslashreplace")


def _raise_disk_error(record: logging.LogRecord) -> None:
    error = sys.exc_info()[1]
    if isinstance(error, OSError):
        raise error


def leave_out_internals(logger: MMLogger) -> MMLogger:
    """Make `logger` keep what only the log file needs off the console; return it."""
    for handler in _console_handlers(logger):
        handler.addFilter(lambda record: not str(record.msg).startswith(_FOR_THE_FILE))
    return logger


def _console_handlers(logger: logging.Logger) -> list[logging.Handler]:
    return [
        handler
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)
    ]
