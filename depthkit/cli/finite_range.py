"""The type of an option that is a finite number."""

import math

import click


class FiniteRange(click.FloatRange):
    """A `click.FloatRange` (same arguments) without inf, and without nan, which Click accepts."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse `value`."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not in the range {self._describe_range()}.", param, ctx)
        return number
