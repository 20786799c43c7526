"""Keep rates: which fraction of the tokens a layer keeps or attends."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Strict

from depthkit.errors import InputError

_Number = Annotated[float, Strict()]  # neither a text nor a bool
KeepRates = _Number | Sequence[_Number]  # for signatures under `validate_arguments`


def check_keep_rates(
    keep_rate: float | Sequence[float], count: int, of: str = "token selective layers"
) -> tuple[float, ...]:
    """Return `count` keep rates, from one number or one for each; the message says of what (`of`, plural).

    Raises:
        InputError: another number of rates, or one outside (0, 1].
    """
    rates = tuple(keep_rate) if isinstance(keep_rate, Sequence) else (keep_rate,) * count
    if len(rates) != count:
        raise InputError(f"keep_rate={keep_rate}: expected one number, or one for each of the {count} {of}")
    if not all(0 < rate <= 1 for rate in rates):
        raise InputError(f"keep_rate={keep_rate}: expected numbers above 0 and at most 1 (1 is every token)")
    return tuple(float(rate) for rate in rates)
