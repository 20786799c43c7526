"""Images in tar files anywhere, also in a bucket, of which a few at a time are on this machine."""

import hashlib
import json
import tarfile
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate, chain
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from mmengine.dataset import Compose
from mmengine.logging import print_log
from pydantic import Field
from torch.utils.data import Dataset

from depthkit.datasets.base_dataset import Every, Pipeline, build_steps
from depthkit.datasets.image_folder import Split
from depthkit.datasets.sample import make_sample
from depthkit.datasets.shard_cache import ShardCache
from depthkit.datasets.shards import list_shard, read_member
from depthkit.errors import InputError
from depthkit.registry import DATASETS
from depthkit.utils.data_patterns import match, split_pattern
from depthkit.utils.image_files import IMAGE_SUFFIXES
from depthkit.utils.output_file import atomic_path
from depthkit.utils.output_folder import make_output_folder
from depthkit.utils.paths import expand_home
from depthkit.utils.storage import Place, StoredFile
from depthkit.utils.validation import validate_arguments

SIZES = "sizes.json"  # beside the shards, as OpenCLIP has it: how many images are in each
_OPEN = 32  # shards whose lists of images a process keeps
_READERS = 8
_GIGABYTE = 10**9


@DATASETS.register_module()
class StreamedShards(Dataset):
    """The images of tar files (WebDataset), as samples without depth or labels, a few shards at a time.

    The samples are the same, and in the same order, as those of an `ImageFolder` on these tar files. Shards of a bucket
    are copied into a folder of this machine when they are needed and removed when others need the room, so use it with
    a `ShardSampler`, which needs few of them at a time. All processes of a machine share the copies.

    Args:
        data_root: folder of the tar files, or a glob; a path, or an address (`Place`). They must not be compressed.
        cache: folder of this machine for the copies, and for the numbers of images where the tar files have no
            ``sizes.json`` beside them ({"00000.tar": 1000}); then all are read once.
        cache_gb: room for the copies [10^9 bytes]; at least for the shards that are open at a time.
        split: ``all``; or ``train`` and ``val``, which `hold_out_every` divides.
        hold_out_every: hold out every N-th shard for ``val``.
        pipeline: transforms, the last of them `PackDepthInputs`.
        skip_damaged: see `ImageFolder`.

    Attributes:
        counts: how many images each shard has.
        damaged: boolean (N,), see `ImageFolder`.

    Raises:
        InputError: there are no tar files, or none in the split, they cannot be read, or an argument is out of range.
    """

    METAINFO = {"dataset_type": "images"}

    @validate_arguments
    def __init__(
        self,
        data_root: str | Path,
        cache: str | Path,
        cache_gb: Annotated[float, Field(gt=0)] = 50.0,
        split: Split = "all",
        hold_out_every: Every | None = None,
        pipeline: Pipeline = None,
        skip_damaged: bool = False,
    ) -> None:
        if (split == "all") != (hold_out_every is None):
            raise InputError(
                f"split='{split}', hold_out_every={hold_out_every}: 'train' and 'val' need every N-th shard that is "
                "held out, 'all' has none"
            )
        folder, pattern = split_pattern(str(data_root))
        self.place, self.folder = Place(folder), str(data_root)
        cache = make_output_folder(expand_home(cache))
        self._cache = ShardCache(self.place, cache, cache_gb * _GIGABYTE)
        found = match(self.place, pattern or "**/*.tar")
        chosen = [
            file
            for number, file in enumerate(found)
            if split == "all" or (number % hold_out_every == hold_out_every - 1) == (split == "val")
        ]
        if not chosen:
            raise InputError(f"{data_root}: has {len(found)} tar files, of which none is for split '{split}'")
        self._shards = chosen
        sizes = count_images(self._cache, found)
        self.counts = [sizes[file.name] for file in chosen]
        self._starts = [0, *accumulate(self.counts)]
        if not self._starts[-1]:
            raise InputError(f"{data_root}: has no image in its {len(chosen)} tar files of split '{split}'")
        self._lists: OrderedDict[int, list[tuple[str, dict]]] = OrderedDict()
        self.pipeline = Compose(build_steps(pipeline))
        self.metainfo = dict(self.METAINFO)
        self.skip_damaged = skip_damaged
        self.damaged = torch.zeros(len(self), dtype=torch.bool).share_memory_()
        print_log(f"{type(self).__name__}: {len(self)} samples, split {split}, {data_root}", logger="current")

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, idx: int) -> Any:
        image, path = self._read(idx)
        return self.pipeline(make_sample(image, path))

    def get_data_info(self, idx: int) -> dict[str, str]:
        """Return where image `idx` is."""
        shard = bisect_right(self._starts, idx) - 1
        return {"img_path": self._members(shard)[idx - self._starts[shard]][0]}

    def _read(self, idx: int) -> tuple[np.ndarray, str]:
        """Return image `idx`, or with `skip_damaged` the first valid one from there on, and its name."""
        for place in chain(range(idx, len(self)), range(idx)):
            if self.damaged[place]:
                continue
            shard = bisect_right(self._starts, place) - 1
            name, member = self._members(shard)[place - self._starts[shard]]
            try:
                with self._cache.file(self._shards[shard]) as copy:
                    return read_member(name, **{**member, "shard": str(copy)}), name
            except InputError:
                if not self.skip_damaged:
                    raise
                self.damaged[place] = True
        raise InputError(f"{self.folder}: none of its {len(self)} images can be read; check that they are images")

    def _members(self, shard: int) -> list[tuple[str, dict]]:
        """Return the names of the images in a shard, and what `read_member` takes."""
        if shard not in self._lists:
            file = self._shards[shard]
            with self._cache.file(file) as copy:
                found = list_shard(copy)
            where = f"{str(self.place).rstrip('/')}/{file.name}"
            members = [(f"{where}/{name.relative_to(copy)}", member) for name, member in sorted(found.items())]
            if len(members) != self.counts[shard]:
                raise InputError(
                    f"{where}: has {len(members)} images, but {self.counts[shard]} were counted; write {SIZES} again, "
                    "or choose another cache folder"
                )
            self._lists[shard] = members
            if len(self._lists) > _OPEN:
                self._lists.popitem(last=False)
        self._lists.move_to_end(shard)
        return self._lists[shard]


def count_images(cache: ShardCache, shards: Sequence[StoredFile]) -> dict[str, int]:
    """Return how many images each tar file has: from `SIZES`, an earlier count, or by reading them.

    Raises:
        InputError: `SIZES` lacks a tar file or is damaged, or a tar file cannot be read.
    """
    given = cache.place.read(SIZES)
    identity = hashlib.sha256(repr((str(cache.place), shards)).encode()).hexdigest()
    kept = cache.folder / f"sizes-{identity[:32]}.json"
    if given is None and kept.is_file():
        given = kept.read_bytes()
    if given is not None:
        try:
            sizes = json.loads(given)
            return {shard.name: int(sizes[shard.name]) for shard in shards}
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{cache.place}/{SIZES}: does not say how many images {error} has; write it again, or delete it"
            ) from error
    print_log(f"{cache.place}: counting the images of {len(shards)} tar files, once", logger="current")
    with ThreadPoolExecutor(_READERS) as pool:
        counts = list(pool.map(lambda shard: _count(cache.place, shard.name), shards))
    sizes = {shard.name: count for shard, count in zip(shards, counts, strict=True)}
    with atomic_path(kept) as temporary:
        temporary.write_text(json.dumps(sizes))
    return sizes


def _count(place: Place, name: str) -> int:
    if place.is_local:
        return len(list_shard(Path(place.path) / name))
    try:
        with place.open(name) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            return sum(one.isfile() and one.name.lower().endswith(tuple(IMAGE_SUFFIXES)) for one in tar)
    except (tarfile.TarError, OSError, EOFError) as error:
        raise InputError(
            f"{place}/{name}: cannot be read ({error}); expected a tar file that is not compressed"
        ) from error
