"""Configs as programs: that do not run, that hold what is not plain data, and bases that are none."""

from ..case import ACCEPTED, EITHER, Attempt, case
from ..damage import damage


def _train(folder, text, *options):
    (folder / "c.py").write_bytes(text if isinstance(text, bytes) else text.encode())
    return ["train", "c.py", "--out", "work", "--device", "cpu", *options]


def _based(assets, lines):
    return f"_base_ = {str(assets.config)!r}\n{lines}\n"


PROGRAMS = (
    "import sys; sys.exit(0)", "import sys; sys.exit()", "exit()", "quit(0)", "raise SystemExit",
    "raise KeyboardInterrupt",
    "raise SystemExit(0)", "raise BaseException", "raise GeneratorExit", "raise Exception", "raise ValueError",
    "raise ValueError('a\\nb')", "1 / 0", "undefined", "import nothing_of_this_name", "from os import nothing",
    "assert False", "x = [", "x = 1 +", "def f(:", "  x = 1\n y = 2", "return 1", "yield 1", "await x",
    "\tx = 1\n  y = 2",
    "x = '\\ud800'", "f = lambda: f()\nf()", "def f(): return f()\nf()", "x = 10 ** 10 ** 10 ** 0.5 + undefined",
    "__builtins__ = None\nx = len([])", "open('/nonexistent/file')", "break", "x: int", "import *",
    "x = int('9' * 5000)", "a, b = 1", "x = f'{undefined}'", "nonlocal x", "from __future__ import nothing",
    "{{ nothing }}", "{{ _base_.nothing }}", "x = {{ fileDirname }}", "class A:\n    1 / 0",
    "with open('c.py') as f: f.nothing",
    "import os; os.chdir('/nonexistent')", "exec('x = ')", "eval('1 +')", "raise MemoryError", "raise RecursionError",
    "raise StopIteration", "raise UnicodeError", "raise OSError(28, 'No space left on device')",
    "raise BrokenPipeError",
)  # fmt: skip


@case("configs")
def that_fails(folder, rng, assets):
    return _train(folder, _based(assets, rng.choice(PROGRAMS)))


@case("configs")
def that_fails_in_a_base(folder, rng, assets):
    (folder / "base.py").write_text(_based(assets, rng.choice(PROGRAMS)))
    return _train(folder, "_base_ = 'base.py'\n")


@case("configs")
def that_fails_for_every_command(folder, rng, assets):
    (folder / "c.py").write_text(_based(assets, rng.choice(PROGRAMS)))
    image = str(assets.path("image.png"))
    weights = str(assets.weights)
    return rng.choice(
        [
            ["test", weights, "--config", "c.py"],
            ["predict", image, "--weights", weights, "--config", "c.py", "--out", "out"],
            ["tokens", image, "--weights", weights, "--config", "c.py", "--out", "out"],
            ["export", weights, "--config", "c.py", "--out", "a.pt2"],
            ["evaluate-selection", "--images", image, "--weights", weights, "--config", "c.py"],
        ]
    )


OBJECTS = (
    "object()", "Path('a')", "{1, 2}", "b'bytes'", "1 + 2j", "lambda: 0", "range(3)", "print", "np.float32(1)", "int",
    "np.ones(3)", "(i for i in [1])", "type('A', (), {})()", "{1: 2}", "{None: 1}", "{(1, 2): 3}", "[object()]", "os",
    "dict(a=[dict(b=Path('a'))])", "frozenset()", "slice(1)", "Ellipsis", "NotImplemented", "iter([])", "map(int, [])",
    "datetime.now()", "re.compile('a')", "__builtins__", "bytearray(3)", "memoryview(b'a')", "open(__file__)",
    "OrderedDict(a=1)", "namedtuple('P', 'a')(1)", "Decimal(1)", "Fraction(1, 2)",
)  # fmt: skip
IMPORTS = (
    "import os, re\nfrom collections import OrderedDict, namedtuple\nfrom datetime import datetime\n"
    "from decimal import Decimal\n"
    "from fractions import Fraction\nfrom pathlib import Path\nimport numpy as np\n__file__ = 'c.py'\n"
)


@case("configs", EITHER + "a module, a class or a function is an import and no setting")
def with_an_object(folder, rng, assets):
    place = rng.choice(["batch_size = {}", "extra = {}", "model = dict(extra={})", "train_cfg = dict(max_epochs={})"])
    place = rng.choice([place, "model = dict(backbone=dict(keep_rate={}))", "custom_hooks = [{}]", "data_root = {}"])
    return _train(folder, _based(assets, IMPORTS + place.format(rng.choice(OBJECTS))))


@case("configs")
def with_data_that_contain_themselves(folder, rng, assets):
    lines = rng.choice(
        [
            "a = []\na.append(a)",
            "a = {}\na['a'] = a",
            "a = {}\nmodel = dict(extra=a)\na['b'] = [a]",
            "a = 1\nfor _ in range(5000): a = [a]",
            "a = 1\nfor _ in range(5000): a = dict(a=a)",
            "a = " + "[" * 150 + "]" * 150 + "\n" + "x = " + "(" * 300 + ")" * 300,
            "a = " + "-" * 100000 + "1",
            "a = " + "+".join(["1"] * 50000),
        ]
    )
    return _train(folder, _based(assets, lines))


BASES = (
    "None", "5", "''", "'.'", "'/'", "[]", "[None]", "{}", "('rooms.py', 5)", "'missing.py'", "'c.py'", "['c.py']",
    "True",
    "'folder'", "'text.txt'", "'binary.py'", "'empty'", "f'{1}.py'", "'a' + '.py'", "b'rooms.py'",
    "'mmseg::missing.py'",
    "'nothing::a.py'", "'::'", "'::a.py'", "'os::a.py'", "'https://example.com/a.py'", "'\\0.py'", "'a' * 5000",
    "'a.py'",
    "['a.py', 'a.py']", "'../' * 100 + 'a.py'", "'~/missing.py'", "open", "[['a.py']]", "'/dev/null'", "'pipe.py'",
)  # fmt: skip


@case("configs", EITHER + "no base, an empty one and the same one twice are configs without a model")
def with_a_base_that_is_none(folder, rng, assets):
    import os

    (folder / "folder").mkdir()
    (folder / "text.txt").write_text("x = 1\n")
    (folder / "empty").touch()
    (folder / "binary.py").write_bytes(rng.randbytes(100))
    (folder / "a.py").write_text("_base_ = 'c.py'\n")
    os.mkfifo(folder / "pipe.py")
    return Attempt(_train(folder, f"_base_ = {rng.choice(BASES)}\n"), statuses=(2,))


@case("configs", EITHER + "the damage lies in a comment or in a text that nothing reads")
def damaged(folder, rng, assets):
    return _train(folder, damage(assets.config.read_bytes(), rng))


@case("configs")
def not_text(folder, rng, assets):
    text = rng.choice([rng.randbytes(200), b"\xff\xfe" + "x = 1".encode("utf-16-le"), b"x = 1\0", b"\0" * 100])
    return _train(folder, rng.choice([text, assets.config.read_bytes() + text]))


@case("configs", EITHER + "an empty config, or one that sets something else, has a word for what is missing")
def that_sets_little(folder, rng, assets):
    text = rng.choice(
        [
            "",
            "# nothing\n",
            "x = 1\n",
            "pass\n",
            "'''text'''\n",
            "model = dict()\n",
            "model = None\n",
            "train_cfg = {}\n",
        ]
    )
    return Attempt(_train(folder, text), statuses=(2,))


RESERVED = (
    "filename",
    "text",
    "env_variables",
    "pretty_text",
    "_cfg_dict",
    "_filename",
    "dump",
    "merge_from_dict",
    "_base_",
)


@case("configs", EITHER + "the name is one that mmengine's Config has for itself, or a variable that nothing reads")
def with_a_reserved_name(folder, rng, assets):
    return _train(
        folder, _based(assets, f"{rng.choice(RESERVED)} = {rng.choice(['1', repr('a'), 'dict(a=1)', '[1]', 'None'])}")
    )


@case("configs", EITHER + "a dict that is deleted and written anew may be complete")
def with_a_wrong_merge(folder, rng, assets):
    lines = rng.choice(
        [
            "model = dict(_delete_=True)", "model = [1]", "model = dict(backbone=[1])",
            "train_dataloader = dict(dataset=None)",
            "train_dataloader = dict(sampler=dict(_delete_=True))", "model = dict(backbone=dict(_delete_=5))",
            "optim_wrapper = dict(_delete_=True, type='OptimWrapper')", "model = dict(_scope_='nothing')",
            "model = 'DeiT'",
            "default_hooks = dict(_delete_=True)", "default_hooks = []", "custom_hooks = dict()",
            "train_cfg = dict(_delete_=True)",
            "test_evaluator = []", "val_evaluator = [5]", "param_scheduler = []", "param_scheduler = [dict()]",
            "train_cfg = []",
            "val_cfg = dict(type='TrainLoop')", "custom_imports = 5", "custom_imports = dict(imports=5)",
            "runner_type = 'nothing'",
            "custom_imports = dict(imports=['nothing_of_this_name'])", "custom_imports = dict(imports=['os'], x=1)",
            "work_dir = 5",
            "custom_hooks = [dict(type='EMAHook', momentum=2)]", "custom_hooks = [dict(type='KeepRateHook', start=0)]",
            "default_scope = 'mmseg'", "default_scope = 'nothing'", "default_scope = None",
            "visualizer = dict(type='nothing')",
            "experiment_name = 'a/b'", "experiment_name = ''", "experiment_name = 5", "work_dir = ''",
            "work_dir = None",
        ]
    )  # fmt: skip
    return _train(folder, _based(assets, lines))


@case("configs", ACCEPTED + "a config is a program, and this one prints, imports and computes")
def that_is_a_strange_but_valid_program(folder, rng, assets):
    lines = rng.choice(
        [
            "print('hello')\nx = 1", "import os, sys\nfrom pathlib import Path\nbatch_size = len([1, 2])",
            "class A: pass\n",
            "def f(n): return n\nbatch_size = f(2)", "for i in range(2): pass",
            "try:\n    1 / 0\nexcept ZeroDivisionError:\n    pass",
            "import logging\nlogging.warning('from a config')", "batch_size: int = 2", "\ufeff" * 0 + "x = 'ü' * 10",
            "x = (1, [2, {}])",
        ]
    )  # fmt: skip
    return _train(folder, _based(assets, lines), "--cfg-options", "max_epochs=3")
