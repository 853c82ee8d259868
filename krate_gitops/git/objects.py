"""Objects by id, through one ``git cat-file`` child.

The child reads; nothing else opens the object database, so no two readers can disagree. Requests go out in windows that
end with ``flush``: the child answers nothing before it has read the whole window, and one further window fits into the
pipe while it answers. So neither side ever waits for the other to read.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
from collections.abc import Generator, Iterator, Sequence
from types import TracebackType
from typing import IO, Self

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.git.command import READ_DEADLINE_SECONDS, complaint_text, start_git
from krate_gitops.git.local import ID_LENGTHS, Repository

_WINDOW_BYTES = 48_000
"""Below the 64 KiB that every pipe holds, so that a window written ahead never waits for answers to be read."""
_PIPE_BYTES = 1 << 20
_HEX_DIGITS = "0123456789abcdef"


class GitObject(msgspec.Struct, frozen=True):
    """``kind`` is commit, tree, blob or tag."""

    kind: str
    data: bytes


class ObjectReader:
    """Reads objects of one repository; a context manager that ends its child. Not for several threads at once.

    Every method raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` for an object that is missing, a child that
    dies or makes no progress, and an answer to another question; ``ValueError`` for what is no full object id.
    """

    def __init__(self, repository: Repository, *, stall_seconds: float = READ_DEADLINE_SECONDS) -> None:
        self.repository = repository
        self._stall_seconds = stall_seconds
        self._child = contextlib.ExitStack()
        self._channel: _Channel | None = None
        self._is_streaming = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the child; the next request starts another one."""
        self._channel = None
        self._child.close()

    def read(self, oid: str) -> GitObject:
        """One object, whole."""
        [(_, kind, _, data)] = self._contents([oid])
        return GitObject(kind, data)

    def header(self, oid: str) -> tuple[str, int] | None:
        """Kind and size in bytes of one object without loading it; ``None`` when the repository doesn't have it."""
        [header] = self._headers([oid])
        return header

    def sizes(self, oids: Sequence[str]) -> list[int]:
        """Size of each object in bytes, in the order given, without loading any."""
        headers = self._headers(oids)
        if None in headers:
            raise self._missing(oids[headers.index(None)])
        return [header[1] for header in headers if header]

    def stream(
        self,
        oids: Sequence[str],
        *,
        max_bytes: int | Sequence[int] | None = None,
        sizes: Sequence[int] | None = None,
    ) -> Iterator[tuple[str, str, int, bytes | None]]:
        """``(oid, kind, size, data)`` of each object, in the order given.

        ``max_bytes``, one limit or one for each object, keeps larger objects out: their data is ``None`` and they are
        never loaded. ``sizes``, where the caller knows them from a listing of blobs, saves asking for them.
        """
        if max_bytes is None:
            yield from self._contents(oids)
            return
        limits = [max_bytes] * len(oids) if isinstance(max_bytes, int) else max_bytes
        known = self.sizes(oids) if sizes is None else sizes
        fits = [size <= limit for size, limit in zip(known, limits, strict=True)]
        with contextlib.closing(self._contents([oid for oid, fit in zip(oids, fits, strict=True) if fit])) as contents:
            for oid, fit, size in zip(oids, fits, known, strict=True):
                yield next(contents) if fit else (oid, "blob", size, None)
            next(contents, None)  # runs it to its end, so that the child is kept

    def _contents(self, oids: Sequence[str]) -> Generator[tuple[str, str, int, bytes]]:
        channel = self._channel = self._channel or self._start()
        with contextlib.closing(self._ask(channel, "contents", oids)) as windows:
            for window in windows:
                for oid in window:
                    header = channel.header(oid)
                    if header is None:
                        raise self._missing(oid)
                    kind, size = header
                    yield oid, kind, size, channel.body(size)

    def _headers(self, oids: Sequence[str]) -> list[tuple[str, int] | None]:
        channel = self._channel = self._channel or self._start()
        with contextlib.closing(self._ask(channel, "info", oids)) as windows:
            return [channel.header(oid) for window in windows for oid in window]

    def _ask(self, channel: _Channel, verb: str, oids: Sequence[str]) -> Generator[Sequence[str]]:
        """Sends the requests and yields them window by window; the caller takes the answers from the channel."""
        if self._is_streaming:
            raise RuntimeError("this reader is in the middle of another stream")
        length = _WINDOW_BYTES // (len(verb) + ID_LENGTHS[self.repository.object_format] + 2)
        windows = [oids[start : start + length] for start in range(0, len(oids), length)]
        self._is_streaming, is_complete = True, False
        try:
            for number, window in enumerate(windows):
                for ahead in windows[number + (number > 0) : number + 2]:
                    channel.send(self._requests(verb, ahead))
                yield window
            is_complete = True
        finally:
            self._is_streaming = False
            if not is_complete:
                # Answers that nobody will read are still on their way: this child is of no further use.
                self.close()

    def _requests(self, verb: str, oids: Sequence[str]) -> bytes:
        width = ID_LENGTHS[self.repository.object_format]
        if {len(oid) for oid in oids} != {width} or "".join(oids).strip(_HEX_DIGITS):
            raise ValueError(f"not a full {self.repository.object_format} object id")
        return "".join(f"{verb} {oid}\n" for oid in oids).encode() + b"flush\n"

    def _start(self) -> _Channel:
        options = ["cat-file", "--batch-command", "--buffer"]
        requests, answers, complaints = self._child.enter_context(start_git(self.repository.git_dir, options))
        return _Channel(requests.fileno(), answers.fileno(), complaints, self._stall_seconds)

    def _missing(self, oid: str) -> UnavailableError:
        hint = "run `git fsck` on the repository"
        if self.repository.is_partial:
            hint = "this is a partial clone: fetch its missing objects first (`git fetch --refetch --no-filter`)"
        elif self.repository.is_shallow:
            hint = "this is a shallow clone: complete it first (`git fetch --unshallow`)"
        return UnavailableError(
            "MEMORY_REPOSITORY_UNAVAILABLE", f"object {oid} is missing from {self.repository.name}", hint=hint
        )


class _Channel:
    """Both pipes of the child, read through one large buffer."""

    def __init__(self, requests: int, answers: int, complaints: IO[bytes], stall_seconds: float) -> None:
        self._requests, self._answers = requests, answers
        self._complaints = complaints
        self._stall_seconds = stall_seconds
        self._buffer, self._at = b"", 0
        self._ready = select.poll()
        self._ready.register(self._answers, select.POLLIN)
        # Fewer switches between the two processes; Linux alone can do it, and only within the user's quota.
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def send(self, requests: bytes) -> None:
        try:
            while requests:
                requests = requests[os.write(self._requests, requests) :]
        except BrokenPipeError:
            raise self._torn("it ended") from None

    def _line(self) -> bytes:
        end = self._buffer.find(b"\n", self._at)
        while end < 0:
            self._fill(len(self._buffer) - self._at + 1)
            end = self._buffer.find(b"\n", self._at)
        line, self._at = self._buffer[self._at : end], end + 1
        return line

    def body(self, size: int) -> bytes:
        if self._at + size >= len(self._buffer):
            self._fill(size + 1)
        end = self._at + size
        body, self._at = self._buffer[self._at : end], end + 1
        if self._buffer[end] != 0x0A:
            raise self._torn("an object is longer than announced")
        return body

    def header(self, oid: str) -> tuple[str, int] | None:
        """Kind and size from the first line of an answer; ``None`` when it says that the object is missing."""
        line = self._line()
        words = line.decode("ascii", "replace").split(" ")
        if words[0] == oid:
            if len(words) == 3 and words[2].isdigit():
                return words[1], int(words[2])
            if words[1:] == ["missing"]:
                return None
        raise self._torn(f"{complaint_text(line[:100])!r} is no answer for {oid}")

    def _fill(self, needed: int) -> None:
        chunks = [self._buffer[self._at :]]
        missing = needed - len(chunks[0])
        while missing > 0:
            if not self._ready.poll(self._stall_seconds * 1000):
                raise self._torn(f"no answer within {self._stall_seconds:g} seconds")
            chunk = os.read(self._answers, _PIPE_BYTES)
            if not chunk:
                raise self._torn("its output ended early")
            chunks.append(chunk)
            missing -= len(chunk)
        self._buffer, self._at = b"".join(chunks), 0

    def _torn(self, what: str) -> UnavailableError:
        said = complaint_text(os.pread(self._complaints.fileno(), 8_000, 0))
        return UnavailableError(
            "MEMORY_REPOSITORY_UNAVAILABLE",
            f"git stopped serving objects: {what}{f' ({said})' if said else ''}",
            hint="run `git fsck` on the repository; a partial clone must fetch its missing objects first",
        )
