"""Split lists: odd bytes, odd columns, paths that lead elsewhere."""

from ..case import EITHER, REFUSED, Attempt, case
from ..damage import damage, replace_by_something_else

FOLDER = "type='RGBDFolder', data_root='rgbd', depth_scale=1000, split='test'"
SYNC = "type='NYUDepthV2', data_root='nyu_sync', split='test'"


def list_of(folder, rng, assets):
    """Copy a data set; return its list and the command that reads it."""
    name, dataset = rng.choice([("rgbd", FOLDER), ("nyu_sync", SYNC)])
    return assets.copy(name, folder) / "test.txt", assets.test_on(folder, dataset)


@case("lists", EITHER + "what is left are lines with files that exist")
def damaged(folder, rng, assets):
    path, command = list_of(folder, rng, assets)
    path.write_bytes(damage(path.read_bytes(), rng))
    return command


@case("lists")
def not_a_file(folder, rng, assets):
    path, command = list_of(folder, rng, assets)
    replace_by_something_else(path, rng)
    return command


@case("lists")
def an_odd_line(folder, rng, assets):
    path, command = list_of(folder, rng, assets)
    lines = path.read_text().splitlines()
    first, second = lines[0].split()[:2]
    odd = [
        f"{first} {second} 518.8 more", f"{first} {second} abc", f"{first} {second} -5", f"{first} {second} nan",
        f"{first} {second} 0", f"{first} {second} 1e400", f"{second}", f"{first} nowhere.png 518",
        f"../{first} {second} 5",
        f"{first} ../../x.png 518.8", "/etc/passwd /etc/passwd 518.8", f"{first}\\{second}", f"{first},{second},518.8",
        f"{first} {second}\0 518.8", "\0" * 50, f"{first} / 518.8", f"{first} . 518.8", f"{'a' * 5000} {second} 518.8",
        f"{first} {'a/' * 3000}x 518.8", f"# {first} {second}", f"~ {second} 518.8", "$HOME $HOME 1",
        f"{first} rgb 518.8",
        f"{first} {first} 518.8", "\u202e\u0000 \u2028x 1", f"{first} {second} 5_18", f"{first} {second} ∞",
    ]  # fmt: skip
    line = rng.choice(odd)
    lines.insert(rng.randrange(len(lines) + 1), line)
    path.write_text("\n".join(lines), encoding="utf-8")
    # Python reads 5_18 as the number 518.
    return Attempt(command, EITHER + "the number is one to Python" if "5_18" in line else REFUSED)


@case("lists")
def other_encodings(folder, rng, assets):
    path, command = list_of(folder, rng, assets)
    text = path.read_text()
    way = rng.choice(["utf-16", "utf-32", "latin-1", "bytes", "gzip"])
    if way == "latin-1":
        path.write_bytes(text.replace("rgb", "räb").encode("latin-1"))
    elif way == "bytes":
        path.write_bytes(rng.randbytes(2000))
    elif way == "gzip":
        import gzip

        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_bytes(text.encode(way))
    return command


@case("lists", EITHER + "the pairs are there, however often")
def long_lists(folder, rng, assets):
    path, command = list_of(folder, rng, assets)
    line = path.read_text().splitlines()[0]
    way = rng.choice(["many missing", "one line", "blank", "zeros"])
    if way == "many missing":
        path.write_text("".join(f"rgb/{i}.png depth/{i}.png 518.8\n" for i in range(200_000)))
    elif way == "one line":
        path.write_text((line + " ") * 100_000)
    elif way == "blank":
        path.write_text("\n" * 1_000_000 + line)
    else:
        path.write_bytes(bytes(20_000_000))
    return command


@case("lists")
def a_huge_list(folder, rng, assets):
    path, command = list_of(folder, rng, assets)
    with path.open("wb") as file:
        file.truncate(20 * 2**30)  # sparse: it takes no space
    return command
