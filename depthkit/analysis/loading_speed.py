"""Measure how fast the data set of a training gives samples, in one process."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from mmengine.config import Config

from depthkit.errors import InputError
from depthkit.registry import DATASETS, depthkit_scope
from depthkit.utils.config_errors import config_errors


@dataclass(frozen=True)
class LoadingSpeed:
    """What one process without workers loads.

    Attributes:
        samples: how many were loaded, evenly spread over the data set.
        reading: seconds of a sample to read and decode its files.
        transforms: seconds of a sample in the pipeline after that.
    """

    samples: int
    reading: float
    transforms: float

    @property
    def per_second(self) -> float:
        """Samples per second."""
        return 1 / (self.reading + self.transforms)


def measure_loading(config: Config, samples: int) -> LoadingSpeed:
    """Load samples of a config's `train_dataloader`, each once with the pipeline and once without it.

    Args:
        config: of a training.
        samples: how many, at most; the first one is loaded once more before, and not counted.

    Raises:
        InputError: the config has no training data, or they cannot be read.
    """
    if config.get("train_dataloader") is None:
        raise InputError(f"{config.filename}: has no train_dataloader; give the config of a training")
    plain = config.train_dataloader.dataset
    with depthkit_scope(), config_errors(str(config.filename), "train_dataloader"):
        whole, bare = DATASETS.build(plain), DATASETS.build({**plain, "pipeline": None})
    count = min(samples, len(whole))
    places = [i * len(whole) // count for i in range(count)]
    whole[places[0]], bare[places[0]]
    both = _seconds(lambda: [whole[i] for i in places]) / count
    # The files are in the system's cache by now; a disk that is slower than decoding is not what is measured.
    reading = _seconds(lambda: [bare[i] for i in places]) / count
    return LoadingSpeed(count, reading, max(both - reading, 0.0))


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
