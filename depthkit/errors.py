"""The one exception that means "the input is wrong", as opposed to a bug in depthkit."""


class InputError(ValueError):
    """A file, value or option from the user cannot be used.

    The message is one sentence that names the file or value, says what was expected and what to do. Tools print
    it without a traceback and exit with status 2 (`depthkit.utils.console.run_tool`).
    """
