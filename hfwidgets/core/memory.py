"""Keep the memory of a process small, and return what it freed to the system."""

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


def use_one_heap() -> None:
    """Let all threads that start from now on share one heap of the C library.

    Every thread would otherwise get its own, whose free but scattered pieces no other one reuses:
    about 40 MB in an engine that has unloaded its models.
    """
    if sys.platform == "linux":
        # M_ARENA_MAX of mallopt(3), which only glibc has.
        set_option = getattr(ctypes.CDLL(None), "mallopt", None)
        if set_option is not None:
            set_option(-8, 1)
