"""Return the memory of unloaded models to the system."""

import ctypes
import gc
import sys


def release_memory() -> None:
    """Return free memory to the system, at once and from all threads' heaps."""
    # glibc keeps freed memory in the heap of the thread that asked for it; after a large model most
    # of it is whole free pages that only `malloc_trim` (malloc_trim(3)) returns. Other C libraries
    # return it by themselves, or offer no way to ask.
    gc.collect()  # a model whose parts refer to each other is not freed before
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
