"""Return freed memory to the system."""

import ctypes
import gc
import sys


def release_memory(*, collect: bool = True) -> None:
    """Return free memory to the system, at once and from all threads' heaps.

    Args:
        collect: True looks for unused objects that refer to each other, such as a model's parts;
            that takes the longer, the more objects a program has.
    """
    # glibc keeps freed memory in the heap of the thread that asked for it; after a large model or
    # image most of it is whole free pages that only `malloc_trim` (malloc_trim(3)) returns. Other C
    # libraries return it by themselves, or offer no way to ask.
    if collect:
        gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
