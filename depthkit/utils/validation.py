"""Check the arguments of constructors where configs and command lines enter, by their type annotations.

The work is pydantic's (`pydantic.validate_call`); this module turns what it finds into one sentence.
"""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field, ValidationError, validate_call

from depthkit.errors import InputError

Function = TypeVar("Function", bound=Callable)

# Annotations for arguments: use them in the signature of a function under `validate_arguments`.
Count = Annotated[int, Field(ge=1)]  # 1, 2, ...
Index = Annotated[int, Field(ge=0)]  # 0, 1, ...
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_EXPECTED = {
    "bool_parsing": "True or False",
    "bool_type": "True or False",
    "callable_type": "something to call",
    "dict_type": "a dict",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of {ge} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of {le} or less",
    "list_type": "a list",
    "literal_error": "one of {expected}",
    "missing": "another value",
    "sequence_str": "a sequence of values",
    "string_type": "text",
    "tuple_type": "a tuple",
    "too_short": "{min_length} values or more",
    "too_long": "{max_length} values or fewer",
}


def validate_arguments(function: Function) -> Function:
    """Make `function` check its arguments against its annotations before it runs.

    Values are converted as pydantic does in its lax mode: ``2.0`` and ``"2"`` are the int 2, a list is a tuple.
    Parameters without an annotation take anything.

    Raises:
        InputError: (from the function made) an argument of another type or out of its range, one that is missing,
            or one that the function does not have, with the nearest name.
    """
    checked = validate_call(config=ConfigDict(arbitrary_types_allowed=True))(function)
    owner = function.__qualname__.removesuffix(".__init__")

    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        try:
            return checked(*args, **kwargs)
        except ValidationError as error:
            # A function inside may be checked in another way; only errors of this call are told here.
            if error.title != function.__name__ and error.title != function.__qualname__:
                raise
            raise InputError(f"{owner}: {_sentence(error, function)}") from error

    return call


def _sentence(error: ValidationError, function: Callable) -> str:
    """Return the first argument that is wrong, in words; of a union, what each of its types expected."""
    problems = error.errors(include_url=False)
    name = str(problems[0]["loc"][0])
    problems = [problem for problem in problems if problem["loc"][:1] == problems[0]["loc"][:1]]
    kind, is_whole = problems[0]["type"], len(problems[0]["loc"]) == 1
    names = [known for known in inspect.signature(function).parameters if known != "self"]
    if kind == "unexpected_keyword_argument":
        near = difflib.get_close_matches(name, names, n=1)
        return f"unexpected keyword argument '{name}'; " + (
            f"did you mean {near[0]}?" if near else f"it takes {', '.join(names)}"
        )
    if is_whole and kind.startswith("missing"):
        return f"the argument '{name}' is missing; it takes {', '.join(names)}"
    wanted = dict.fromkeys(_expected(problem) for problem in problems)
    return f"{name}={problems[0]['input']!r}: expected {' or '.join(wanted)}"


def _expected(problem: dict) -> str:
    template = _EXPECTED.get(problem["type"])
    if template is None:
        return problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return template.format(**problem.get("ctx", {}))
