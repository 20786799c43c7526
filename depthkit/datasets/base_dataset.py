"""What all data sets share: their list of entries, `indices`, and the pipeline."""

from collections.abc import Callable, Sequence
from typing import Annotated

from mmengine.dataset import BaseDataset
from mmengine.logging import print_log
from pydantic import Field

from depthkit.errors import InputError
from depthkit.registry import TRANSFORMS
from depthkit.utils.validation import Count, Index

# Types of the arguments that data sets share.
Pipeline = Sequence[dict | Callable] | None
Indices = Count | Sequence[Index] | None
Every = Annotated[int, Field(ge=2)]  # hold out every N-th


class SampleDataset(BaseDataset):
    """A list of entries, each of which `prepare_data` turns into a sample.

    Args:
        entries: one small dict per sample; mmengine serialises them, so that workers share the memory.
        description: what the data are, for the log.
        pipeline: transforms, dicts or callables, the last of which packs the sample; None: samples stay dicts of
            arrays.
        test_mode: whether the samples are for evaluation.
        indices: take only the first N entries, or those at these places.

    Raises:
        InputError: `indices` beyond the entries; at the first sample, a pipeline that does not pack.
    """

    METAINFO = {"dataset_type": "depthkit"}

    def __init__(
        self, entries: list[dict], description: str, pipeline: Pipeline, test_mode: bool, indices: Indices
    ) -> None:
        self._entries = _select(entries, indices)
        super().__init__(pipeline=_build_steps(pipeline), test_mode=test_mode)
        del self._entries  # there may be a million; mmengine has packed its own
        print_log(f"{type(self).__name__}: {len(self)} samples, {description}", logger="current")

    def load_data_list(self) -> list[dict]:
        """Return the entries; mmengine calls this once."""
        return self._entries


def _select(entries: list[dict], indices: int | Sequence[int] | None) -> list[dict]:
    if indices is None or isinstance(indices, int):
        return entries[:indices]
    if beyond := [index for index in indices if index >= len(entries)]:
        raise InputError(
            f"indices: {beyond[0]} is out of range; the data set has {len(entries)} samples, from 0 on; give other "
            "indices (a config may have them as the setting `pairs`), or None for all"
        )
    return [entries[index] for index in indices]


def _build_steps(pipeline: Pipeline) -> list[Callable]:
    if pipeline is None:
        return []
    # Built from our registry here: mmengine would look the names up in whichever scope is the default.
    return [*(TRANSFORMS.build(step) if isinstance(step, dict) else step for step in pipeline), _check_packed]


def _check_packed(results: dict | None) -> dict | None:
    if results is not None and "inputs" not in results:
        raise InputError(
            "pipeline: its last step does not pack the sample; end it with dict(type='PackDepthInputs') or "
            "dict(type='PackClassInputs')"
        )
    return results
