"""Arguments checked by their annotations: what is accepted, and the sentence for what is not."""

from collections.abc import Sequence
from typing import Literal

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from depthkit.errors import InputError
from depthkit.utils.validation import (
    Count,
    Index,
    NotNegative,
    Positive,
    Probability,
    find_wrong_argument,
    validate_arguments,
)


class Layer:
    @validate_arguments
    def __init__(
        self,
        dim: Count,
        rate: Probability = 0.0,
        scale: Positive | None = None,
        shift: NotNegative = 0.0,
        taps: tuple[Index, ...] = (),
        kind: Literal["whole", "slide"] = "whole",
        options: dict | None = None,
        anything=None,
    ) -> None:
        self.values = dim, rate, scale, shift, taps, kind, options, anything


def test_what_fits_is_passed_on_and_converted():
    marker = object()
    layer = Layer("3", 1, scale=2, taps=[0, 2.0], kind="slide", options={"a": 1}, anything=marker)
    assert layer.values == (3, 1.0, 2.0, 0.0, (0, 2), "slide", {"a": 1}, marker)
    assert Layer.__init__.__name__ == "__init__"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"dim": "abc"}, r"^Layer: dim='abc': expected a whole number$"),
        ({"dim": 1.5}, r"dim=1.5: expected a whole number"),
        ({"dim": None}, r"dim=None: expected a whole number"),
        ({"dim": 0}, r"dim=0: expected a number of 1 or more"),
        ({"dim": 1, "rate": 2}, r"rate=2: expected a number of 1 or less"),
        ({"dim": 1, "rate": float("nan")}, r"rate=nan: expected a finite number"),
        ({"dim": 1, "scale": 0}, r"scale=0: expected a number above 0"),
        ({"dim": 1, "scale": float("inf")}, r"scale=inf: expected a finite number"),
        ({"dim": 1, "shift": -1}, r"shift=-1: expected a number of 0 or more"),
        ({"dim": 1, "taps": 5}, r"taps=5: expected a tuple"),
        ({"dim": 1, "taps": [1, -2]}, r"taps\[1\]=-2: expected a number of 0 or more"),
        ({"dim": 1, "kind": "x"}, r"kind='x': expected one of 'whole' or 'slide'"),
        ({"dim": 1, "options": 3}, r"options=3: expected a dict"),
        ({"dim": 1, "tap": 3}, r"unexpected keyword argument 'tap'; did you mean taps\?"),
        ({"dim": 1, "zzz": 3}, r"unexpected keyword argument 'zzz'; it takes dim, rate, "),
        ({}, r"the argument 'dim' is missing; it takes dim, rate, "),
    ],
)
def test_what_does_not_fit_is_one_sentence(arguments, message):
    with pytest.raises(InputError, match=message) as caught:
        Layer(**arguments)
    assert "\n" not in str(caught.value)


def test_of_a_union_all_that_was_expected_is_named():
    @validate_arguments
    def keep(rate: Probability | tuple[Probability, ...]) -> object:
        return rate

    assert keep(0.5) == 0.5 and keep([1, 0.5]) == (1, 0.5)
    with pytest.raises(InputError, match=r"keep: rate='x': expected a number or a tuple$"):
        keep("x")
    with pytest.raises(InputError, match=r"keep: 3 is one argument too many; it takes rate$"):
        keep(1, 3)


def test_errors_from_within_pass():
    @validate_arguments
    def outer(value: int) -> object:
        return Layer(dim=value) if value < 5 else int("no number")

    with pytest.raises(InputError, match="^Layer: dim=0"):
        outer(0)
    with pytest.raises(ValueError, match="invalid literal"):
        outer(5)


@given(
    st.one_of(
        st.integers(-5, 5),
        st.floats(),
        st.text(max_size=3),
        st.none(),
        st.booleans(),
        st.lists(st.integers(), max_size=2),
    )
)
def test_any_value_is_in_range_afterwards_or_refused_in_one_sentence(value):
    for name, fits in (
        ("dim", lambda result: isinstance(result, int) and result >= 1),
        ("rate", lambda result: 0 <= result <= 1),
        ("shift", lambda result: 0 <= result < float("inf")),
    ):
        try:
            layer = Layer(**{"dim": 1, name: value})
        except InputError as error:
            assert f"{name}" in str(error) and "expected" in str(error) and "\n" not in str(error)
        else:
            assert fits(dict(zip(("dim", "rate", "scale", "shift"), layer.values, strict=False))[name])


def test_a_wrong_argument_of_a_function_that_checks_nothing_is_found():
    adamw = torch.optim.AdamW
    assert find_wrong_argument(adamw, {"lr": 0.1, "weight_decay": "abc"}) == (
        "AdamW: weight_decay='abc': expected a number"
    )
    assert find_wrong_argument(adamw, {"lr": 0.1, "betas": (0.9, 0.99)}) is None

    def plain(names: Sequence[str] = None, unknown: "NotThere" = 1, other=None) -> None:  # noqa: F821
        pass

    assert find_wrong_argument(plain, {"names": None, "unknown": 3, "other": 4}) is None
    assert "plain: names=3: expected a list" in find_wrong_argument(plain, {"names": 3})
