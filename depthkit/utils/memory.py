"""Memory that was freed, back to the system."""

import ctypes


def trim_memory() -> None:
    """Give memory that was freed back to the system, where glibc is the C library.

    It keeps what threads have freed in blocks of less than 32 MB, as Pillow does: 900 MB after an image of 189
    megapixels.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError, TypeError):  # another library, another system
        return
