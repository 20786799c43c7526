import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from depthkit.engine import DamagedImagesHook


class Images:
    """A data set of 40 images, none of which is damaged yet."""

    def __init__(self) -> None:
        self.damaged = torch.zeros(40, dtype=torch.bool)

    def __len__(self) -> int:
        return 40

    def get_data_info(self, place: int) -> dict:
        return {"img_path": f"folder/{place:02d}.png"}


@pytest.fixture
def runner(tmp_path: Path) -> SimpleNamespace:
    train, val = (SimpleNamespace(dataset=Images()) for _ in range(2))
    return SimpleNamespace(
        train_dataloader=train, val_dataloader=val, work_dir=str(tmp_path), logger=logging.getLogger("test")
    )


def test_each_is_counted_and_named_once(runner, caplog):
    hook = DamagedImagesHook()
    hook.after_train_epoch(runner)
    assert not caplog.messages
    runner.train_dataloader.dataset.damaged[3] = True
    hook.after_train_epoch(runner)
    hook.after_train_epoch(runner)
    runner.train_dataloader.dataset.damaged[7] = True
    hook.after_train_epoch(runner)
    hook.after_train(runner)
    assert caplog.messages == [
        "1 of 40 images cannot be read, and others were taken in their place: folder/03.png",
        "2 of 40 images cannot be read, and others were taken in their place: folder/07.png",
        "2 images of this training could not be read: folder/03.png, folder/07.png",
    ]


def test_of_many_the_names_are_in_a_file(runner, caplog, tmp_path):
    runner.val_dataloader.dataset.damaged[:15] = True
    DamagedImagesHook().after_val_epoch(runner)
    assert caplog.messages[0].endswith(f"folder/09.png and 5 more, see {tmp_path / 'damaged_images.txt'}")
    assert (tmp_path / "damaged_images.txt").read_text().splitlines() == [f"folder/{i:02d}.png" for i in range(15)]


def test_data_sets_that_skip_nothing_are_left_alone(runner, caplog):
    runner.train_dataloader.dataset = [1, 2]
    hook = DamagedImagesHook()
    hook.after_train_epoch(runner)
    hook.after_train(runner)
    assert not caplog.messages
