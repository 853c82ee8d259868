"""What is decided about each object before the server is asked again."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.inventory import Item
from krate_gitops.reconcile.classify import classify
from krate_gitops.reconcile.plan import Op, Step
from krate_gitops.reconcile.source import Source
from krate_gitops.resources.desired import Desired
from tests.unit.reconcile.world import desired, item_of, live_of, source, types_of

MAIN, OTHER = source(), source(name="other", uid="other-uid")


def step(
    one: Desired,
    live: dict[str, Any] | None,
    *,
    item: Item | None = None,
    by: Source = MAIN,
    served: bool = True,
) -> Step:
    lived = {one.id: live} if live is not None else {}
    inventory = {one.id: item} if item else {}
    [found] = classify(by, [one], lived, inventory, types_of(one) if served else {})
    return found


def test_an_absent_object_is_created() -> None:
    found = step(desired(), None)
    assert (found.op, found.is_drift) == (Op.CREATE, False)


def test_an_object_as_it_was_applied_is_unchanged() -> None:
    one = desired()
    assert step(one, live_of(one, MAIN), item=item_of(one)).op is Op.UNCHANGED


def test_another_value_is_an_update_with_its_fields() -> None:
    one = desired(spec={"organizationRef": "acme", "owner": "dana"})
    found = step(one, live_of(desired(), MAIN), item=item_of(one, digest="sha256:old"))
    assert found.op is Op.UPDATE
    assert "spec.owner" in found.changed_fields
    assert not found.is_drift


def test_a_kind_that_is_not_served_is_held_kr723() -> None:
    assert step(desired(), None, served=False).codes == ("KR723",)


def test_an_object_of_nobody_is_held_kr720_and_adopted_with_consent() -> None:
    one = desired()
    assert step(one, live_of(one, None)).codes == ("KR720",)
    consent = live_of(one, None, annotations={"krate.a5c.ai/adopt": "main"})
    found = step(one, consent)
    assert (found.op, found.fold) == (Op.UPDATE, True)
    assert step(one, live_of(one, None, annotations={"krate.a5c.ai/adopt": "other"})).codes == ("KR720",)


def test_an_object_of_another_source_is_held_kr722_and_taken_over_when_git_says_so() -> None:
    one = desired()
    assert step(one, live_of(one, OTHER)).codes == ("KR722",)
    moved = desired(annotations={"krate.a5c.ai/adopt": "other"})
    assert step(moved, live_of(one, OTHER)).op is Op.UPDATE
    wrong = desired(annotations={"krate.a5c.ai/adopt": "third"})
    assert step(wrong, live_of(one, OTHER)).codes == ("KR722",)


def test_marks_that_were_copied_to_an_object_we_never_applied_prove_nothing() -> None:
    one = desired()
    copied = live_of(one, MAIN)
    copied["metadata"]["managedFields"] = [{"manager": "kubectl-create", "operation": "Update", "fieldsV1": {}}]
    assert step(one, copied).op is Op.HOLD


def test_stripped_marks_do_not_lose_an_object_with_the_recorded_uid() -> None:
    one = desired()
    stripped = live_of(one, MAIN)
    stripped["metadata"]["annotations"] = {}
    assert step(one, stripped, item=item_of(one)).op is Op.UPDATE
    assert step(one, stripped, item=item_of(one, uid="another")).codes == ("KR720",)


def test_a_changed_value_of_the_same_content_is_drift_and_healed() -> None:
    one = desired()
    found = step(one, live_of(one, MAIN, spec={"organizationRef": "evil"}), item=item_of(one))
    assert (found.op, found.is_drift, found.codes) == (Op.UPDATE, True, ("KR740",))


def test_a_deleted_object_is_drift_and_made_again() -> None:
    one = desired()
    found = step(one, None, item=item_of(one))
    assert (found.op, found.is_drift) == (Op.CREATE, True)
    assert not step(one, None, item=item_of(one, uid="")).is_drift, "it may never have been made"


def test_healing_that_is_off_only_tells() -> None:
    one = desired()
    off = source({"syncPolicy": {"automated": {"selfHeal": False}}})
    found = step(one, live_of(one, off, spec={"organizationRef": "evil"}), item=item_of(one), by=off)
    assert (found.op, found.is_drift) == (Op.SKIP, True)


def test_a_moved_file_is_no_drift() -> None:
    one = desired()
    moved = Desired(one.id, one.value, one.digest, "b.yaml", 3)
    found = step(moved, live_of(one, MAIN), item=item_of(one))
    assert (found.op, found.is_drift) == (Op.UPDATE, False)


@pytest.mark.parametrize("kind", ["AgentServiceAccount", "AgentRoleBinding", "AgentSecretGrant", "AgentConfigGrant"])
def test_changed_rights_wait_for_a_person(kind: str) -> None:
    one = desired(kind)
    changed = live_of(one, MAIN, spec={"organizationRef": "evil"})
    held = step(one, changed, item=item_of(one))
    assert (held.op, held.is_drift, held.codes) == (Op.HOLD, True, ("KR740",))
    seen = held.before
    acknowledged = live_of(
        one, MAIN, spec={"organizationRef": "evil"}, annotations={"krate.a5c.ai/drift-ack": str(seen)}
    )
    assert step(one, acknowledged, item=item_of(one)).op is Op.UPDATE
    stale = live_of(one, MAIN, spec={"organizationRef": "worse"}, annotations={"krate.a5c.ai/drift-ack": str(seen)})
    assert step(one, stale, item=item_of(one)).op is Op.HOLD
    revert = source({"drift": {"privileged": "revert"}})
    assert step(one, changed, item=item_of(one), by=revert).op is Op.UPDATE


def test_deleted_rights_come_back_when_the_source_acknowledges_it() -> None:
    one = desired("AgentRoleBinding")
    assert step(one, None, item=item_of(one)).op is Op.HOLD
    acknowledging = source(None, annotations={"krate.a5c.ai/drift-ack": one.digest})
    assert step(one, None, item=item_of(one), by=acknowledging).op is Op.CREATE


@pytest.mark.parametrize("where", ["git", "live"])
def test_reconcile_disabled_leaves_an_object_alone_kr732(where: str) -> None:
    off = {"krate.a5c.ai/reconcile": "disabled"}
    one = desired(annotations=off) if where == "git" else desired()
    live = live_of(one, MAIN, spec={"organizationRef": "evil"}, annotations=off if where == "live" else {})
    found = step(one, live, item=item_of(one))
    assert (found.op, found.codes) == (Op.SKIP, ("KR732",))


def test_a_terminating_object_is_left_alone() -> None:
    one = desired()
    found = step(one, live_of(one, MAIN, deletionTimestamp="2026-01-01T00:00:00Z"), item=item_of(one))
    assert found.op is Op.SKIP
    assert "terminating since 2026" in found.reason


def test_objects_wait_for_their_namespace() -> None:
    value = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "krate-org-acme"}}
    from krate_gitops.digest import json_digest
    from krate_gitops.resources.object_id import id_of

    namespace = Desired(id_of(value), value, json_digest(value), "n.yaml", 0)
    one = desired()
    both = classify(MAIN, [namespace, one], {}, {}, types_of(namespace, one))
    assert [(found.op, found.deferred) for found in both] == [(Op.CREATE, False), (Op.CREATE, True)]
    alone = classify(MAIN, [namespace, one], {}, {}, types_of(one))
    assert [found.op for found in alone] == [Op.HOLD, Op.HOLD]
