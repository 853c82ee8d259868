"""From what a person names (a repository, a ref) to an indexed commit."""

from __future__ import annotations

import copy
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from krate_gitops.brain.layout import REQUIRED_ENTRIES
from krate_gitops.errors import KrateError
from krate_gitops.git.local import Repository
from krate_gitops.git.refs import RefResolution
from krate_gitops.git.remotes import is_url
from krate_gitops.git.repository import open_repository
from krate_gitops.git.request import RefRequest
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.memory.banners import standing
from krate_gitops.memory.opened import OpenIndex, ontology_warnings, read_index
from krate_gitops.memory.origin import Origin
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.query import Scope, run_query
from krate_gitops.memory.recorded import resolve_recorded
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.response import Response
from krate_gitops.progress import Progress, silent
from krate_gitops.settings import Settings

Result = TypeVar("Result")


class Brain:
    """One brain repository, its settings, and where it is read: root and, for a foreign one, the ontology.

    ``spec`` is opened, and brought up to date where it is an address, unless it comes as a ``repository`` already.
    """

    def __init__(
        self,
        spec: str,
        *,
        settings: Settings,
        root: str | None = None,
        ontology_dir: Path | None = None,
        progress: Progress = silent,
        repository: Repository | None = None,
    ) -> None:
        self.spec = spec
        self.repository: Repository = repository or open_repository(spec, settings=settings)
        self.settings = settings
        self._root = root
        self._ontology_dir = ontology_dir
        self._progress = progress
        self.builder = Builder(settings.home, organization=settings.organization, jobs=settings.jobs)

    def without_workers(self) -> Self:
        """The same brain, which builds in the thread that asks. A program with threads must not fork."""
        other = copy.copy(self)
        other.builder = Builder(self.settings.home, organization=self.settings.organization, jobs=1)
        return other

    def resolve(self, request: RefRequest, *, current_only: bool = False) -> RefResolution:
        """The commit a request means, now; what is recorded of snapshot tags and bad ranges takes part."""
        return resolve_recorded(
            self.repository, request, settings=self.settings, now=datetime.now(UTC), current_only=current_only
        )

    def within(self, repository: Repository) -> Self:
        """The same brain, read from another repository that holds its commits."""
        other = copy.copy(self)
        other.repository = repository
        return other

    def anew(self) -> Self:
        """The same brain as it is now where it was opened, a mirror brought up to date.

        Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)``.
        """
        return self.within(open_repository(self.spec, settings=self.settings))

    def origin(self) -> Origin:
        """How a snapshot that is taken here finds its repository again."""
        location = self.spec if is_url(self.spec) else str(Path(self.spec).expanduser().resolve())
        ontology = None if self._ontology_dir is None else str(self._ontology_dir.resolve())
        return Origin(location, self._root, ontology)

    def target(self, commit: str) -> Target:
        """What is indexed for a commit."""
        return Target(self.repository, commit, self._root, self._ontology_dir)

    def read(self, commit: str, action: Callable[[OpenIndex], Result]) -> Result:
        """What ``action`` makes of the commit's index, which is built first where it is not there."""
        return read_index(self.builder, self.target(commit), action, progress=self._progress)

    def read_under(
        self, ref: RefRequest, policy: EffectivePolicy, action: Callable[[OpenIndex, RefResolution], Result]
    ) -> Result:
        """What ``action`` makes of the commit that a ref means, where the policy lets it be read at all.

        Raises ``KrateError`` with a MEMORY_REF_*, MEMORY_LAYOUT_INVALID or MEMORY_ONTOLOGY_INVALID code.
        """
        return self.read_resolved(self.resolve(ref, current_only=policy.current_only), policy, action)

    def read_resolved(
        self,
        resolution: RefResolution,
        policy: EffectivePolicy,
        action: Callable[[OpenIndex, RefResolution], Result],
    ) -> Result:
        """The same for a commit that was found before: no branch and no tag is looked at again."""

        def checked(opened: OpenIndex) -> Result:
            check_readable(opened, policy)
            manifest = opened.manifest
            return action(
                opened,
                msgspec.structs.replace(
                    resolution, ontology_digest=manifest.ontology_digest, index_digest=manifest.index_digest
                ),
            )

        return self.read(resolution.resolved_commit, checked)

    def query(self, ref: RefRequest, request: QueryRequest, policy: EffectivePolicy) -> Response:
        """The answer to a request at a ref under a policy."""
        return self.read_under(ref, policy, lambda opened, resolution: self.answer(opened, request, policy, resolution))

    def answer(
        self, opened: OpenIndex, request: QueryRequest, policy: EffectivePolicy, resolution: RefResolution
    ) -> Response:
        """The answer from an index that is open already; for errors see ``run_query``."""
        response = run_query(opened, request, policy, self.scope(resolution))
        warnings = (*standing(resolution), *response.warnings, *ontology_warnings(opened))
        return msgspec.structs.replace(response, warnings=warnings)

    def scope(self, resolution: RefResolution) -> Scope:
        """Names for an answer at a resolved commit."""
        return Scope(self.settings.organization, self.repository.name, resolution)


def check_readable(opened: OpenIndex, policy: EffectivePolicy) -> None:
    """Whether a policy lets a commit be read at all.

    Raises ``KrateError`` with MEMORY_LAYOUT_INVALID or MEMORY_ONTOLOGY_INVALID.
    """
    manifest = opened.manifest
    if not opened.source.root_present:
        raise KrateError(
            "MEMORY_LAYOUT_INVALID", f"there is no memory root {manifest.root}", hint="name it with --root"
        )
    missing = [path for path in REQUIRED_ENTRIES if path not in opened.columns.file_number]
    if missing and not opened.source.outside:
        raise KrateError(
            "MEMORY_LAYOUT_INVALID",
            f"{missing[0]} is missing: this is no brain, or not where it is looked for",
            hint="name the folder with --root, or an ontology for a foreign brain with --ontology "
            "(`krate-gitops brain ontology infer` drafts one)",
            location=manifest.root or ".",
        )
    if policy.require_ontology_valid and manifest.result == "invalid":
        raise KrateError(
            "MEMORY_ONTOLOGY_INVALID",
            "the policy requires a valid ontology, and this commit's is not",
            hint="see `krate-gitops brain validate`",
            location=manifest.commit,
        )
