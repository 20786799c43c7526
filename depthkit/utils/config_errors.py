"""Mistakes in a config that surface as exceptions of constructors, told as the user's sentence."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from depthkit.errors import InputError

# What Python and mmengine's registries say about arguments that a class does not have.
_WRONG_ARGUMENTS = re.compile(
    r"unexpected keyword argument|required positional argument|required keyword-only argument|multiple values"
)
_WRONG_TYPE = re.compile(r"^(?P<name>\S+) is not in the (?P<registry>[\w:]+( \w+)*) registry", re.DOTALL)


@contextmanager
def config_errors(filename: str | None, part: str) -> Iterator[None]:
    """Around building `part` ("model", "train_cfg") of the config `filename`: mistakes become InputError.

    Those are an argument that a class does not have or lacks, a `type` that no registry knows, a missing
    `type`, and a value that a constructor refuses (ValueError, AssertionError with a text). Other exceptions
    pass.
    """
    place = f"{filename or 'config'}: {part}"
    try:
        yield
    except InputError:
        raise
    except TypeError as error:
        if not _WRONG_ARGUMENTS.search(str(error)):
            raise
        raise InputError(f"{place}: {str(error).replace('.__init__()', '')}; check the spelling") from error
    except KeyError as error:
        text = str(error.args[0]) if error.args else ""
        unknown = _WRONG_TYPE.search(text)
        if unknown:
            kind = unknown["registry"].rpartition("::")[2]
            raise InputError(f"{place}: there is no {kind} of type '{unknown['name']}'; check the spelling") from error
        if 'must contain the key "type"' in text:
            raise InputError(f"{place}: a part lacks its 'type'") from error
        raise
    except (ValueError, AssertionError) as error:
        if not str(error).strip():
            raise
        raise InputError(f"{place}: {str(error).strip()}") from error
