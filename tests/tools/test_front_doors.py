import pytest

from depthkit.cli import benchmark, demo, export, predict, prepare_nyu, test, tokens, train
from helpers import REPOSITORY, load_tool, run_python

COMMANDS = {
    "benchmark": benchmark,
    "demo": demo,
    "export": export,
    "predict": predict,
    "prepare_nyu": prepare_nyu,
    "show_tokens": tokens,
    "test": test,
    "train": train,
}


def test_there_are_no_others() -> None:
    assert {path.stem for path in REPOSITORY.glob("tools/*.py")} == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_front_door_is_the_command(name: str) -> None:
    assert load_tool(name).main is COMMANDS[name].main


def test_a_front_door_runs_it() -> None:
    done = run_python(REPOSITORY / "tools" / "predict.py", "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: predict.py ")
    done = run_python(REPOSITORY / "tools" / "train.py", "none")
    assert done.returncode == 2 and done.stderr.startswith("error: none: there is no such config")


@pytest.mark.parametrize(
    "line",
    [
        "predict photo.jpg --config configs/nyu_tosa_small.py --checkpoint weights.pth --out out/",
        "predict photo.jpg --classes --config c.py --checkpoint w.pth --out out --cfg-options img_size=(224,304) a=1",
        "export configs/nyu_tosa_small_shared.py weights.pth --format onnx --out depth.onnx",
        "train configs/nyu_tosa_tiny_shared.py --work-dir w --resume --cfg-options data_root=/data img_size=(224,304)",
        "test configs/nyu_deit_tiny.py epoch_6.pth --protocol full --out r.json --cfg-options data_root=x batch_size=8",
        "prepare_nyu --check data/nyu",
        "prepare_nyu data/nyu --out data/nyu_sync",
        "benchmark --task depth --train --model tiny --inputs 224x304:8 --variants tosa_shared:0.5 evit:0.8",
        "benchmark --model tiny --inputs 224x224:8 288x288:8 --json latency.json --pictures val --variants evit:0.9",
        "show_tokens photo.jpg --weights deit.safetensors --out out --layers 2 6 --keep-rate 0.5",
        "show_tokens photo.jpg --config configs/nyu_tosa_small.py --checkpoint best.pth --out out",
        "demo --work-dir work_dirs/demo_rooms --max-iters 8",
    ],
)
def test_the_commands_of_depthkit_0_1_are_understood(line: str) -> None:
    name, *args = line.split()
    COMMANDS[name].main.make_context(name, args)
