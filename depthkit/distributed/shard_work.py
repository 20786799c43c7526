"""The work of one predictor: a unit of images in, a complete shard of results and its record out."""

import hashlib
import json
import math
import secrets
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from depthkit.apis.focal import FocalRequest
from depthkit.apis.image_source import SourceImage, read_source
from depthkit.apis.result import DepthResult
from depthkit.apis.result_files import output_paths
from depthkit.apis.saved_prediction import describe_saved
from depthkit.distributed.in_order import in_order
from depthkit.distributed.plan import Form, Format, Unit, shard_name
from depthkit.distributed.readers import StoredImage, read_unit
from depthkit.distributed.shard_files import open_shard
from depthkit.errors import InputError
from depthkit.utils.image_decoding import open_content
from depthkit.utils.input_files import MAX_PIXELS
from depthkit.utils.io import MILLIMETRES_PER_METRE
from depthkit.utils.storage import Place

if TYPE_CHECKING:
    from depthkit.apis.predictor import DepthPredictor

RECORDS = "_records"  # folder in the output; a shard is finished when its record is there
ATTEMPTS = "_attempts"  # folder in the output: how often a unit was begun
_BATCH_PIXELS = 32_000_000  # of the images that go through the network together
_LARGE_FILE = 8 * 2**20  # [bytes], of an image that is decoded only when it is its turn
_LARGE = 16_000_000  # [px], of such an image


@dataclass(frozen=True)
class Record:
    """A finished shard of results.

    Attributes:
        shard: its file.
        number: of the shard.
        sources: the files that its images came from; of single images the first and the last.
        source_bytes: size of all these files.
        source_state: `Unit.state`, as it was.
        images: how many results are in it: one for each image.
        errors: how many of them say why an image could not be predicted.
        bytes: size of the file.
        sha256: of the file.
        seconds: [s], how long it took.
    """

    shard: str
    number: int
    sources: tuple[str, ...]
    source_bytes: int
    source_state: str
    images: int
    errors: int
    bytes: int
    sha256: str
    seconds: float


@dataclass(frozen=True)
class Work:
    """What is to be done with each unit.

    Attributes:
        folder: of the data set.
        form: of its files.
        column: of Parquet files that has the images; None: the only one that can.
        output: folder of the results.
        format: of the shards of results.
        outputs: what to write for each image, see `choose_outputs`; None: 16-bit depth, of a relative model disparity.
        focal: focal length [px] of all images, ``exif`` or None, as of `DepthPredictor`.
        batch_size: how many images go through the network together.
        threads: that read and write beside it.
        max_pixels: an image that has more is decoded with a reduction, and so is its result.
        run: of the command, for the count of attempts.
        attempts: how often a unit may be begun in a run; more often, something in it ends its process each time.
    """

    folder: Place
    form: Form
    column: str | None
    output: Place
    format: Format
    outputs: tuple[str, ...] | None
    focal: FocalRequest
    batch_size: int
    threads: int
    max_pixels: int = MAX_PIXELS
    run: str = field(default_factory=lambda: secrets.token_hex(4))
    attempts: int = 4


def read_record(output: Place, number: int, format: Format) -> Record | None:
    """Return the record of a shard; None if it is not finished, or its record is not one.

    Raises:
        InputError: the output cannot be read.
    """
    content = output.read(record_name(number, format))
    try:
        found = None if content is None else json.loads(content)
        return None if found is None else Record(**{**found, "sources": tuple(found["sources"])})
    except (ValueError, TypeError, KeyError):
        return None


def is_valid(record: Record, unit: Unit, size: int | None) -> bool:
    """Tell whether a record is of a unit's files as they are now, and of a shard of `size` [bytes]."""
    return record.bytes == size and record.source_state == unit.state


def record_name(number: int, format: Format) -> str:
    """Return where in the output the record of a shard is."""
    return f"{RECORDS}/{Path(shard_name(number, format)).stem}.json"


def work_on(unit: Unit, predictor: "DepthPredictor", work: Work) -> Record:
    """Predict the images of a unit, and write their shard of results and then its record.

    A unit that is finished already, by a process that was lost before it could say so, is not done again. Two processes
    that work on the same unit write the same names, so there is one result for each image whatever happens.

    Raises:
        InputError: a tar or Parquet file of the data set cannot be read, the results cannot be written, or the unit was
            begun too often. An image that cannot be read is a result with the status ``error``.
    """
    done = read_record(work.output, unit.number, work.format)
    shard = None if done is None else work.output.file(done.shard)
    if shard is not None and is_valid(done, unit, shard.size):
        return done
    _count_attempt(unit, work)
    started = time.monotonic()
    name = shard_name(unit.number, work.format)
    with tempfile.TemporaryDirectory(prefix="depthkit-") as folder:
        path = Path(folder) / name
        images, errors = _write_shard(path, unit, predictor, work)
        sources = unit.files if len(unit.files) < 3 else (unit.files[0], unit.files[-1])
        sha256, size = _hash(path), path.stat().st_size
        work.output.write(name, path)
    seconds = round(time.monotonic() - started, 3)
    record = Record(name, unit.number, sources, unit.size, unit.state, images, errors, size, sha256, seconds)
    work.output.write(record_name(unit.number, work.format), json.dumps(asdict(record)).encode())
    return record


def _count_attempt(unit: Unit, work: Work) -> None:
    name = f"{ATTEMPTS}/{work.run}/{unit.number}"
    before = int(work.output.read(name) or 0)
    if before >= work.attempts:
        raise InputError(
            f"the process that worked on it was lost {before} times; one of its images may end it, or it needs more "
            "memory than there is"
        )
    work.output.write(name, str(before + 1).encode())


def _write_shard(path: Path, unit: Unit, predictor: "DepthPredictor", work: Work) -> tuple[int, int]:
    """Write the shard to a file of this machine; return how many images it has, and how many are errors."""
    outputs = work.outputs or ("depth" if predictor.kind == "metric" else "disparity",)
    endings = [_ending(file) for file in output_paths("", "", predictor.kind, outputs).values()]
    shard, images, errors = open_shard(path, work.format, endings), 0, 0
    try:
        with ThreadPoolExecutor(work.threads) as pool:
            ahead = work.threads + work.batch_size
            stored = read_unit(work.folder, work.form, unit, work.column)
            decoded = in_order(pool, lambda one: _decode(one, work.max_pixels), stored, ahead)
            predicted = _predict_all(decoded, predictor, work)
            encoded = in_order(pool, lambda one: _encode(*one, outputs), predicted, ahead, _count, _BATCH_PIXELS)
            for name, row, files in encoded:
                shard.add(name, row, files)
                images += 1
                errors += row["status"] == "error"
    finally:
        shard.close()
    return images, errors


_Decoded = tuple[str, Callable[[], SourceImage]]  # an image, and what returns it or raises InputError


def _decode(stored: StoredImage, max_pixels: int) -> _Decoded:
    """Read and decode an image; one of many pixels only when it is its turn, so that no two are in memory."""
    try:
        content = stored.read()
        with open_content(content, stored.name, reduced=True) as opened:
            is_large = math.prod(opened.size) > _LARGE
        if is_large or len(content) > _LARGE_FILE:
            return stored.name, lambda: read_source(content, stored.name, max_pixels)
        image = read_source(content, stored.name, max_pixels)
        return stored.name, lambda: image
    except InputError as error:
        failed = error

        def fail() -> SourceImage:
            raise failed

        return stored.name, fail


def _batches(decoded: Iterable[_Decoded], size: int) -> Iterator[list[tuple[str, SourceImage | InputError]]]:
    """Put images together, `size` or `_BATCH_PIXELS` of them."""
    batch, pixels = [], 0
    for name, take in decoded:
        try:
            image = take()
            pixels += image.rgb.shape[0] * image.rgb.shape[1]
        except InputError as error:
            image = error
        batch.append((name, image))
        del image, take
        if len(batch) >= size or pixels >= _BATCH_PIXELS:
            yield batch
            batch, pixels = [], 0
    if batch:
        yield batch


def _predict_all(
    decoded: Iterable[_Decoded], predictor: "DepthPredictor", work: Work
) -> Iterator[tuple[str, DepthResult | InputError]]:
    """Predict images; nothing of one whose result was yielded is held here."""
    for batch in _batches(decoded, work.batch_size):
        results = deque(_predict(batch, predictor, work))
        batch.clear()
        while results:
            yield results.popleft()


def _count(predicted: tuple[str, DepthResult | InputError]) -> int:
    """Return the pixels of a result."""
    return 0 if isinstance(predicted[1], InputError) else predicted[1].values.size


def _predict(
    batch: Sequence[tuple[str, SourceImage | InputError]], predictor: "DepthPredictor", work: Work
) -> list[tuple[str, DepthResult | InputError]]:
    """Predict what can be predicted of a batch."""
    images = [image for _, image in batch if not isinstance(image, InputError)]
    try:
        results = predictor(images, work.focal, max(1, len(images)))
    except InputError:  # of one of them: its focal length is missing, or impossible
        results = [_predict_one(image, predictor, work) for image in images]
    left = iter(results)
    return [(name, image if isinstance(image, InputError) else next(left)) for name, image in batch]


def _predict_one(image: SourceImage, predictor: "DepthPredictor", work: Work) -> DepthResult | InputError:
    try:
        return predictor([image], work.focal)[0]
    except InputError as error:
        return error


def _encode(name: str, result: DepthResult | InputError, outputs: Sequence[str]) -> tuple[str, dict, dict[str, bytes]]:
    """Return the row of an image, and the files that `depthkit predict` writes, by their endings."""
    if isinstance(result, InputError):
        return name, {"status": "error", "error": str(result)}, {}
    with tempfile.TemporaryDirectory(prefix="depthkit-") as folder:
        saved = result.save(folder, "", outputs)
        files = {_ending(path): path.read_bytes() for path in saved.paths.values()}
    told = asdict(describe_saved(Path(name), result, saved, classes=False))
    for name_in_row in ("image", "files", "color_range", "classes"):
        del told[name_in_row]
    height, width = result.size
    scale = {"png_units_per_metre": MILLIMETRES_PER_METRE} if "depth_png" in saved.paths else {}
    return name, {"status": "ok", "height": height, "width": width, **scale, **told}, files


def _ending(path: Path) -> str:
    return path.name.removeprefix("_")


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()
