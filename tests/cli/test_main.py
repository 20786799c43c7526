import shlex

import click
import pytest

import depthkit
from depthkit.cli.command import Command
from depthkit.cli.main import COMMANDS
from depthkit.cli.main import cli as group
from helpers import run_and_list_imports, run_python


def command(name: str) -> Command:
    return group.get_command(click.Context(group), name)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_help_needs_no_torch(name: str) -> None:
    printed, imported = run_and_list_imports("-m", "depthkit.cli.main", *name.split(), "--help")
    assert printed.startswith(f"Usage: depthkit {name}".rstrip())
    assert not {"torch", "mmengine", "cv2", "numpy", "pydantic"} & imported


def test_help_lists_all_commands_and_how_to_complete_them(cli) -> None:
    done = cli("--help")
    assert done.returncode == 0
    assert cli().stdout == done.stdout and cli().returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert "..." not in done.stdout.partition("Commands:")[2], "a summary that is cut off"
    assert 'eval "$(_DEPTHKIT_COMPLETE=bash_source depthkit)"' in done.stdout


def test_the_version(cli) -> None:
    assert cli("--version").stdout == f"depthkit, version {depthkit.__version__}\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_the_help_can_be_parsed(name: str) -> None:
    assert command(name).examples
    for example in command(name).examples:
        _, _, arguments = example.partition(f" {name}")
        command(name).make_context(name, shlex.split(arguments))


@pytest.mark.parametrize("name", COMMANDS)
def test_one_convention_for_all_commands(name: str) -> None:
    options = {param.name: param for param in command(name).params if isinstance(param, click.Option)}
    for param in options.values():
        assert param.hidden or param.help, f"{name} {param.opts}: has no help"
    if "device" in options:
        assert options["device"].default == "auto"
    if "json_path" in options:
        assert options["json_path"].opts == ["--json"]
    assert not {"checkpoint", "work_dir_", "gpu", "output"} & options.keys()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["nothing"], "No such command 'nothing'."),
        (["predcit"], "No such command 'predcit'; did you mean 'predict'?"),
        (["predict"], "Missing argument 'IMAGE|VIDEO|FOLDER|GLOB|camera:N...'."),
        (["predict", "x.jpg", "--config", "nyu_tosa_tiny"], "Missing option '--model' or '--weights': name a"),
        (
            ["predict", "x.jpg", "--model", "rooms-deit-tiny", "--weights", "y.pth"],
            "--weights: rooms-deit-tiny comes with depthkit; leave out --weights or --model.",
        ),
        (["predict", "x.jpg", "--model", "dpt-large", "--config", "c"], "--config: a published model has its own;"),
        (["predict", "x.jpg", "--weights", "w.pth", "--input-size", "9"], "--input-size: is for published models;"),
        (["predict", "x.jpg", "--model", "dpt-large", "--input-size", "0"], "Invalid value for '--input-size': 0 is"),
        (["predict", "x.jpg", "--weights", "w.pth", "--range", "1"], "Option '--range' requires 2 arguments."),
        (["train"], "Missing argument 'CONFIG'."),
        (["train", "x", "--launcher", "slurm"], "Invalid value for '--launcher': 'slurm' is not one of"),
        (["test"], "Missing the weights: give a .pth or .safetensors file."),
        (["test", "c.py"], "Missing the weights: give a .pth or .safetensors file."),
        (["export", "w.pth"], "Missing option '--out'."),
        (["export-weights"], "Missing the weights: give a .pth or .safetensors file."),
        (["test", "best_1.pth", "best_2.pth"], "Got 2 files of weights (best_1.pth, best_2.pth); give one."),
        (["prepare-nyu", "x"], "Give either --check or --out DIR."),
        (["prepare-nyu", "x", "--check", "--out", "y"], "Give either --check or --out DIR."),
        (["tokens", "x.jpg"], "Missing option '--weights'."),
        (["benchmark", "--inputs", "224"], "Invalid value for '--inputs': '224': expected HEIGHTxWIDTH:BATCH"),
        (["benchmark", "--inputs", "7x7:1"], "--inputs: the sides must be multiples of the patches of 16 px."),
        (["configs", "x"], "Got unexpected extra argument (x)"),
        (["demo", "--max-iters", "0"], "Invalid value for '--max-iters': 0 is not in the range 5<=x<=1000000000."),
        (["test", "w.pth", "--cfg-options", "a=1"], "--cfg-options: cannot change the config in a file of weights"),
    ],
)
def test_bad_usage_is_one_line_with_a_hint(cli, args, message) -> None:
    done = cli(*args)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {message}"), done.stderr
    path = " ".join(["depthkit", *(args[:1] if args[0] in COMMANDS else [])])
    assert done.stderr.endswith(f" See '{path} --help'.\n") and done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_bad_option_suggests_the_right_one(cli) -> None:
    assert "--weights" in cli("predict", "x.jpg", "--weight", "w.pth").stderr


def test_the_shell_completes_commands_and_options(cli_process) -> None:
    environment = {"_DEPTHKIT_COMPLETE": "bash_complete", "COMP_WORDS": "depthkit predict --outp", "COMP_CWORD": "2"}
    assert "plain,--outputs" in cli_process(env=environment).stdout


def test_a_process_reports_bad_input_with_its_status(cli_process) -> None:
    done = cli_process("predict", "none.jpg", "--weights", "w.pth")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: none.jpg: no such file or folder\n"


def test_the_end_is_quiet_where_torch_compiled() -> None:
    pytest.importorskip("triton", reason="torch's compiler for GPUs, which pip's torch for Linux has")
    code = "import sys, triton; sys.argv = ['depthkit', 'configs']; from depthkit.cli.main import main; main()"
    done = run_python("-c", code)
    assert (done.returncode, done.stderr) == (0, "")
