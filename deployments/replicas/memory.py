"""How the C library gives memory to large objects."""

import ctypes
import platform

__all__ = ["return_large_memory"]

_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 1 << 20


def return_large_memory() -> None:
    """Have objects of a megabyte and more grow in place, and return their memory when they end.

    glibc would, after the first large one, put later ones of up to 32 MB beside small ones: bodies
    that grow side by side then take up to twice their size, for as long as the process lives.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
