"""Memory of processes that build indexes: what is freed is kept at hand, and garbage is not looked for.

Each shard needs the same few large blocks again: arrays, the search engine's tables. By default the C library hands
such blocks back to the kernel at once and gets zeroed pages for the next shard, which costs more than the work in them.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from functools import cache

# Names and numbers of glibc's malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEEP_BYTES = 512 << 20
_LARGEST_HEAP_BLOCK = 32 << 20
"""The C library accepts no larger threshold on 64-bit systems."""


@cache
def keep_freed_memory() -> None:
    """Asks the C library to reuse large blocks in this process. Does nothing where it is not glibc."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_ARENA_MAX, 1)
        mallopt(_MMAP_THRESHOLD, _LARGEST_HEAP_BLOCK)
        mallopt(_TRIM_THRESHOLD, _KEEP_BYTES)


def dedicate_process() -> None:
    """Settings for a process that builds shards and nothing else.

    Facts of files hold no cycles, so reference counts free them, and looking for cycles would only walk over the
    millions of values that live while a shard is made.
    """
    keep_freed_memory()
    gc.disable()
