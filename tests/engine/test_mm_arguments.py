import pytest

from depthkit.engine.mm_arguments import check_settings
from depthkit.errors import InputError
from depthkit.utils.config import load_config


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("timeout", "foo", "a number"),
        ("timeout", -1, "a number of 0 or more"),
        ("prefetch_factor", 0, "a number of 1 or more"),
        ("multiprocessing_context", "thread", "one of 'fork', 'spawn' or 'forkserver'"),
        ("worker_init_fn", 5, "a dict"),
    ],
)
def test_what_torch_reads_from_a_loader_is_checked(name, value, expected):
    config = load_config("demo_rooms")
    check_settings(config)
    config.train_dataloader[name] = value
    with pytest.raises(InputError, match=rf"train_dataloader: {name}=.*: expected {expected}"):
        check_settings(config)
