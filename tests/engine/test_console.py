import io
import logging

import pytest

from depthkit.engine.console import report_disk_errors


@pytest.fixture
def logger():
    return logging.Logger("of a test")


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), BrokenPipeError()])
def test_a_full_disk_or_a_reader_that_goes_away_is_an_error(logger, capsys, error):
    class Broken(io.StringIO):
        def write(self, text):
            raise error

    logger.addHandler(logging.StreamHandler(Broken()))
    report_disk_errors(logger)
    with pytest.raises(type(error)):
        logger.warning("a")
    assert capsys.readouterr().err == ""  # where logging would print a traceback for each line


def test_a_name_that_the_log_cannot_hold_is_written_by_its_code(logger, tmp_path):
    handler = logging.FileHandler(tmp_path / "a.log", encoding="ascii")
    logger.addHandler(handler)
    report_disk_errors(logger)
    logger.warning("ä \udcff")
    handler.close()
    assert (tmp_path / "a.log").read_bytes() == b"\\xe4 \\udcff\n"
