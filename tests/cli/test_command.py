import sys
from pathlib import Path

import click
import pytest

from depthkit.cli.command import Command, PathName, RangeOption, VariadicOption
from depthkit.cli.options import cfg_options, config_and_weights
from depthkit.utils.console import run_tool


@click.command(cls=Command, aliases={"--old": "--new"}, examples=('tool "a b" --layers 1 2',))
@click.argument("files", nargs=-1)
@click.option("--layers", cls=VariadicOption, type=int, default=(7,), metavar="N ...")
@click.option("--new", type=PathName())
@cfg_options
def tool(**values) -> None:
    """A tool."""
    seen.update(values)


seen = {}


@pytest.fixture
def parse(call_tool):
    def call(*args: str) -> dict:
        seen.clear()
        done = call_tool(tool, *args)
        assert done.returncode == 0, done.stderr
        return {"printed": done.stdout, **seen}

    return call


@pytest.mark.parametrize(
    ("args", "layers", "files"),
    [
        ([], (7,), ()),
        (["--layers", "2", "6"], (2, 6), ()),
        (["--layers", "2", "--layers", "6"], (2, 6), ()),
        (["--layers=2", "--layers", "6", "10"], (2, 6, 10), ()),
        (["--layers=2", "a"], (2,), ("a",)),
        (["a", "--layers", "2", "6", "--new", "x"], (2, 6), ("a",)),
        (["--layers", "2", "--", "a", "--layers"], (2,), ("a", "--layers")),
        (["--layers", "-1", "2"], (-1, 2), ()),
    ],
)
def test_a_variadic_option_takes_all_values_up_to_the_next_option(parse, args, layers, files) -> None:
    values = parse(*args)
    assert (values["layers"], values["files"]) == (layers, files)


@pytest.mark.parametrize("args", [["--layers"], ["--layers", "--new", "x"]])
def test_a_variadic_option_without_a_value_is_an_error(call_tool, args) -> None:
    done = call_tool(tool, *args)
    assert done.returncode == 2
    assert done.stderr == "error: Option '--layers' requires an argument. See 'tool --help'.\n"


def test_an_old_spelling_works_and_is_not_in_the_help(parse) -> None:
    assert parse("--old", "x")["new"] == parse("--old=x")["new"] == Path("x")
    printed = parse("--help")["printed"]
    assert "--new" in printed and "--old" not in printed
    assert printed.endswith('\nExamples:\n  tool "a b" --layers 1 2\n')


def test_a_path_without_a_name_is_an_error(call_tool, parse) -> None:
    assert parse("--new", "a/b")["new"] == Path("a/b")
    done = call_tool(tool, "--new", "")
    assert done.returncode == 2 and "the name is empty; give a path" in done.stderr
    done = call_tool(tool, "--new", "x" * 300)
    assert done.returncode == 2 and "cannot be used as a path" in done.stderr


def test_config_options_are_parsed_as_mmengine_does(parse) -> None:
    assert parse()["cfg_options"] is None
    options = parse("--cfg-options", "img_size=(224,304)", "a.b=0.5", "c=[1,x]", "d=None", "--cfg-options", "e=x=y")
    assert options["cfg_options"] == {"img_size": (224, 304), "a.b": 0.5, "c": [1, "x"], "d": None, "e": "x=y"}


@pytest.mark.parametrize("bad", ["no_value", "=1", "size=(1,2"])
def test_a_config_option_that_cannot_be_parsed_is_one_sentence(call_tool, bad: str) -> None:
    done = call_tool(tool, "--cfg-options", bad)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: ") and "--cfg-options" in done.stderr and bad in done.stderr


@pytest.mark.parametrize(
    ("files", "options", "expected"),
    [
        (["w.pth"], {}, (None, "w.pth")),
        (["c.py", "w.pth"], {}, ("c.py", "w.pth")),  # as in depthkit 0.1
        (["w.pth"], {"config": "c"}, ("c", "w.pth")),
        (["c.py"], {"weights": "w.pth"}, ("c.py", "w.pth")),
        ([], {"config": "c", "weights": "w.pth"}, ("c", "w.pth")),
        ([], {}, "Missing the weights"),
        (["c.py"], {}, "Missing the weights"),
        (["c.py", "w.pth"], {"config": "c"}, "Got 'c.py'"),
        (["x", "c.py", "w.pth"], {}, "Got 'x'"),
    ],
)
def test_config_and_weights_by_position_or_by_name(files, options, expected) -> None:
    with click.Context(tool) as context:
        if isinstance(expected, str):
            with pytest.raises(click.UsageError, match=expected):
                config_and_weights(files, options.get("config"), options.get("weights"), context)
        else:
            assert config_and_weights(files, options.get("config"), options.get("weights"), context) == expected


def test_the_environment_is_checked_before_a_command_runs_but_not_before_its_help(monkeypatch, parse, capsys) -> None:
    from depthkit.errors import InputError

    def broken() -> None:
        raise InputError("mmcv 2.1.0 is installed")

    monkeypatch.setattr("depthkit.cli.command.check_environment", broken)
    monkeypatch.setattr(sys, "argv", ["tool"])
    parse("--help")
    with pytest.raises(SystemExit) as caught:
        run_tool(tool)
    assert caught.value.code == 2
    assert capsys.readouterr().err == "error: mmcv 2.1.0 is installed\n"


@pytest.mark.parametrize(
    ("args", "value"),
    [
        (["--range", "0", "10"], (0, 10)),
        (["--range=0", "10"], (0, 10)),
        (["--range", "-1", "1e3"], (-1, 1000)),
        (["--range", "shared", "a.png"], "shared"),
        (["--range=shared", "a.png"], "shared"),
        ([], None),
    ],
)
def test_a_range_is_two_numbers_or_a_word(args, value):
    command = Command(
        "c", params=[RangeOption(["--range"], words=["shared"]), click.Argument(["file"], required=False)]
    )
    assert command.make_context("c", list(args)).params["range"] == value


def test_an_old_flag_may_have_a_value_now():
    command = Command("c", params=[click.Option(["--outputs"], multiple=True)], aliases={"--old": "--outputs=+old"})
    assert command.make_context("c", ["--outputs", "a", "--old"]).params["outputs"] == ("a", "+old")
