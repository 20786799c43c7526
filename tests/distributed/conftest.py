import tarfile
from pathlib import Path

import numpy as np
import pytest

from depthkit.utils.io import write_rgb


@pytest.fixture(autouse=True)
def needs_pyarrow() -> None:
    pytest.importorskip("pyarrow", reason="needs the extra [ray]")


def write_images(folder: Path, names: list[str]) -> None:
    """Write images that differ; the red value of each is its place in the list."""
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_rgb(path, np.full((4 + i % 3, 6, 3), i + 1, np.uint8))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Seven images in a folder and a subfolder, one of them damaged, and a file that is something else."""
    folder = tmp_path / "images"
    write_images(folder, ["a.png", "b.png", "sub/a.png", "sub/a.b.png", "sub/a.jpg", "z.png"])
    (folder / "damaged.jpg").write_bytes(b"not an image")
    (folder / "notes.txt").write_text("not an image")
    return folder


@pytest.fixture
def tar(images: Path, tmp_path: Path) -> Path:
    """The same images in a tar file."""
    path = tmp_path / "tars" / "00000.tar"
    path.parent.mkdir()
    with tarfile.open(path, "w") as file:
        file.add(images, arcname="all")
    return path


@pytest.fixture
def parquet(images: Path, tmp_path: Path) -> Path:
    """The same images in a Parquet file, as Hugging Face's datasets writes them; one row has none."""
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra [ray]")
    from pyarrow import parquet as files

    found = sorted(path for path in images.rglob("*") if path.suffix in (".png", ".jpg"))
    rows = [{"bytes": path.read_bytes(), "path": path.name} for path in found]
    kind = pyarrow.struct([("bytes", pyarrow.binary()), ("path", pyarrow.string())])
    table = {"image": pyarrow.array([*rows, None], kind), "label": list(range(len(rows) + 1))}
    path = tmp_path / "tables" / "0.parquet"
    path.parent.mkdir()
    files.write_table(pyarrow.table(table), path)
    return path
