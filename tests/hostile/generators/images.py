"""Images: damaged, of odd kinds, with headers that lie, and what is not a file."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from ..case import ACCEPTED, EITHER, REFUSED, Attempt, case
from ..damage import damage, replace_by_something_else

FORMATS = {"png": "PNG", "jpg": "JPEG", "tiff": "TIFF", "webp": "WEBP", "bmp": "BMP", "ppm": "PPM"}


def encoded(image: Image.Image, file_format: str, **settings) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **settings)
    return stream.getvalue()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, bits: int = 8, color: int = 0, data: bytes = b"", more: bytes = b"") -> bytes:
    """Return a PNG whose header says this size, whatever its data are."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@case("images", EITHER + "the damage lies in bytes that a decoder does not check")
def damaged(folder, rng, assets):
    suffix = rng.choice(list(FORMATS))
    with Image.open(assets.path("image.png")) as image:
        data = encoded(image, FORMATS[suffix])
    (folder / f"a.{suffix}").write_bytes(damage(data, rng))
    return assets.predict(f"a.{suffix}")


@case("images", EITHER + "the damage lies in bytes that a decoder does not check, or other images can be read")
def damaged_for_other_commands(folder, rng, assets):
    with Image.open(assets.path("image.png")) as image:
        for index in range(rng.choice([1, 3])):
            suffix = rng.choice(list(FORMATS))
            data = encoded(image, FORMATS[suffix])
            (folder / f"{index}.{suffix}").write_bytes(damage(data, rng) if index == 0 else data)
    if rng.random() < 0.3:
        replace_by_something_else(folder / "x.png", rng)
    names = sorted(path.name for path in folder.iterdir())
    if rng.random() < 0.5:
        return ["tokens", *names, "--weights", assets.weights, "--out", "out", "--device", "cpu"]
    return ["evaluate-selection", "--images", *names, "--weights", assets.weights, "--device", "cpu"]


@case("images")
def not_a_file(folder, rng, assets):
    replace_by_something_else(folder / "a.png", rng)
    return assets.predict("a.png")


@case("images")
def not_a_file_beside_a_valid_one(folder, rng, assets):
    assets.copy("image.png", folder)
    what = replace_by_something_else(folder / "in" / "a.png", rng)
    argv = assets.predict(*rng.choice([("in/a.png", "image.png"), ("image.png", "in")]))
    return Attempt(argv, EITHER + "a link to a folder stands for the images there" if what == "loop" else REFUSED)


@case("images")
def not_a_file_among_those_of_a_config(folder, rng, assets):
    what = rng.choice(["config", "weights"])
    name = "c.py" if what == "config" else rng.choice(["w.pth", "w.safetensors"])
    replace_by_something_else(folder / name, rng)
    if what == "weights":
        return ["predict", assets.path("image.png"), "--weights", name, "--out", "out", "--device", "cpu"]
    return ["test", assets.weights, "--config", name, "--device", "cpu"]


@case("images")
def text_with_the_suffix_of_an_image(folder, rng, assets):
    name = f"a.{rng.choice(list(FORMATS))}"
    text = rng.choice(
        ["<html>404 Not Found</html>", "version https://git-lfs.github.com/spec/v1\n", "P5\n-1 -1\n255\n"]
    )
    (folder / name).write_text(text + "x" * rng.randrange(200))
    return assets.predict(name)


@case("images", EITHER + "the size is one that memory has room for and the data are there")
def bytes_after_a_magic_number(folder, rng, assets):
    starts = [
        b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"RIFF\x40\0\0\0WEBPVP8 ",
        b"BM", b"GIF89a", b"P6\n64 64\n255\n", b"P4\n64 64\n", b"Pf\n8 8\n-1.0\n", b"\0\0\x01\0", b"8BPS\0\x01",
        b"\0\0\0\x0cjP  \r\n\x87\n", b"DDS |\0\0\0", b"qoif", b"\x93NUMPY", b"SIMPLE  =                    T", b"%!PS",
    ]  # fmt: skip
    name = f"a.{rng.choice(list(FORMATS))}"
    (folder / name).write_bytes(rng.choice(starts) + rng.randbytes(rng.choice([0, 10, 100, 3000])))
    return assets.predict(name)


@case("images")
def a_header_of_a_huge_image(folder, rng, assets):
    sides = rng.choice([(60_000, 60_000), (2**31 - 1, 2**31 - 1), (10**6, 1000), (1, 2**31 - 1), (50_000, 20_000)])
    kind = rng.choice(["png", "png", "ppm", "bmp", "tiff", "jpg", "webp"])
    width, height = sides
    if kind == "png":
        bits, color = rng.choice([(1, 0), (8, 2), (16, 2), (16, 0), (8, 6), (8, 3)])
        more = chunk(b"PLTE", bytes(768)) if color == 3 else b""
        data = png(width, height, bits, color, zlib.compress(bytes(10_000)), more)
    elif kind == "ppm":
        data = b"%s\n%d %d\n255\n" % (rng.choice([b"P5", b"P6"]), width, height) + bytes(1000)
    elif kind == "bmp":
        info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, rng.choice([1, 8, 24, 32]), 0, 0, 1, 1, 0, 0)
        data = b"BM" + struct.pack("<IHHI", 1000, 0, 0, 54) + info + bytes(900)
    elif kind == "tiff":
        data = encoded(Image.new("L", (8, 8)), "TIFF")
        ifd = struct.unpack("<I", data[4:8])[0]
        changed = bytearray(data)
        for entry in range(struct.unpack("<H", data[ifd : ifd + 2])[0]):
            place = ifd + 2 + 12 * entry
            if (tag := struct.unpack("<H", data[place : place + 2])[0]) in (256, 257, 278):
                value = width if tag == 256 else height
                changed[place + 2 : place + 12] = struct.pack("<HII", 4, 1, value)
        data = bytes(changed)
    elif kind == "jpg":
        data = bytearray(encoded(Image.new("RGB", (8, 8)), "JPEG"))
        place = data.index(b"\xff\xc0") + 5
        data[place : place + 4] = struct.pack(">HH", 65_500, 65_500)
    else:
        data = b"RIFF\xff\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff" + bytes(200)
    (folder / f"a.{kind}").write_bytes(data)
    return assets.predict(f"a.{kind}")


@case("images", EITHER + "it has no more pixels than the limit", heavy=True)
def a_bomb(folder, rng, assets):
    """A few hundred kilobytes that are many pixels: all of them are there."""
    bits, color = rng.choice([(1, 0), (8, 0), (8, 2), (16, 2), (2, 3)])
    width, height = rng.choice([(13_700, 13_650), (15_800, 11_850), (95_000, 2_000), (20_000, 20_000)])
    channels = {0: 1, 2: 3, 3: 1}[color]
    compressor = zlib.compressobj(9)
    row = bytes(1 + (width * bits * channels + 7) // 8)
    data = b"".join(compressor.compress(row) for _ in range(rng.choice([height, 50]))) + compressor.flush()
    more = chunk(b"PLTE", bytes(12)) if color == 3 else b""
    (folder / "a.png").write_bytes(png(width, height, bits, color, data, more))
    return assets.predict("a.png")


@case("images")
def a_bomb_of_text(folder, rng, assets):
    """Text chunks and profiles that grow when they are unpacked."""
    packed = zlib.compress(bytes(200_000_000), 9)
    name = rng.choice([b"zTXt", b"iCCP", b"iTXt"])
    text = b"a\0\0" + packed if name != b"iTXt" else b"a\0\1\0\0\0" + packed
    (folder / "a.png").write_bytes(png(64, 64, 8, 0, zlib.compress(bytes(65 * 64)), chunk(name, text)))
    return Attempt(assets.predict("a.png"), EITHER + "the text is left aside")


@case("images", ACCEPTED + "the image has all its pixels; only its description is odd")
def odd_exif(folder, rng, assets):
    with Image.open(assets.path("image.png")) as image:
        exif = Image.Exif()
        exif[274] = rng.choice([0, 3, 6, 9, 255])
        values = [0, -1, 2**31, (1, 0), (0, 0), "text", float("nan"), 10**9]
        exif.get_ifd(34665)[rng.choice([41989, 37386, 41486])] = rng.choice(values[:3])
        try:
            data = encoded(image, "JPEG", exif=exif)
        except Exception:  # Pillow itself will not write it
            data = encoded(image, "JPEG")
    start = data.find(b"Exif\0\0")
    if start > 0 and rng.random() < 0.5:
        noise = bytearray(data)
        for _ in range(rng.randint(1, 10)):
            noise[start + 14 + rng.randrange(30)] ^= 1 << rng.randrange(8)
        data = bytes(noise)
    (folder / "a.jpg").write_bytes(data)
    return assets.predict("a.jpg")


@case("images", EITHER + "its values have a known range")
def odd_modes(folder, rng, assets):
    mode = rng.choice(["1", "L", "LA", "P", "PA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16", "RGBA"])
    image = Image.new(mode, (rng.choice([1, 7, 64]), rng.choice([1, 5, 64])))
    image.save(folder / "a.tiff") if mode not in ("PA", "HSV") else image.convert("RGBA").save(folder / "a.tiff")
    return assets.predict("a.tiff")


@case("images", ACCEPTED + "one row or one column is an image")
def thin(folder, rng, assets):
    length = rng.choice([1, 2, 15, 17, 500, 5000])
    shape = rng.choice([(1, length), (length, 1)])
    values = np.random.default_rng(rng.randrange(2**31)).integers(0, 256, (*shape, 3), dtype=np.uint8)
    Image.fromarray(values).save(folder / "a.png")
    return assets.predict("a.png")


@case("images", EITHER + "the first frame is an image")
def many_frames(folder, rng, assets):
    frames = [Image.new("RGB", (16, 16), (index % 256, 0, 0)) for index in range(rng.choice([2, 100]))]
    suffix, file_format = rng.choice([("tiff", "TIFF"), ("webp", "WEBP"), ("png", "PNG"), ("gif", "GIF")])
    data = encoded(frames[0], file_format, save_all=True, append_images=frames[1:])
    (folder / f"a.{suffix}").write_bytes(damage(data, rng) if rng.random() < 0.7 else data)
    return assets.predict(f"a.{suffix}")


@case("images", EITHER + "the tag does not matter for the pixels")
def tiff_with_changed_tags(folder, rng, assets):
    with Image.open(assets.path("image.png")) as image:
        data = bytearray(encoded(image, "TIFF", compression=rng.choice([None, "tiff_lzw", "tiff_deflate", "packbits"])))
    ifd = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[ifd : ifd + 2])[0]
    for _ in range(rng.randint(1, 3)):
        place = ifd + 2 + 12 * rng.randrange(count)
        part = rng.choice([(0, 2), (2, 4), (4, 8), (8, 12)])
        data[place + part[0] : place + part[1]] = rng.choice([b"\xff", b"\0", b"\x01"]) * (part[1] - part[0])
    (folder / "a.tif").write_bytes(data)
    return assets.predict("a.tif")
