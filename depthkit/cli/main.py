"""The console command `depthkit`: its subcommands are imported only when they are used."""

import difflib
import gc
import importlib
import os
import sys
from typing import NoReturn

import click
from click.shell_completion import shell_complete

from depthkit import __version__
from depthkit.utils.console import run_tool

COMMANDS = (
    "predict",
    "predict-dataset",
    "train",
    "test",
    "export",
    "export-weights",
    "prepare-nyu",
    "tokens",
    "benchmark",
    "evaluate-selection",
    "models",
    "configs",
    "demo",
    "serve",
    "static-page",
)
_COMPLETE = "_DEPTHKIT_COMPLETE"
# Objects between two searches for garbage, instead of 700. Importing torch and timm makes a million that all stay.
_GARBAGE = 50_000


class _LazyGroup(click.Group):
    """The subcommands of `COMMANDS`; each is the object `main` of the module of its name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple:
        near = difflib.get_close_matches(args[0], COMMANDS, n=1)
        if near and near[0] != args[0]:
            ctx.fail(f"No such command '{args[0]}'; did you mean '{near[0]}'?")
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"depthkit.cli.{cmd_name.replace('-', '_')}").main


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=f"""Completion with the Tab key: add the line for your shell to its start-up file.

    \b
    bash  eval "$({_COMPLETE}=bash_source depthkit)"
    zsh   eval "$({_COMPLETE}=zsh_source depthkit)"
    fish  {_COMPLETE}=fish_source depthkit | source
    """,
)
@click.version_option(__version__, prog_name="depthkit")
def cli() -> None:
    """Predict depth in metres, and train, test and export the models that do it.

    Every command says more with --help: depthkit predict --help.
    """


def main() -> NoReturn:
    """Run the console command `depthkit`; the entry point."""
    if instruction := os.environ.get(_COMPLETE):
        sys.exit(shell_complete(cli, {}, "depthkit", _COMPLETE, instruction))
    gc.set_threshold(_GARBAGE)
    try:
        run_tool(cli, prog_name="depthkit")
    finally:
        # Or the interpreter looks for garbage among the modules, for a second, before it ends. Triton, which torch's
        # compiler imports, prints a page about whatever is not collected then.
        if "triton" not in sys.modules:
            gc.freeze()


if __name__ == "__main__":
    main()
