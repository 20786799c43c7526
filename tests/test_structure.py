"""The rules of the house that code can check (CONTRIBUTING.md), from the text of the files alone: nothing is imported.

`python -m pytest tests/test_structure.py -s -k graph` prints the numbers of the import graph.
"""

import ast
import re
from pathlib import Path

import pytest

from helpers import REPOSITORY

MAX_LINES = 300
MAX_SUMMARY = 100
# Old word -> the word of the glossary. A `photo.jpg` in an example is a file's name.
WORDS = {
    r"pictures?": "image",
    r"photos?(?!\.\w)": "image",
    r"\w+-manieth": "every N-th",
    r"deviations?": "std",
    r"go(es|ing)? on": "resume, or continue",
    r"bit for bit": "unchanged, or exactly",
    r"(?<!there )is no(?! longer)": "is not",
}
# Where an old word means something else: the framed pictures on the walls of generated rooms.
OTHER_MEANING = {("scene.py", "picture"), ("scene.py", "pictures"), ("textures.py", "picture")}
OTHER_MEANING |= {("benchmark.py", "pictures")}  # an option of depthkit 0.1, which is still accepted

Graph = dict[str, set[str]]


def import_graph(root: Path) -> Graph:
    """Return, for each file of `root`/depthkit by its dotted name, the files of depthkit that it imports.

    All imports count, also those within functions and under TYPE_CHECKING: what two files know of each other is the
    same wherever it is written. Only depthkit/__init__.py counts as importing nothing: it hands names on.
    """
    files = {".".join(path.relative_to(root).with_suffix("").parts): path for path in root.glob("depthkit/**/*.py")}
    files = {name.removesuffix(".__init__"): path for name, path in files.items()}
    graph = {name: imported_names(path, name) & files.keys() - {name} for name, path in files.items()}
    return {**graph, "depthkit": set()}


def imported_names(path: Path, name: str) -> set[str]:
    """Return the modules that a file imports; `from a import b` is a.b if that is a file, and a otherwise."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: a relative import; write the full name"
            is_file = [module_exists(path, name, f"{node.module}.{alias.name}") for alias in node.names]
            names |= {f"{node.module}.{alias.name}" for alias, yes in zip(node.names, is_file, strict=True) if yes}
            names |= {node.module} if not all(is_file) else set()
    return names


def module_exists(path: Path, name: str, imported: str) -> bool:
    depth = len(name.split(".")) - (path.name != "__init__.py")
    root = path.parents[depth]
    target = root.joinpath(*imported.split("."))
    return target.with_suffix(".py").is_file() or (target / "__init__.py").is_file()


def reachable(graph: Graph, start: str) -> set[str]:
    """Return all that importing `start` runs: what it imports, the packages these lie in, and so on."""
    seen, waiting = set(), [start]
    while waiting:
        name = waiting.pop()
        if name not in seen and name in graph:
            seen.add(name)
            parts = name.split(".")
            waiting += [*graph[name], *(".".join(parts[:i]) for i in range(1, len(parts)))]
    return seen - {start}


def find_cycles(graph: Graph) -> list[list[str]]:
    """Return the groups of files that import each other, directly or through others."""
    closure = {name: set(direct) for name, direct in graph.items()}
    for middle in graph:
        for direct in closure.values():
            if middle in direct:
                direct |= closure[middle]
    groups = {tuple(sorted(b for b in graph if b in closure[a] and a in closure[b])) for a in graph}
    return sorted(list(group) for group in groups if len(group) > 1)


def count_layers(graph: Graph) -> int:
    """Return how many files the longest chain of imports has; the files of a cycle stand side by side."""
    cycles = find_cycles(graph)
    group = {name: tuple(cycle) for cycle in cycles for name in cycle}
    height: dict[str, int] = {}

    def height_of(name: str) -> int:
        if name not in height:
            together = group.get(name, (name,))
            below = {target for member in together for target in graph[member]} - set(together)
            height.update(dict.fromkeys(together, 1 + max(map(height_of, sorted(below)), default=0)))
        return height[name]

    return max(map(height_of, graph))


def describe(graph: Graph) -> str:
    """Return the graph's numbers, and its cycles by name."""
    cycles = find_cycles(graph)
    numbers = f"{len(graph)} files, {count_layers(graph)} layers, {sum(map(len, graph.values()))} edges"
    return "\n".join([f"{numbers}, cycles: {len(cycles)}", *("  " + " <-> ".join(cycle) for cycle in cycles)])


def check(rule: str, broken: list[str]) -> None:
    assert not broken, f"{rule}: {len(broken)} places\n" + "\n".join(broken)


@pytest.fixture(scope="module")
def graph() -> Graph:
    return import_graph(REPOSITORY)


def lines(*patterns: str) -> list[tuple[Path, int, str]]:
    """Return (path in the repository, number, text) of every line of the files that match."""
    return [
        (path.relative_to(REPOSITORY), number, line)
        for pattern in patterns
        for path in sorted(REPOSITORY.glob(pattern))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    ]


def test_the_numbers_of_the_graph(graph) -> None:
    """Also a check of the checks: a package that is not found would keep every rule."""
    print("\n" + describe(graph))
    assert len(graph) > 80
    assert "depthkit.models.layers.selector" in graph["depthkit.models.layers.blocks"]
    assert "depthkit.errors" in reachable(graph, "depthkit.apis.predictor")


def test_cycles_and_layers_are_counted() -> None:
    graph = {"a": {"b"}, "b": {"c", "d"}, "c": {"b"}, "d": set(), "e": {"a"}}
    assert find_cycles(graph) == [["b", "c"]]
    assert count_layers(graph) == 4
    assert describe(graph) == "5 files, 4 layers, 5 edges, cycles: 1\n  b <-> c"


def test_only_tools_and_commands_import_the_analysis(graph) -> None:
    allowed = ("depthkit.analysis", "depthkit.cli")
    importers = {name: [t for t in targets if t.startswith("depthkit.analysis")] for name, targets in graph.items()}
    check("analysis", [f"{name} imports {t}" for name, t in importers.items() if t and not name.startswith(allowed)])


def test_predicting_needs_no_engine(graph) -> None:
    check("engine", sorted(n for n in reachable(graph, "depthkit.apis.predictor") if n.startswith("depthkit.engine")))


def test_layers_import_none_of_their_siblings(graph) -> None:
    layers = "depthkit.models.layers"
    targets = {(name, target) for name in graph if name.startswith(layers) for target in graph[name]}
    outside = [(n, t) for n, t in sorted(targets) if t.startswith("depthkit.models") and not t.startswith(layers)]
    check("layers", [f"{name} imports {target}" for name, target in outside])


def test_no_files_import_each_other(graph) -> None:
    check("cycles", [" <-> ".join(cycle) for cycle in find_cycles(graph)])


def test_no_file_is_long() -> None:
    files = [path for folder in ("depthkit", "tools", "configs") for path in (REPOSITORY / folder).rglob("*.py")]
    length = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    check("length", [f"{path}: {n} lines, at most {MAX_LINES}" for path, n in length.items() if n > MAX_LINES])


def test_summary_lines_are_short() -> None:
    files = [path for folder in ("depthkit", "tools") for path in (REPOSITORY / folder).rglob("*.py")]
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    summaries = [
        (path.relative_to(REPOSITORY), (ast.get_docstring(node) or "").partition("\n")[0])
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, documented)
    ]
    long = [f"{path}: {len(line)} characters: {line}" for path, line in summaries if len(line) > MAX_SUMMARY]
    check("summaries", long)


def test_the_tests_mirror_the_package() -> None:
    """A folder of depthkit has a folder or a file in tests, a folder of tests one in depthkit; tools has its own."""
    folders = {path.parent.relative_to(REPOSITORY / "depthkit") for path in REPOSITORY.glob("depthkit/*/**/*.py")}
    tests = REPOSITORY / "tests"
    broken = [
        f"depthkit/{folder}: neither tests/{folder}/ nor tests/{folder.parent}/test_{folder.name}.py"
        for folder in sorted(folders)
        if not (any((tests / folder).glob("test_*.py")) or (tests / folder.parent / f"test_{folder.name}.py").is_file())
    ]
    tested = {path.parent.relative_to(tests) for path in tests.glob("*/**/test_*.py")}
    broken += [f"tests/{folder}: no depthkit/{folder}/" for folder in sorted(tested - folders - {Path("tools")})]
    check("mirror", broken)


def test_the_pseudocode_of_the_page_is_the_code_of_the_test() -> None:
    page = (REPOSITORY / "docs" / "tosa.md").read_text(encoding="utf-8")
    shown = re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]
    assert shown.startswith("def reference_forward")
    assert shown in (REPOSITORY / "tests" / "models" / "backbones" / "test_tosa.py").read_text(encoding="utf-8")


def test_links_between_the_pages_lead_somewhere() -> None:
    pages = [path for folder in (".", "docs", "data", "configs") for path in (REPOSITORY / folder).glob("*.md")]
    links = [(page, link) for page in pages for link in re.findall(r"\]\((?!http)([^)#]+)", page.read_text("utf-8"))]
    assert len(links) > 10
    check("links", [f"{page}: {link}" for page, link in links if not (page.parent / link).exists()])


def test_one_word_for_one_thing() -> None:
    found = [
        f"{path}:{number}: {match[0]!r}, write {better!r}: {line.strip()}"
        for path, number, line in lines("depthkit/**/*.py", "configs/**/*.py", "tools/**/*.py")
        for word, better in WORDS.items()
        for match in re.finditer(rf"(?<![^\W_])(?<![/.])({word})(?!\w)", line, re.IGNORECASE)
        if (path.name, match[0].lower()) not in OTHER_MEANING
    ]
    check("words", found)
