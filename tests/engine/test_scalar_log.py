from pathlib import Path

from depthkit.engine.scalar_log import continue_log, count_lines


def write(work_dir: Path, run: str, *lines: str) -> Path:
    folder = work_dir / run
    (folder / "vis_data").mkdir(parents=True)
    (folder / "vis_data" / "scalars.json").write_text("".join(lines))
    return folder


def read(run_dir: Path) -> str:
    return (run_dir / "vis_data" / "scalars.json").read_text()


def test_the_lines_up_to_the_checkpoint_are_taken_from_the_newest_run_that_has_them(tmp_path) -> None:
    write(tmp_path, "20260101_000000", "a\n", "b\n", "c\n")
    write(tmp_path, "20260101_000001", "d\n", "e\n", "f\n", '{"torn')
    write(tmp_path, "20260101_000002", "g\n")  # killed before it had continued the log
    new = tmp_path / "20260101_000003"
    new.mkdir()
    assert continue_log(tmp_path, new, 2)
    assert read(new) == "d\ne\n" and count_lines(new) == 2


def test_a_run_of_the_same_second_is_cut(tmp_path) -> None:
    run = write(tmp_path, "20260101_000000", "a\n", "b\n", "c\n")
    assert continue_log(tmp_path, run, 1)
    assert read(run) == "a\n"


def test_a_log_that_was_removed_or_never_written(tmp_path) -> None:
    new = tmp_path / "20260101_000003"
    new.mkdir()
    assert count_lines(new) == 0
    assert not continue_log(tmp_path, new, 2)
    assert continue_log(tmp_path, new, 0)
    assert not (new / "vis_data").exists()
