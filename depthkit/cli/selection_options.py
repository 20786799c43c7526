"""The options that turn a depth model into its token selective form."""

from collections.abc import Callable, Sequence

import click

from depthkit.cli.finite_range import FiniteRange


class Numbers(click.ParamType):
    """Numbers with commas between; one alone stays one number if `alone` says so.

    Args:
        kind: int or float.
        alone: give one number as it is, not as a tuple of one.
        fractions: each must be above 0 and at most 1.
    """

    def __init__(self, kind: type[int] | type[float], alone: bool = False, fractions: bool = False) -> None:
        self.name = "number"
        self.kind = kind
        self.alone = alone
        self.fractions = fractions

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """Parse `value`: a tuple of numbers, or a number."""
        if not isinstance(value, str):
            return value
        expected = "whole numbers" if self.kind is int else "a number, or numbers"
        try:
            numbers = tuple(self.kind(number) for number in value.split(","))
        except ValueError:
            self.fail(f"'{value}': expected {expected} with commas between", param, ctx)
        if self.fractions and not all(0 < number <= 1 for number in numbers):
            self.fail(f"'{value}': expected {expected} above 0 and at most 1", param, ctx)
        return numbers[0] if self.alone and len(numbers) == 1 else numbers


FRACTION = FiniteRange(0, 1, min_open=True)
KEEP_RATE = Numbers(float, alone=True, fractions=True)  # 0.5, or 1,.7,.5,.3,.25,.25

keep_rate = click.option(
    "--keep-rate",
    type=KEEP_RATE,
    metavar="RATE",
    help="Let only some patches, the most important ones, go through some of the layers: this fraction, above 0 and at "
    "most 1; or one for each of these layers, 0.7,0.5,0.5,0.3.",
)
selection = click.option(
    "--selection",
    type=click.Choice(["shared", "per_head", "even"]),
    help="Choose one set of patches for all heads (faster), or one for each; or take patches that lie evenly, and let "
    "the others follow their neighbours.  [default: shared, or as trained]",
)
selective_layers = click.option(
    "--selective-layers",
    type=Numbers(int),
    metavar="N,...",
    help="These layers, counted from 0: 1,4,7,10.  [default: those between the layers that the decoder takes; of even, "
    "all but the first]",
)


def selection_options(command: Callable) -> Callable:
    """Give a command `--keep-rate`, `--selection` and `--selective-layers`."""
    return keep_rate(selection(selective_layers(command)))


def check_has_keep_rate(
    keep_rate: float | Sequence[float] | None,
    selection: str | None,
    selective_layers: Sequence[int] | None,
    ctx: click.Context,
) -> None:
    """Check that the other two options come with `--keep-rate`.

    Raises:
        click.UsageError: they do not.
    """
    for name, value in (("--selection", selection), ("--selective-layers", selective_layers)):
        if keep_rate is None and value is not None:
            raise click.UsageError(f"{name}: says how patches are selected; add --keep-rate.", ctx)
