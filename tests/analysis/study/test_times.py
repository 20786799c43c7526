import json

import pytest

from depthkit.analysis.study.folds import Fold
from depthkit.analysis.study.runs import Run
from depthkit.analysis.study.times import check_nothing_is_lost, read_times, settings_of_times
from depthkit.analysis.study.variants import Variant
from depthkit.errors import InputError


def run(tmp_path, seed: int = 0, **options) -> Run:
    fold = Fold(f"fold_{seed}", {"train_dataloader.dataset.split_file": f"{tmp_path}/fold_{seed}_train.txt"})
    return Run(Variant("dense", "c"), seed, fold, tmp_path, {**options, **fold.options}, ["full"])


def test_times_of_other_settings_are_refused(tmp_path):
    path = tmp_path / "times.json"
    assert read_times(path, []) == {"macs": {}, "times": {}}
    times = {"torch": {"dense": {"ms": 1.0, "speedup": 1.0}}}
    settings = settings_of_times([run(tmp_path, img_size=(64, 80))])
    path.write_text(json.dumps({"macs": {}, "times": times, "settings": settings}))
    assert read_times(path, [run(tmp_path, seed=3, img_size=(64, 80))])["times"] == times
    with pytest.raises(InputError, match=r"dense was timed with other settings: img_size was \[64, 80\] and is \[48"):
        read_times(path, [run(tmp_path, img_size=(48, 64))])
    check_nothing_is_lost(path, ["dense", "other"], ["torch", "onnx"])
    for variants, runtimes, lost in ((["other"], ["torch"], "dense"), (["dense"], ["onnx"], "torch")):
        with pytest.raises(InputError, match=f"has times of {lost}, which would be lost"):
            check_nothing_is_lost(path, variants, runtimes)


@pytest.mark.parametrize("times", [{"torch": {"dense": {}}}, {"torch": 3}, {"torch": {"dense": 3}}])
def test_damaged_times_are_one_sentence(tmp_path, times):
    (tmp_path / "times.json").write_text(json.dumps({"macs": {}, "times": times}))
    with pytest.raises(InputError, match="times.json: has no ms and speedup of .* in torch; remove it"):
        read_times(tmp_path / "times.json", [])
