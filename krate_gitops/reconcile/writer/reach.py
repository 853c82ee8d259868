"""Which files of the repository are a source's own."""

from __future__ import annotations

from krate_gitops.brain.globs import compile_globs
from krate_gitops.reconcile.writer.target import SourceTarget
from krate_gitops.resources.load import Loaded


class Reach:
    """The paths that a source reads, relative to its folder: ``path in reach``."""

    def __init__(self, target: SourceTarget) -> None:
        self._target = target
        self._included = compile_globs(target.include)
        self._excluded = compile_globs(target.exclude)

    def __contains__(self, path: str) -> bool:
        if any(name.startswith(".") for name in path.split("/")[:-1]):
            return False
        full = f"{self._target.path}/{path}" if self._target.path else path
        if any(is_below(full, foreign) for foreign in self._target.foreign_paths):
            return False
        return self._included(path) and not (self._target.exclude and self._excluded(path))

    def of(self, loaded: Loaded) -> Loaded:
        """What was loaded, without the files that the source doesn't read."""
        return Loaded(
            [one for one in loaded.manifests if one.path in self],
            [issue for issue in loaded.issues if not issue.site.path or issue.site.path in self],
            {path: file for path, file in loaded.files.items() if path in self},
        )


def is_below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it; an empty folder is the top."""
    return not folder or path == folder or path.startswith(folder + "/")
