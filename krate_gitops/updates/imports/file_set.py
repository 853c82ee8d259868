"""The digest of a set of files, made while they are read: no list of them is held."""

from __future__ import annotations

import hashlib
from json.encoder import encode_basestring

from krate_gitops.digest import canonical_json


class FileSetDigest:
    """Canonical JSON of ``[[path, digest], …]``, fed file by file in the order of paths.

    ``ahead`` are files that were read before; each is put in where its path belongs.
    """

    def __init__(self, ahead: list[tuple[str, str]] | None = None) -> None:
        self._ahead = sorted(ahead or [], reverse=True)
        self._hash = hashlib.sha256(b"[")
        self._is_first = True
        self.count = 0

    def add(self, path: str, digest: str) -> None:
        """Takes the next file. Raises ``ValueError`` for a path that doesn't come after all before it."""
        while self._ahead and self._ahead[-1][0] < path:
            self._put(*self._ahead.pop())
        self._put(path, digest)

    def _put(self, path: str, digest: str) -> None:
        if path.isprintable():
            text = f"[{encode_basestring(path)},{encode_basestring(digest)}]".encode()
        else:
            text = canonical_json([path, digest])
        self._hash.update(text if self._is_first else b"," + text)
        self._is_first = False
        self.count += 1

    def digest(self) -> str:
        """The digest of all files."""
        while self._ahead:
            self._put(*self._ahead.pop())
        done = self._hash.copy()
        done.update(b"]")
        return "sha256:" + done.hexdigest()
