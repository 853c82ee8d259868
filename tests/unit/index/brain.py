"""A brain indexed for tests of search, without Git commands beside what reads objects."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.columns import Columns
from krate_gitops.index.source import Target
from krate_gitops.index.view import WordView
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder


class Indexed:
    """Files at one commit with their index."""

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.repository = RepoBuilder(folder / "brain")
        self.commit = self.repository.commit(files)
        self.builder = Builder(folder / "home", jobs=1)
        opened = open_repository(str(folder / "brain"), settings=Settings(home=folder))
        self.manifest = self.builder.build(Target(opened, self.commit)).manifest
        self.columns: Columns = self.builder.columns(self.manifest.shards)
        self.words = WordView(self.builder.store, self.columns, "test")

    def files_with(self, text: str) -> set[str]:
        return {self.columns.paths[number] for number in self.words.files_with(text).nonzero()[0]}
