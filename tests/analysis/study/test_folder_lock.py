import pytest

from depthkit.analysis.study.folder_lock import only_queue
from depthkit.errors import InputError


def test_a_second_queue_is_refused_until_the_first_has_ended(tmp_path):
    with (
        only_queue(tmp_path),
        pytest.raises(InputError, match="another process works on this study"),
        only_queue(tmp_path),
    ):
        pass
    with only_queue(tmp_path):
        pass
