"""What asking for memory leaves on record: that it was told, that it was refused, and that somebody knew."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krate_gitops.encoding import json_text
from krate_gitops.errors import KrateError, UsageError
from krate_gitops.git.request import RefMode, RefRequest
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.recall import file_form, recall
from krate_gitops.memory.take import tag_snapshot
from krate_gitops.memory.trail import record_acknowledgement
from krate_gitops.records.audit_filter import AuditFilter
from krate_gitops.records.audit_query import tail
from krate_gitops.records.audit_record import AuditRecord
from krate_gitops.records.audit_verify import verify
from krate_gitops.settings import Settings
from tests.snapshots import Desk
from tests.unit.scan.planted import VARIANTS, planted


@pytest.fixture
def desk(tmp_path: Path, database_settings: Settings) -> Desk:
    return Desk(tmp_path, database_settings)


def trail(desk: Desk) -> tuple[AuditRecord, ...]:
    with desk.database.reading() as connection:
        assert verify(connection, "local").ok
        return tail(connection, AuditFilter(organization="local"), after=0, limit=500).items


def refused(desk: Desk, **asked: Any) -> AuditRecord:
    """The record of a snapshot that is not made."""
    before = len(trail(desk))
    with pytest.raises(KrateError) as error:
        desk.take(**asked)
    [*_, last] = records = trail(desk)[before:]
    assert {record.decision.allowed for record in records} == {False}
    assert error.value.code in {record.decision.reason for record in records} | {"MEMORY_ONTOLOGY_INVALID"}
    return last


def test_a_snapshot_leaves_its_ref_its_question_and_itself_and_not_a_word_of_them(desk: Desk) -> None:
    desk.take("needle")
    told = trail(desk)
    made = ["MemoryRefResolved", "MemoryQueryExecuted", "MemorySnapshotCreated"]
    assert [record.type for record in told] == [*made, "MemoryOntologyInvalid"]  # of this brain it is invalid
    assert "needle" not in json_text(told)


def test_known_bad_memory_that_is_refused_is_on_record_and_so_is_who_takes_it_nonetheless(desk: Desk) -> None:
    desk.mark(desk.first)
    assert refused(desk).decision.codes == ("MEMORY_SNAPSHOT_KNOWN_BAD",)
    desk.take(acknowledge=True)
    resolved = next(record for record in reversed(trail(desk)) if record.type == "MemoryRefResolved")
    assert resolved.details["acknowledgeKnownBad"] is True


def test_nobody_is_said_to_have_acknowledged_what_nobody_was_asked_about(desk: Desk) -> None:
    desk.take(acknowledge=False)
    assert "acknowledgeKnownBad" not in trail(desk)[0].details


def test_an_unapproved_commit_that_is_refused_is_on_record(desk: Desk) -> None:
    commit = desk.repo.commit({"notes/x.md": "x\n"}, branch="side", message="aside")
    wanted = RefRequest(mode=RefMode.EXPLICIT_REF, requested_ref=commit)
    assert refused(desk, ref=wanted).decision.codes == ("MEMORY_REF_NOT_APPROVED",)


def test_an_invalid_ontology_that_blocks_is_on_record_once_beside_each_refusal(desk: Desk) -> None:
    desk.repo.commit({"graph/bad.yaml": "nodeKind: Nothing\nid: nothing:a\n"}, message="bad")
    policy = msgspec.structs.replace(owner_policy(), require_ontology_valid=True)
    last = refused(desk, policy=policy)
    assert (last.type, last.details["blocking"]) == ("MemoryOntologyInvalid", True)
    assert last.details["errors"] > 0
    assert refused(desk, policy=policy).type == "MemoryRefResolved"
    desk.take()  # without that policy it is read, and said not to block
    told = [record.details["blocking"] for record in trail(desk) if record.type == "MemoryOntologyInvalid"]
    assert told == [True, False]


def test_what_merely_fails_is_no_decision(desk: Desk) -> None:
    with pytest.raises(KrateError, match="nowhere"):
        desk.take(ref="nowhere")
    assert trail(desk) == ()


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_question_that_holds_a_secret_is_not_kept(desk: Desk, variant: str) -> None:
    text, value = planted(variant, random.Random(3))
    for asked in ({"words": text[:900]}, {"words": "needle", "include": (text,)}, {"words": "needle", "run": text}):
        with pytest.raises(UsageError, match="secret"):
            desk.take(**asked)  # type: ignore[arg-type]
    assert value.encode() not in desk.bytes_of_all_tables()


def test_a_tag_is_on_record_before_it_is_made_and_after(desk: Desk) -> None:
    kept = desk.take()
    name = tag_snapshot(desk.brain(), desk.database, kept)
    intent, outcome = trail(desk)[-2:]
    assert (intent.type, intent.stage, "tag" in intent.details) == ("MemorySnapshotTagged", "intent", False)
    assert (outcome.stage, outcome.details["tag"]) == ("outcome", name)


def test_who_takes_bad_memory_again_is_on_record(desk: Desk) -> None:
    kept = desk.take()
    record_acknowledgement(desk.database, kept.snapshot, "ada")
    last = trail(desk)[-1]
    assert (last.actor.name, last.details["acknowledgeKnownBad"]) == ("ada", True)
    assert last.details["commit"] == kept.snapshot.spec.resolved_commit


def test_a_file_says_what_the_store_has_learnt_since_it_was_written(desk: Desk, tmp_path: Path) -> None:
    kept = desk.take()
    file = tmp_path / "told.json"
    file.write_text(json_text(file_form(kept)))
    desk.mark(desk.first)
    assert recall(desk.database, str(file), "local").snapshot.status.known_bad is not None
    assert recall(None, str(file), "local").snapshot.status.known_bad is None


def test_every_snapshot_has_fences_of_its_own(desk: Desk) -> None:
    assert desk.take(request_id="one").origin.fence != desk.take(request_id="two").origin.fence
