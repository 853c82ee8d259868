"""A desk for tests of snapshots: a small brain, a record store, and questions that are frozen."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from sqlalchemy import text

from krate_gitops.git.request import RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.freeze import Occasion
from krate_gitops.memory.known_bad import Evidence, Marked, mark
from krate_gitops.memory.policy import EffectivePolicy, owner_policy
from krate_gitops.memory.recall import Kept, recall
from krate_gitops.memory.reopen import reopen
from krate_gitops.memory.replay import Replay, replay
from krate_gitops.memory.snapshot import Requester
from krate_gitops.memory.take import take
from krate_gitops.records.database import Database, open_database
from krate_gitops.records.tables import metadata
from krate_gitops.settings import Settings
from tests.repos import Content, RepoBuilder
from tests.unit.memory.world import ONTOLOGY, markdown, record, request

FILES: dict[str, Content] = {
    **ONTOLOGY,
    "runbooks/a.md": markdown(
        "Runbook", "runbook:a", "# Replay\n\nA needle here.\n", title="Replay", summary="Needle."
    ),
    "graph/s.yaml": record("Service", "service:s", title="Needle", edges={"depends_on": ["runbook:a"]}),
    "notes/n.md": "# N\n\nOne needle.\n\nAnother line.\n",
}
WORD = "needle"
REQUESTER = Requester("User", "tester")


class Desk:
    """Two commits of a brain; snapshots are taken of it, and told again."""

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        files: Mapping[str, Content] = FILES,
        *,
        object_format: str = "sha1",
        name: str = "brain",
    ) -> None:
        self.settings = msgspec.structs.replace(settings, jobs=1)
        self.repo = RepoBuilder(folder / name, object_format=object_format)
        self.first = self.repo.commit(files, message="first")
        self.second = self.repo.commit({"notes/n.md": "# N\n\nTwo needles.\n\nAnother needle.\n"}, message="second")
        self.spec = str(self.repo.path)

    @property
    def database(self) -> Database:
        return open_database(self.settings)

    def brain(self, **how: Any) -> Brain:
        return Brain(self.spec, settings=self.settings, **how)

    def take(
        self,
        words: str = WORD,
        *,
        ref: str | RefRequest | None = None,
        policy: EffectivePolicy | None = None,
        request_id: str | None = None,
        run: str | None = None,
        acknowledge: bool = False,
        ontology_dir: Path | None = None,
        **asked: Any,
    ) -> Kept:
        """A snapshot of a question; ``asked`` as for ``World.ask``."""
        wanted = RefRequest(requested_ref=ref) if ref is None or isinstance(ref, str) else ref
        occasion = Occasion(
            requester=REQUESTER, request_id=request_id, dispatch_run=run, acknowledges_known_bad=acknowledge
        )
        return take(
            self.brain(ontology_dir=ontology_dir),
            self.database,
            wanted,
            request(words, **asked),
            policy or owner_policy(),
            occasion,
        )

    def again(self, kept: Kept) -> Kept:
        """The snapshot as it lies in the store now."""
        return recall(self.database, kept.snapshot.metadata.name, self.settings.organization)

    def replay(self, kept: Kept, **place: Any) -> Replay:
        return replay(reopen(kept, settings=self.settings, **place), kept)

    def mark(self, start: str, end: str | None = None, **evidence: Any) -> Marked:
        told = Evidence(**({"reason": "wrong vault", "marked_by": "tester"} | evidence))
        return mark(self.brain(), self.database, start, end, told)

    def bytes_of_all_tables(self) -> bytes:
        """Every value of every row of the store, material unpacked."""
        with self.database.reading() as connection:
            rows = [row for table in metadata.sorted_tables for row in connection.execute(table.select())]
        return b"\n".join(_unpacked(value) for row in rows for value in row)

    def execute(self, *statements: str, **parameters: Any) -> None:
        """Changes rows behind the back of the triggers, which are dropped first."""
        with self.database.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL session_replication_role = replica"))
            else:
                names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars()
                for name in names.all():
                    connection.execute(text(f"DROP TRIGGER {name}"))
            for statement in statements:
                connection.execute(text(statement), parameters)


def _unpacked(value: object) -> bytes:
    return zstandard.ZstdDecompressor().decompress(value) if isinstance(value, bytes) else str(value).encode()
