import io
import logging

import pytest

from depthkit.engine.console import report_disk_errors


@pytest.fixture
def logger():
    return logging.Logger("of a test")


def test_a_full_disk_under_the_log_is_an_error_and_no_traceback_for_each_line(logger, capsys):
    with open("/dev/full", "w") as full:
        logger.addHandler(logging.StreamHandler(full))
        report_disk_errors(logger)
        with pytest.raises(OSError, match="No space left"):
            logger.warning("a")
        full.detach()
    assert capsys.readouterr().err == ""


def test_a_reader_that_goes_away_is_an_error(logger):
    class Closed(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    logger.addHandler(logging.StreamHandler(Closed()))
    report_disk_errors(logger)
    with pytest.raises(BrokenPipeError):
        logger.warning("a")


def test_a_name_that_the_log_cannot_hold_is_written_by_its_code(logger, tmp_path):
    handler = logging.FileHandler(tmp_path / "a.log", encoding="ascii")
    logger.addHandler(handler)
    report_disk_errors(logger)
    logger.warning("ä \udcff")
    handler.close()
    assert (tmp_path / "a.log").read_bytes() == b"\\xe4 \\udcff\n"
