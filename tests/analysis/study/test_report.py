import pytest

from depthkit.analysis.study.report import SHOWN, draw, format_table, summarise
from depthkit.analysis.study.variants import Variant

VARIANTS = [Variant("dense", "c", curve="sizes"), Variant("small", "c", curve="sizes"), Variant("other", "c")]


def result(variant: str, seed: int, abs_rel: float, **more: float) -> dict:
    return dict(variant=variant, seed=seed, fold=f"fold_{seed}", metrics={"full": {"abs_rel": abs_rel, **more}})


@pytest.fixture
def rows() -> list[dict]:
    results = [
        result("dense", 0, 0.10, boundary_f1=0.2),
        result("dense", 1, 0.20),
        result("small", 0, 0.11, boundary_f1=0.1),
        result("small", 1, 0.21),
        result("small", 2, 0.30),
    ]
    time = dict(ms=10.0, ms_low=9.0, ms_high=11.0, speedup=1.0)
    times = {"torch": {"dense": time, "small": {**time, "ms": 5.0, "speedup": 2.0}}}
    return summarise(VARIANTS, results, {"dense": 2_000_000_000}, times, "full")


def test_means_and_differences_in_pairs(rows):
    dense, small, other = rows
    assert (dense["runs"], small["runs"], other["runs"]) == (2, 3, 0)
    assert dense["metrics"]["abs_rel"] == pytest.approx((0.15, 0.05))
    # Fold 2 may be harder: it is not in the means, because the baseline has no run of it.
    assert small["metrics"]["abs_rel"].mean == pytest.approx(0.16)
    assert small["shared"] == ["seed_0_fold_0", "seed_1_fold_1"] and small["pairs"]["abs_rel"] == 2
    # Seed 2 has no partner: (0.11 / 0.10 - 1 and 0.21 / 0.20 - 1).
    assert small["differences"]["abs_rel"] == pytest.approx((0.075, 0.025))
    assert small["metrics"]["boundary_f1"] == (0.1, None) and dense["metrics"]["boundary_f1"] == (0.2, None)
    assert small["differences"]["boundary_f1"].mean == pytest.approx(-0.5)
    assert other["metrics"]["abs_rel"] is None and other["differences"]["abs_rel"] is None
    assert dense["differences"]["abs_rel"] == (0, 0)
    assert set(small["by_run"]) == {"seed_0_fold_0", "seed_1_fold_1", "seed_2_fold_2"} and other["by_run"] == {}
    assert small["by_run"]["seed_1_fold_1"] == dict.fromkeys(SHOWN) | {"abs_rel": 0.21}


def test_the_table_has_a_line_for_each_variant(rows):
    over, _, *lines = format_table(rows).splitlines()
    assert over.startswith("Means are over the 2 runs that all variants with a result share")
    assert len(lines) == 5 and len({line.count("|") for line in lines}) == 1
    assert "| dense | 2 | 2.00 | 10.0 (1.00x) | 0.1500 +- 0.0500 |" in lines[2]
    assert "| small | 3 |  | 5.0 (2.00x) |" in lines[3] and "7.5 +- 2.5 (n=2) |" in lines[3]


def test_the_plot_joins_the_points_of_a_curve(rows):
    figure = draw(rows, "torch")
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "abs_rel against baseline [%]",
        "boundary_f1 against baseline [%]",
    ]
    line = figure.axes[0].containers[0].lines[0]
    assert list(line.get_xdata()) == [5, 10] and list(line.get_ydata()) == pytest.approx([7.5, 0])
    assert not figure.axes[0].texts  # as many pairs each
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["sizes"]


def test_the_plot_says_where_there_are_fewer_pairs():
    results = [result(name, seed, 0.1) for name in ("dense", "small") for seed in (0, 1)] + [result("other", 0, 0.2)]
    time = dict(ms=10.0, ms_low=9.0, ms_high=11.0, speedup=1.0)
    times = {"torch": {one.name: time for one in VARIANTS}, "onnx": {"other": time}}
    (text,) = draw(summarise(VARIANTS, results, {}, times, "full"), "torch").axes[0].texts
    assert text.get_text() == "n=1" and text.xy == (10.0, pytest.approx(100))
    assert not draw(summarise(VARIANTS, results, {}, times, "full"), "onnx").axes[0].texts  # nothing else is drawn


@pytest.mark.parametrize(("panels", "columns"), [(4, 2), (5, 3)])
def test_the_panels_lie_in_a_square(panels, columns):
    others = dict.fromkeys(SHOWN[1:panels], 0.5)
    results = [result(name, 0, 0.1, **others) for name in ("dense", "small")]
    times = {"torch": dict.fromkeys(("dense", "small"), dict(ms=10.0, ms_low=9.0, ms_high=11.0, speedup=1.0))}
    figure = draw(summarise(VARIANTS, results, {}, times, "full"), "torch")
    assert len(figure.axes) == panels
    assert figure.axes[0].get_gridspec().ncols == columns


def test_no_two_curves_look_alike():
    variants = [Variant(f"v{i}", "c", curve=f"v{i}") for i in range(12)]  # matplotlib has ten colours
    results = [result(one.name, 0, 0.1) for one in variants]
    times = {"torch": {one.name: dict(ms=10.0, ms_low=9.0, ms_high=11.0, speedup=1.0) for one in variants}}
    axes = draw(summarise(variants, results, {}, times, "full"), "torch").axes[0]
    points = [container.lines[0] for container in axes.containers]
    assert len({(line.get_color(), line.get_marker()) for line in points}) == 12


def test_a_plot_of_nothing_is_empty(rows):
    figure = draw([{**row, "times": {}} for row in rows], "torch")
    assert not figure.legends and not figure.axes[0].lines


def test_variants_without_a_common_run_have_no_means():
    results = [result("dense", 0, 0.1), result("dense", 1, 0.3), result("small", 0, 0.11), result("other", 1, 0.33)]
    rows = summarise(VARIANTS, results, {}, {}, "full")
    assert [row["metrics"]["abs_rel"] for row in rows] == [None] * 3
    assert [row["differences"]["abs_rel"].mean for row in rows] == pytest.approx([0, 0.1, 0.1])
    assert format_table(rows).startswith("Means are over no run: none is shared by all,")
