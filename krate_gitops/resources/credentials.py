"""Credentials in the files of a config repository: where they stand, never what they are (KR302)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from krate_gitops.brain.model import SecretScan
from krate_gitops.brain.scan.patterns import SecretKind
from krate_gitops.brain.scan.secrets import find_secrets
from krate_gitops.brain.yaml_exact import Document
from krate_gitops.resources.manifest import Issue, Site

LOOKS_LIKE_ONE = "this looks like a credential"
_SCAN = SecretScan()


def credentials(text: str) -> list[int]:
    """Offsets of what looks like a credential; examples that vendors published aside."""
    return [hit.start for hit in find_secrets(text, _SCAN) if hit.kind != SecretKind.EXAMPLE]


def without_credentials(text: str) -> str:
    """A text that may be shown: names and keys come from files, and somebody may have put a credential there."""
    return "[hidden]" if find_secrets(text, _SCAN) else text


def written_otherwise(path: str, documents: list[Document], text: str, known: list[int]) -> Iterator[Issue]:
    """KR302 in texts that don't stand in the file as they are read: escaped ones, and those folded over lines.

    They are joined and scanned at once, since most files have few of them. What the scan of the file found (``known``)
    isn't told again.
    """
    for ordinal, document in enumerate(documents):
        end = documents[ordinal + 1].start if ordinal + 1 < len(documents) else len(text)
        told = _holders(document, [offset for offset in known if document.start <= offset < end])
        starts: list[int] = []
        pointers: list[str] = []
        pieces: list[str] = []
        length = 0
        for pointer, value in _texts(document.value, ""):
            at = document.marks.get(pointer, (0, 0))[1]
            if text.startswith(value, at) or text.startswith(value, at + 1):
                continue
            pieces.append(f"{pointer.rpartition('.')[2]}: {value}\n\n")
            starts.append(length)
            pointers.append(pointer)
            length += len(pieces[-1])
        for hit in credentials("".join(pieces)) if pieces else ():
            pointer = pointers[bisect_right(starts, hit) - 1]
            if pointer not in told:
                told.add(pointer)
                yield Issue("KR302", LOOKS_LIKE_ONE, Site(path, ordinal, pointer))


def _holders(document: Document, offsets: list[int]) -> set[str]:
    """Pointers of the values that offsets lie in."""
    if not offsets:
        return set()
    begins = sorted((mark[1], pointer) for pointer, mark in document.marks.items())
    starts = [start for start, _ in begins]
    return {begins[bisect_right(starts, offset) - 1][1] for offset in offsets}


def _texts(value: Any, pointer: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _texts(item, f"{pointer}.{key}" if pointer else key)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _texts(item, f"{pointer}[{at}]")
