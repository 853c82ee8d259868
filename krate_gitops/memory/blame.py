"""For everything a snapshot selected: which commit last changed it, when, by whom, and which update carried it."""

from __future__ import annotations

import re

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.git.chain import load_chain
from krate_gitops.git.command import run_git
from krate_gitops.git.history import log_path, parse_commit
from krate_gitops.git.instants import format_instant
from krate_gitops.git.objects import ObjectReader
from krate_gitops.memory.history import record_versions
from krate_gitops.memory.material import Item, Material, source_kind
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.replay import item_key
from krate_gitops.memory.response import ExcerptItem, RecordItem
from krate_gitops.memory.safe import SafeStrings

_UPDATE = re.compile(rb"^Krate-Update: ([A-Za-z0-9-]{1,64})$", re.MULTILINE)


class Blame(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Where an item comes from. Without a commit its path holds a secret, or what it names can't be followed."""

    item: str
    kind: str
    rank: int
    commit: str | None = None
    time: str | None = None
    author: str | None = None
    message: str | None = None
    update: str | None = None


def blame(opened: OpenIndex, material: Material) -> list[Blame]:
    """One line for each item, by rank; only first-parent commits count: those are what was reviewed."""
    with ObjectReader(opened.source.target.repository) as reader:
        search = _Search(opened, material, reader)
        return [search.of(item) for item in material.items()]


class _Search:
    def __init__(self, opened: OpenIndex, material: Material, reader: ObjectReader) -> None:
        self._opened = opened
        self._material = material
        self._reader = reader
        self._commit = opened.manifest.commit
        self._root = opened.manifest.root
        self._safe = SafeStrings(opened.cleaner)

    def of(self, item: Item) -> Blame:
        commit = self._last_change(item)
        told = Blame(item_key(item), source_kind(item), item.rank)
        if commit is None:
            return told
        data = self._reader.read(commit).data
        facts, update = parse_commit(commit, data), _UPDATE.findall(data.partition(b"\n\n")[2])
        return msgspec.structs.replace(
            told,
            commit=commit,
            time=format_instant(facts.committer_time),
            author=self._safe(facts.author),
            message=self._safe(facts.summary),
            update=update[-1].decode("ascii") if update else None,
        )

    def _last_change(self, item: Item) -> str | None:
        if isinstance(item, RecordItem):
            return self._of_record(item.id) or self._of_file(item.path)
        return self._of_lines(item) if isinstance(item, ExcerptItem) else self._of_file(item.path)

    def _of_record(self, identifier: str) -> str | None:
        try:
            version = next(record_versions(self._opened, identifier, self._material.policy), None)
        except UnavailableError:
            return None
        return version.commit if version else None

    def _of_file(self, path: str) -> str | None:
        commits = log_path(self._reader, self._commit, [self._below_root(path)], limit=1)
        return commits[0].oid if commits else None

    def _of_lines(self, item: ExcerptItem) -> str | None:
        """The newest of the commits that the lines stem from."""
        if item.path not in self._opened.columns.file_number:
            return None
        lines = f"-L{item.line_start},{item.line_end}"
        arguments = ["blame", "--first-parent", "--porcelain", lines, self._commit, "--", self._below_root(item.path)]
        output = run_git(self._opened.source.target.repository.git_dir, arguments)
        found = {line[: len(self._commit)].decode() for line in re.findall(rb"^[0-9a-f]{40,64} \d+ \d+", output, re.M)}
        chain = load_chain(self._opened.source.target.repository, self._commit)
        return max(found, key=lambda oid: chain.position(oid) or 0, default=None)

    def _below_root(self, path: str) -> str:
        return f"{self._root}/{path}" if self._root else path
