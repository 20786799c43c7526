from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def checkpoint_with_config(demo_config: Path, demo_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights of `demo_checkpoint` with the config in the file, as training saves them; three test images."""
    import torch

    from depthkit.models.checkpoint_info import CheckpointInfo
    from depthkit.utils.config import config_to_plain, load_config

    content = torch.load(demo_checkpoint)
    plain = config_to_plain(load_config(demo_config, {"test_dataloader.dataset.length": 3, "workers": 0}))
    content["depthkit"] = CheckpointInfo.of_training(plain, str(demo_config)).to_plain()
    path = tmp_path_factory.mktemp("carried") / "best.pth"
    torch.save(content, path)
    return path
