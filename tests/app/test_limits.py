"""Limits are checked when the page is started."""

import pytest

from depthkit.app.limits import Limits
from depthkit.errors import InputError


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"pixels": 0}, "max-megapixels"),
        ({"pixels": 300_000_000}, "max-megapixels"),
        ({"upload_bytes": 0}, "max-mib"),
        ({"upload_bytes": 2**40}, "max-mib"),
        ({"waiting": 0}, "queue"),
    ],
)
def test_a_number_out_of_range_is_named(wrong, name):
    with pytest.raises(InputError, match=name):
        Limits(**wrong)
