"""Check the arguments of constructors, where configs enter, by their type annotations.

The work is pydantic's (`pydantic.validate_call`); this module turns what it finds into one sentence.
"""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, TypeVar

from pydantic import ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError, validate_call

from depthkit.errors import InputError

Function = TypeVar("Function", bound=Callable)

# Annotations for arguments: use them in the signature of a function under `validate_arguments`.
Count = Annotated[int, Field(ge=1)]  # 1, 2, ...
Index = Annotated[int, Field(ge=0)]  # 0, 1, ...
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_CONFIG = ConfigDict(arbitrary_types_allowed=True)
_EXPECTED = {
    "bool_parsing": "True or False",
    "bool_type": "True or False",
    "callable_type": "something to call",
    "dict_type": "a dict",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "a number of {ge:g} or more",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "is_instance_of": "a {class}",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "a number of {le:g} or less",
    "list_type": "a list",
    "path_type": "a path",
    "model_type": "a dict",
    "literal_error": "one of {expected}",
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
    checked = validate_call(config=_CONFIG)(function)

    @functools.wraps(function)
    def call(*args: object, **kwargs: object) -> object:
        try:
            return checked(*args, **kwargs)
        except ValidationError as error:
            # A function inside may be checked in another way; only errors of this call are told here.
            if error.title != function.__name__ and error.title != function.__qualname__:
                raise
            # A constructor may run for a subclass, which is what the user wrote.
            name = type(args[0]).__name__ if function.__name__ == "__init__" else _name(function)
            raise InputError(f"{name}: {_sentence(error, function)}") from error

    return call


def find_wrong_argument(function: Callable, arguments: dict[str, object]) -> str | None:
    """Return a sentence on the first of `arguments` that is not what its annotation in `function` says.

    It explains errors of functions that do not check their arguments, such as torch's optimizers. None when all fit, as
    far as the annotations can tell.
    """
    for name, parameter in inspect.signature(function).parameters.items():
        annotation = parameter.annotation
        if name not in arguments or annotation is parameter.empty or arguments[name] is parameter.default:
            continue
        try:
            TypeAdapter(annotation, config=_CONFIG).validate_python(arguments[name])
        except ValidationError as error:
            return f"{_name(function)}: {_wrong_value(name, error.errors(include_url=False))}"
        except (PydanticUserError, NameError):  # an annotation that pydantic cannot check
            continue
    return None


def describe(error: ValidationError) -> str:
    """Return the first mistake that pydantic found in nested data: "optimizer: lr=-1: expected ..."."""
    problem = error.errors(include_url=False)[0]
    *parents, name = map(str, problem["loc"] or ["value"])
    place = ".".join(parents) + ": " * bool(parents) + name
    if problem["type"] == "missing":
        return f"{place} is missing"
    if problem["type"] == "unexpected_keyword_argument":
        return f"{place} is unknown"
    return f"{place}={problem['input']!r}: expected {_expected(problem)}"


def _name(function: Callable) -> str:
    return function.__qualname__.rpartition("<locals>.")[2].removesuffix(".__init__")


def _sentence(error: ValidationError, function: Callable) -> str:
    """Return the first argument that is wrong, in words; of a union, what each of its types expected."""
    problems = error.errors(include_url=False)
    first = problems[0]["loc"][0]  # a name, or the place of a positional argument
    problems = [{**problem, "loc": problem["loc"][1:]} for problem in problems if problem["loc"][0] == first]
    kind, is_whole = problems[0]["type"], not problems[0]["loc"]
    names = list(inspect.signature(function).parameters)
    name = names[first] if isinstance(first, int) and first < len(names) else str(first)
    names = [known for known in names if known != "self"]
    if kind == "unexpected_keyword_argument":
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(names)}"
        return f"unexpected keyword argument '{name}'; {hint}"
    if kind == "unexpected_positional_argument":
        return f"{problems[0]['input']!r} is one argument too many; it takes {', '.join(names)}"
    if is_whole and kind.startswith("missing"):
        return f"the argument '{name}' is missing; it takes {', '.join(names)}"
    return _wrong_value(name, problems)


def _wrong_value(name: str, problems: list[dict]) -> str:
    """Return "name[0]='x': expected ..." for the `problems` that pydantic found with one argument."""
    place = name + "".join(f"[{part}]" for part in problems[0]["loc"] if isinstance(part, int))
    wanted = dict.fromkeys(_expected(problem) for problem in problems)
    return f"{place}={problems[0]['input']!r}: expected {' or '.join(wanted)}"


def _expected(problem: dict) -> str:
    template = _EXPECTED.get(problem["type"])
    if template is None:
        return problem["msg"].removeprefix("Input should be ").removeprefix("a valid ")
    return template.format(**problem.get("ctx", {})).replace("a Sequence", "a list")
