"""The Click classes that all our commands are built on."""

import os
import re
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import click

from depthkit.utils.environment import check_environment
from depthkit.utils.paths import expand_home

_NEGATIVE_NUMBER = re.compile(r"-\.?\d")


class PathName(click.Path):
    """A path that a file can have. The empty one of an unset variable would be the current folder."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Return the path."""
        if not os.fspath(value):
            self.fail("the name is empty; give a path", param, ctx)
        expand_home(value)
        return super().convert(value, param, ctx)


class VariadicOption(click.Option):
    """An option that takes all values up to the next option, and may also be repeated.

    `--layers 2 6`, `--layers 2 --layers 6` and `--layers=2 --layers=6` are the same: the tuple (2, 6). A `--`
    ends the values where a positional argument follows. It belongs to a `Command`.
    """

    def __init__(self, param_decls: Sequence[str], **attributes) -> None:
        super().__init__(param_decls, multiple=True, **attributes)


class RangeOption(click.Option):
    """An option of two numbers or one word: `--range 0 10`, `--range shared`. It belongs to a `Command`.

    Args:
        param_decls: see `click.Option`.
        words: what may stand in place of the numbers.
        **attributes: see `click.Option`.
    """

    def __init__(self, param_decls: Sequence[str], words: Collection[str], **attributes) -> None:
        super().__init__(param_decls, nargs=2, type=_NumberOr(words), **attributes)
        self.words = words

    def type_cast_value(self, ctx: click.Context, value: object) -> tuple[float, float] | str | None:
        """Return the two numbers, or the one word that `repeat_words` doubled."""
        pair = super().type_cast_value(ctx, value)
        if pair is None or not set(pair) & set(self.words):
            return pair
        if pair[0] != pair[1]:
            raise click.BadParameter(f"expected two numbers, or {' or '.join(self.words)} alone", ctx, self)
        return pair[0]


class _NumberOr(click.ParamType):
    name = "number"

    def __init__(self, words: Collection[str]) -> None:
        self.words = words

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float | str:
        if value in self.words:
            return value
        try:
            return float(value)
        except ValueError:
            self.fail(f"'{value}' is neither a number nor {' or '.join(self.words)}", param, ctx)


class Command(click.Command):
    """A command with `VariadicOption`s and old spellings, which checks the environment before it runs.

    Args:
        *args: see `click.Command`.
        aliases: old names of options, hidden from the help, and the names that they have now; one that took no value
            may have one now: "--outputs=+points".
        examples: command lines that the help ends with.
        **attributes: see `click.Command`.
    """

    def __init__(
        self, *args, aliases: Mapping[str, str] | None = None, examples: Sequence[str] = (), **attributes
    ) -> None:
        settings = {"help_option_names": ["-h", "--help"], "max_content_width": 110, "show_default": True}
        super().__init__(*args, context_settings=settings, **attributes)
        self.aliases = aliases or {}
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `args` after rewriting old spellings and variadic options as Click understands them."""
        args = repeat_words(_rename(args, self.aliases), self.params)
        variadic = {name for param in self.params if isinstance(param, VariadicOption) for name in param.opts}
        try:
            return super().parse_args(ctx, repeat_names(args, variadic, ctx))
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # Click leaves it out where an option has too few values
            raise

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, one a line and never wrapped, so that they can be copied."""
        formatter.write("".join(["\nExamples:\n", *(f"  {example}\n" for example in self.examples)]))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; the environment is checked only now, because `--help` must not wait for it."""
        check_environment()
        return super().invoke(ctx)


def repeat_names(args: Sequence[str], variadic: Collection[str], ctx: click.Context) -> list[str]:
    """Rewrite `--layers 2 6` as `--layers 2 --layers 6` for the options named in `variadic`.

    Raises:
        click.BadOptionUsage: such an option has no value.
    """
    rewritten: list[str] = []
    rest = deque(args)
    while rest:
        arg = rest.popleft()
        if arg == "--":
            return [*rewritten, arg, *rest]
        rewritten.append(arg)
        if arg not in variadic:
            continue
        if (not rest or _is_option(rest[0])) and not ctx.resilient_parsing:
            raise click.BadOptionUsage(arg, f"Option '{arg}' requires an argument.", ctx)
        while rest and not _is_option(rest[0]):
            if rewritten[-1] != arg:
                rewritten.append(arg)
            rewritten.append(rest.popleft())
    return rewritten


def repeat_words(args: Sequence[str], params: Sequence[click.Parameter]) -> list[str]:
    """Rewrite `--range shared` as `--range shared shared` for the `RangeOption`s among the parameters."""
    words = {name: param.words for param in params if isinstance(param, RangeOption) for name in param.opts}
    rewritten: list[str] = []
    for arg in args:
        name, _, value = arg.partition("=")
        before = rewritten[-1] if rewritten else ""
        rewritten.append(arg)
        if value in words.get(name, ()):
            rewritten.append(value)
        elif arg in words.get(before, ()):
            rewritten.append(arg)
    return rewritten


def _rename(args: Sequence[str], aliases: Mapping[str, str]) -> list[str]:
    parts = (arg.partition("=") for arg in args)
    return [f"{aliases.get(name, name)}{equals}{value}" for name, equals, value in parts]


def _is_option(arg: str) -> bool:
    return arg.startswith("-") and arg != "-" and not _NEGATIVE_NUMBER.match(arg)
