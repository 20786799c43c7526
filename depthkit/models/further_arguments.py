"""Check arguments that a constructor passes on to a class of another package."""

import difflib
import inspect
from collections.abc import Iterable

from depthkit.errors import InputError


def check_further_arguments(owner: type, given: Iterable[str], receiver: type) -> None:
    """Check that `receiver` takes the arguments that `owner` passes on to it.

    Args:
        owner: the class that the user builds; named in the message.
        given: names of the arguments.
        receiver: the class whose constructor gets them.

    Raises:
        InputError: `receiver` has no argument of one of these names; the nearest name of `owner` and its bases up to
            `receiver` is suggested.
    """
    taken = inspect.signature(receiver).parameters
    for name in given:
        if name not in taken:
            classes = owner.__mro__[: owner.__mro__.index(receiver) + 1]  # each passes on what it does not know
            known = {argument for one in classes for argument in inspect.signature(one).parameters}
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"see {owner.__name__} and {receiver.__name__}"
            raise InputError(f"{owner.__name__}: unexpected keyword argument '{name}'; {hint}")
