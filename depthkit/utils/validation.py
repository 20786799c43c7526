"""Check the arguments of constructors, where configs enter, by their type annotations.

The work is pydantic's (`pydantic.validate_call`); this module turns what it finds into one sentence.
"""

import difflib
import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Field, PydanticUserError, TypeAdapter, ValidationError, validate_call

from depthkit.errors import InputError

Function = TypeVar("Function", bound=Callable)

# Annotations for arguments: use them in the signature of a function under `validate_arguments`.
# Beyond the largest one nothing can be counted, and torch and Python fail in ways of their own.
LARGEST = 10**9
Count = Annotated[int, Field(ge=1, le=LARGEST)]  # 1, 2, ...
Index = Annotated[int, Field(ge=0, le=LARGEST)]  # 0, 1, ...
Finite = Annotated[float, Field(allow_inf_nan=False)]
Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Rate = Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False)]  # of what is dropped, which is never all
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


def check_values(owner: str, values: dict[str, Any], kind: type) -> dict[str, Any]:
    """Check `values`, a dict with names of its own, as the arguments of a function are checked.

    Args:
        owner: what the user gave them to; it begins the message.
        values: by name.
        kind: a TypedDict with the annotations; names that it does not have are taken as they are.

    Returns:
        The values, converted as by `validate_arguments`.

    Raises:
        InputError: a value of another type or out of its range.
    """
    try:
        return {**values, **_adapter(kind).validate_python(values)}
    except ValidationError as error:
        problems = error.errors(include_url=False)
        name = problems[0]["loc"][0]
        problems = [{**problem, "loc": problem["loc"][1:]} for problem in problems if problem["loc"][0] == name]
        raise InputError(f"{owner}: {_wrong_value(name, problems)}") from error


def find_wrong_argument(function: Callable, arguments: dict[str, object]) -> str | None:
    """Return a sentence on the first of `arguments` that is not what its annotation in `function` says.

    It is for functions that do not check their arguments, such as torch's optimizers. Text, numbers, True and
    False of another type are wrong, because nobody converts them: 1 is a float, but "1" and True are not. None when all
    fit, as far as the annotations can tell.
    """
    for name, parameter in _parameters(function).items():
        annotation = parameter.annotation
        if name not in arguments or annotation is parameter.empty or arguments[name] is parameter.default:
            continue
        value = arguments[name]
        try:
            adapter = TypeAdapter(annotation, config=_CONFIG)
            checked = adapter.validate_python(value)
            if not _is_kept(value, checked):
                value = type(checked)(value) if isinstance(value, (list, tuple)) else value
                adapter.validate_python(value, strict=True)
        except ValidationError as error:
            return f"{_name(function)}: {_wrong_value(name, error.errors(include_url=False))}"
        except (PydanticUserError, NameError):  # an annotation that pydantic cannot check
            continue
    return None


def _parameters(function: Callable) -> dict[str, inspect.Parameter]:
    """Return the parameters of `function`; of a class also those that it hands on to its bases."""
    found: dict[str, inspect.Parameter] = {}
    for kind in function.__mro__ if isinstance(function, type) else [function]:
        make = vars(kind).get("__init__") if isinstance(kind, type) else kind
        parameters = inspect.signature(make).parameters if make else {}
        found = {**parameters, **found}
        if make and not any(one.kind is one.VAR_KEYWORD for one in parameters.values()):
            break
    return found


def _is_kept(value: Any, checked: Any) -> bool:
    """Return whether pydantic gave back what it got; a whole number is also a float."""
    if isinstance(checked, (list, tuple)) and isinstance(value, (list, tuple)):
        return all(_is_kept(*pair) for pair in zip(value, checked, strict=True))
    if isinstance(checked, (bool, int, float, str)):
        return type(value) is type(checked) or (type(value) is int and type(checked) is float)
    return True


def describe(error: ValidationError) -> str:
    """Return the first mistake that pydantic found in nested data: "optimizer: lr=-1: expected ..."."""
    problem = error.errors(include_url=False)[0]
    *parents, name = map(str, problem["loc"] or ["value"])
    place = ".".join(parents) + ": " * bool(parents) + name
    if problem["type"] == "missing":
        return f"{place} is missing"
    if problem["type"] == "extra_forbidden":
        return f"{place}: there is no such setting; check the spelling"
    return f"{place}={problem['input']!r}: expected {_expected(problem)}"


@functools.cache
def _adapter(kind: type) -> TypeAdapter:
    return TypeAdapter(kind)


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
