"""A board for tests of run imports: a brain that knows a code repository, a finished run, and who reviews."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from krate_gitops.brain.seed import seed_files
from krate_gitops.settings import Settings
from krate_gitops.updates.imports.ledger import HeldImport, ImportLedger
from krate_gitops.updates.imports.locate import locate
from krate_gitops.updates.imports.review import decide_import, merge_import
from krate_gitops.updates.imports.run_import import ImportRequest, import_again, run_import
from krate_gitops.updates.ledger import Ledger
from krate_gitops.updates.model import Verdict
from krate_gitops.updates.review import Opinion
from tests.repos import Content, git
from tests.unit.memory.world import record
from tests.unit.updates.imports.sources import EVENTS, Workspace
from tests.updates import OWNER, STRANGER, UPDATED, Board

NOW = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)
_SEED = seed_files("acme")
_WORDS = "ontology/controlled-vocabulary.yaml"
FILES: dict[str, Content] = {
    **_SEED,
    _WORDS: _SEED[_WORDS].replace(
        b"owners: {closed: true, values: []}", b'owners: {closed: true, values: ["user:dana"]}'
    ),
    "graph/teams/core.yaml": record(
        "Team", "team:core", owners=["user:dana"], title="Core", updatedAt=UPDATED,
        lead="user:dana", members=["user:dana", "user:ravi"],
    ),
    "graph/repositories/payments.yaml": record(
        "Repository", "repository:payments", owners=["team:core"], title="payments", updatedAt=UPDATED
    ),
}  # fmt: skip
"""A brain that knows a team and the code repository that runs work for."""


class ImportBoard(Board):
    """A board with a brain that knows the code repository, and a workspace with a finished run."""

    def __init__(self, folder: Path, settings: Settings, **how: Any) -> None:
        settings = msgspec.structs.replace(settings, organization="acme")
        super().__init__(folder, settings, FILES, **how)
        self.clock = NOW
        self.workspace = Workspace(folder).record().journal(EVENTS)

    def request(self, **body: Any) -> ImportRequest:
        told = {name: body.pop(name) for name in tuple(body) if name in ImportRequest.__struct_fields__}
        return ImportRequest(spec=self.workspace.spec(**body), places=locate(self.workspace.run), **told)

    def run(self, who: str = STRANGER, **body: Any) -> HeldImport:
        return run_import(self.desk(who), self.request(**body))[0]

    def again(self, held: HeldImport, *, tier: str | None = None, **body: Any) -> HeldImport:
        return import_again(self.desk(STRANGER), held.name, self.request(**body), tier=tier)

    def review(self, held: HeldImport, verdict: Verdict = Verdict.APPROVE, who: str = OWNER, **how: Any) -> HeldImport:
        comment = "" if verdict is Verdict.APPROVE else "No."
        return decide_import(self.desk(who), held.name, Opinion(verdict=verdict, comment=comment, **how))

    def land(self, held: HeldImport, who: str = STRANGER) -> HeldImport:
        return merge_import(self.desk(who), held.name)

    def merged(self, **body: Any) -> HeldImport:
        return self.land(self.review(self.run(**body)))

    def imports(self) -> list[HeldImport]:
        return ImportLedger(self.desk(OWNER)).listed()

    def reviewed(self, held: HeldImport) -> Any:
        return Ledger(self.desk(OWNER)).find(held.document.status.update_ref or "")

    def branches(self) -> list[str]:
        listed = git(self.repo.git_dir, "for-each-ref", "--format=%(refname:short)", "refs/heads/krate/")
        return listed.decode().split()
