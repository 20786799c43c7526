"""The queue: what stops it, what does not, and which results belong to it. Nothing is trained here."""

import dataclasses
import json
import os
import shutil
import signal

import pytest

from depthkit.analysis.study import runs as module
from depthkit.analysis.study.folds import Fold
from depthkit.analysis.study.runs import Run, plan_runs, run_queue
from depthkit.analysis.study.variants import Variant
from depthkit.errors import InputError
from depthkit.utils.stop_signals import Stopped, signals_as_exceptions


@pytest.fixture
def queue(tmp_path) -> list[Run]:
    fold = Fold("fold_0", {"train_dataloader.dataset.split_file": str(tmp_path / "folds" / "fold_0_train.txt")})
    options = {"img_size": (224, 304), **fold.options}
    names = ("dense", "small", "other")
    return [Run(Variant(name, "c"), 0, fold, tmp_path / "runs" / name, options, ["full"]) for name in names]


@pytest.fixture
def executed(monkeypatch) -> list[str]:
    """Names of the variants that were executed; their results are written."""
    names = []

    def execute(run: Run, device: str) -> dict:
        names.append(run.variant.name)
        return finish(run)

    monkeypatch.setattr(module, "execute", execute)
    return names


def finish(run: Run, **changed) -> dict:
    run.folder.mkdir(parents=True, exist_ok=True)
    result = {"variant": run.variant.name, "settings": run.settings, "metrics": {"full": {"abs_rel": 0.1}}, **changed}
    (run.folder / "result.json").write_text(json.dumps(result))
    return result


def ends_by(number: int):
    os.kill(os.getpid(), number)


def ends_by_within_a_library(number: int):
    try:
        os.kill(os.getpid(), number)
    except BaseException:
        raise SyntaxError("Failed to format the config file")  # noqa: B904 (as mmengine does)


@pytest.mark.parametrize("ends", [ends_by, ends_by_within_a_library])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_stops_the_queue_and_the_same_queue_continues(queue, executed, monkeypatch, ends, number):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    execute = module.execute
    monkeypatch.setattr(
        module, "execute", lambda run, device: ends(number) if run is queue[1] else execute(run, device)
    )
    done = []
    try:
        with pytest.raises(KeyboardInterrupt if number == signal.SIGINT else Stopped), signals_as_exceptions():
            done.extend(run.variant.name for run, _ in run_queue(queue, None, "cpu"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert done == executed == ["dense"], "the third run is not begun"
    monkeypatch.setattr(module, "execute", execute)
    found = list(run_queue(queue, None, "cpu"))
    assert [run.variant.name for run, _ in found] == ["small", "other"] and executed == ["dense", "small", "other"]


def test_a_reader_that_goes_away_stops_the_queue(queue, monkeypatch):
    def execute(run, device):
        raise BrokenPipeError

    monkeypatch.setattr(module, "execute", execute)
    with pytest.raises(BrokenPipeError):
        list(run_queue(queue, None, "cpu"))


def test_a_run_that_fails_does_not_stop_the_queue(queue, executed, monkeypatch):
    execute = module.execute

    def fail_once(run, device):
        if run is queue[0]:
            raise RuntimeError("out of memory")
        return execute(run, device)

    monkeypatch.setattr(module, "execute", fail_once)
    found = [type(one) for _, one in run_queue(queue, None, "cpu")]
    assert found == [RuntimeError, dict, dict]
    assert [run.variant.name for run, _ in run_queue(queue, 1, "cpu")] == ["dense"], "it is tried again"


def test_a_run_that_has_failed_is_tried_after_the_others(queue, executed, monkeypatch):
    execute, tried = module.execute, []

    def fail(run, device):
        tried.append(run.variant.name)
        if run is queue[0]:
            raise RuntimeError("out of memory")
        return execute(run, device)

    monkeypatch.setattr(module, "execute", fail)
    for _ in range(3):
        list(run_queue(queue, 1, "cpu"))
    assert tried == ["dense", "small", "other"]
    assert (queue[0].folder / "error.txt").read_text() == "RuntimeError: out of memory\n"


def test_an_unfinished_run_goes_on_under_its_own_settings_only(queue, monkeypatch, capsys):
    def stop(config, folder, **options):
        (folder / "epoch_1.pth").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "load_config", lambda *arguments: None)
    monkeypatch.setattr(module, "train", stop)
    with pytest.raises(KeyboardInterrupt):
        module.execute(queue[0], "cpu")
    queue[0].begin()
    other = dataclasses.replace(queue[0], options={**queue[0].options, "model.backbone.keep_rate": 0.25})
    with pytest.raises(InputError, match=r"settings.json: is of other settings: model.backbone.keep_rate was None"):
        module.execute(other, "cpu")
    (queue[0].folder / "epoch_1.pth").unlink()
    other.begin()  # nothing was trained, so there is nothing to mix
    assert capsys.readouterr().err == ""
    (queue[0].folder / "epoch_1.pth").touch()
    (queue[0].folder / "settings.json").unlink()
    queue[0].begin()
    assert "has checkpoints and no settings.json" in capsys.readouterr().err


def test_the_content_of_the_config_and_of_its_weights_is_compared(tmp_path):
    weights, config = tmp_path / "w.pth", tmp_path / "mine.py"
    weights.write_text("1")

    parts = "train_cfg = dict(type='Loop')\ndefault_hooks = dict(checkpoint=dict(type='Hook'))\n"

    def run(**changed) -> Run:
        config.write_text("keep = 0.5\nmodel = dict(pretrained=" + repr(str(weights)) + ", keep_rate=keep)\n" + parts)
        for name, value in changed.items():
            config.write_text(config.read_text().replace(name, value))
        return plan_runs([Variant("a", str(config))], 1, [Fold("fold_0")], {}, ["full"], tmp_path)[0]

    finish(run())
    assert run().result
    with pytest.raises(InputError, match="values of the config was"):
        _ = run(**{"0.5": "0.25"}).result
    weights.write_text("2")
    with pytest.raises(InputError, match="values of its weights was"):
        _ = run().result
    old = {"config": str(config), "options": {}, "seed": 0, "protocols": ["full"]}
    finish(run(), settings=old)
    assert run().result, "a result of an older version is taken as it is"


def test_results_of_other_settings_are_refused(queue):
    finish(queue[0])
    assert queue[0].result["variant"] == "dense"
    other = dataclasses.replace(queue[0], options={**queue[0].options, "img_size": (192, 256)})
    with pytest.raises(InputError, match=r"result.json: is of other settings: img_size was \[224, 304\] and is"):
        list(run_queue([queue[1], other], None, "cpu"))
    other = dataclasses.replace(queue[0], protocols=["eigen"])
    with pytest.raises(InputError, match="protocols was"):
        _ = other.result
    other = dataclasses.replace(queue[0], fold=Fold("fold_0"), options={"img_size": (224, 304)})
    with pytest.raises(InputError, match="split_file was .* and is None"):
        _ = other.result


def test_a_study_can_be_moved(queue, tmp_path):
    finish(queue[0])
    shutil.move(tmp_path / "runs", tmp_path / "elsewhere" / "runs")
    split = {"train_dataloader.dataset.split_file": str(tmp_path / "elsewhere" / "folds" / "fold_0_train.txt")}
    moved = dataclasses.replace(
        queue[0], fold=Fold("fold_0", split), folder=tmp_path / "elsewhere" / "runs" / "dense",
        options={**queue[0].options, **split},
    )  # fmt: skip
    assert moved.result["metrics"] == {"full": {"abs_rel": 0.1}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[]", "has no settings"),
        ('{"settings": {}}', "has no metrics"),
        ('{"settings": 3, "metrics": {}}', "has no settings"),
        ("", "is empty"),
        ('{"settings": SETTINGS, "metrics": {}}', "has no metrics of the protocol full; remove it"),
        ('{"settings": SETTINGS, "metrics": {"full": {"abs_rel": "1"}}}', "has no metrics of the protocol full"),
    ],
)
def test_a_damaged_result_is_one_sentence(queue, text, message):
    finish(queue[0])
    (queue[0].folder / "result.json").write_text(text.replace("SETTINGS", json.dumps(queue[0].settings)))
    with pytest.raises(InputError) as caught:
        _ = queue[0].result
    assert message in str(caught.value) and "result.json" in str(caught.value)
