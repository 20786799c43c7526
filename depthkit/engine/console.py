"""How much of the log is printed; the log file always has everything."""

import logging
from contextlib import ExitStack

# What mmengine says about its own insides and nobody who trains can change: names that it still uses itself,
# and that depthkit adds nothing to some of its registries (which then are mmengine's, as meant).
_ABOUT_ITSELF = (
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


def leave_out_internals(logger: logging.Logger) -> None:
    """Do not print mmengine's warnings about its own insides."""
    for handler in _console_handlers(logger):
        handler.addFilter(lambda record: not str(record.msg).startswith(_ABOUT_ITSELF))


def _console_handlers(logger: logging.Logger) -> list[logging.Handler]:
    return [
        handler
        for handler in logger.handlers
        if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler)
    ]
