import tarfile

import pytest

from depthkit.distributed.plan import make_plan
from depthkit.distributed.readers import find_image_column, read_unit
from depthkit.errors import InputError


def read(address, column=None) -> list[tuple[str, bytes | str]]:
    plan = make_plan(str(address), 100)
    found = []
    for image in read_unit(plan.folder, plan.form, plan.units[0], column):
        try:
            found.append((image.name, image.read()))
        except InputError as error:
            found.append((image.name, str(error)))
    return found


def test_the_three_forms_have_the_same_images(images, tar, parquet) -> None:
    files = {name: content for name, content in read(images)}
    assert files == {name: (images / name).read_bytes() for name in files} and len(files) == 7
    assert {name.removeprefix("all/"): content for name, content in read(tar)} == files
    rows = read(parquet)
    assert [content for _, content in rows[:-1]] == [files[name] for name in sorted(files)]
    assert rows[0][0] == "0.parquet#0 a.png" and rows[-1] == ("0.parquet#7", "0.parquet#7: is empty; expected an image")


def test_a_tar_file_may_be_compressed(images, tmp_path) -> None:
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as file:
        file.add(images / "a.png", arcname="a.png")
    assert read(tmp_path / "x.tar.gz") == [("a.png", (images / "a.png").read_bytes())]


def test_an_image_that_went_away_is_its_own_error(images) -> None:
    plan = make_plan(str(images), 100)
    (images / "a.png").unlink()
    first, second, *_ = read_unit(plan.folder, plan.form, plan.units[0], None)
    with pytest.raises(InputError, match="a.png: cannot be read"):
        first.read()
    assert second.read() == (images / "b.png").read_bytes()


@pytest.mark.parametrize("damage", ["cut", "foreign", "empty"])
@pytest.mark.parametrize("form", ["tar", "parquet"])
def test_a_damaged_file_is_one_sentence(tar, parquet, damage, form) -> None:
    path = tar if form == "tar" else parquet
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) // 2 + 100], "foreign": b"words " * 400, "empty": b""}[damage])
    with pytest.raises(InputError, match=rf"{path.name}: cannot be read .*; expected a (tar|Parquet) file"):
        read(path)


def test_which_column_has_the_images() -> None:
    import pyarrow

    binary, struct = pyarrow.binary(), pyarrow.struct([("bytes", pyarrow.large_binary()), ("path", pyarrow.string())])
    one = pyarrow.schema([("label", pyarrow.int64()), ("image", struct)])
    two = pyarrow.schema([("image", struct), ("depth", binary)])
    assert find_image_column(one, "x", None) == "image" and find_image_column(two, "x", "depth") == "depth"
    for schema, column, message in (
        (two, None, "several columns may have the images; it has the columns image, depth; name one by --image-column"),
        (two, "jpg", "has no column 'jpg' of images"),
        (one, "label", "has no column 'label' of images"),
        (pyarrow.schema([("label", pyarrow.int64())]), None, "has no column of images"),
    ):
        with pytest.raises(InputError, match=message):
            find_image_column(schema, "x", column)
