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
        InputError: `receiver` has no argument of one of these names; the nearest name of both classes is suggested.
    """
    taken = inspect.signature(receiver).parameters
    for name in given:
        if name not in taken:
            near = difflib.get_close_matches(name, {*inspect.signature(owner).parameters, *taken}, n=1)
            hint = f"did you mean {near[0]}?" if near else f"see {owner.__name__} and {receiver.__name__}"
            raise InputError(f"{owner.__name__}: unexpected keyword argument '{name}'; {hint}")
