"""Plans, inventories, conditions and sources as values."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krate_gitops.cluster.inventory import MAX_BYTES, inventory_value, read_inventory, united
from krate_gitops.errors import DeniedError, KrateError, UsageError
from krate_gitops.reconcile.conditions import Verdict, merged, ready_verdict
from krate_gitops.reconcile.diff import changes, summary
from krate_gitops.reconcile.plan import Op, Step, plan_of
from krate_gitops.reconcile.source import duration, read_source_file, source_of
from tests.unit.reconcile.world import desired, item_of, live_of, source

MAIN = source()


def step(name: str = "x", *, op: Op = Op.CREATE, live: dict[str, Any] | None = None, kind: str = "AgentSkill") -> Step:
    one = desired(kind, name)
    return Step(id=one.id, wave=one.wave, desired=one, op=op, live=live)


def test_a_plan_does_not_hang_on_the_order_of_its_steps() -> None:
    steps = [step("b"), step("a"), step("x", kind="AgentServiceAccount")]
    forward, backward = plan_of("s", "uid", "c", steps), plan_of("s", "uid", "c", reversed(steps))
    assert forward == backward
    assert [one.identity.rpartition("/")[2] for one in forward.entries] == ["x", "a", "b"]


@pytest.mark.parametrize("changed", ["uid", "commit", "op", "reason", "fields", "live"])
def test_a_plan_digest_covers_source_commit_and_entries(changed: str) -> None:
    base = plan_of("s", "uid", "c", [step()])
    other = step(op=Op.UPDATE if changed == "op" else Op.CREATE)
    if changed == "reason":
        other.reason = "another"
    if changed == "fields":
        other.changed_fields = ("spec.x",)
    if changed == "live":
        other.live = live_of(desired("AgentSkill"), MAIN)
    uid, commit = "other" if changed == "uid" else "uid", "d" if changed == "commit" else "c"
    assert plan_of("s", uid, commit, [other]).plan_digest != base.plan_digest


def test_a_live_object_with_null_in_a_list_has_a_digest() -> None:
    one = desired(spec={"organizationRef": "acme", "list": [1]})
    live = live_of(one, MAIN, spec={"organizationRef": "acme", "list": [None]})
    assert Step(id=one.id, wave=1, desired=one, live=live).before


def test_an_inventory_survives_being_stored() -> None:
    one, two = desired(name="a"), desired("AgentServiceAccount", "b")
    inventory = {item.id: item for item in (item_of(one), item_of(two, uid=""))}
    stored = inventory_value(inventory)
    assert [item["wave"] for item in stored] == [1, 4]
    assert read_inventory({"inventory": stored}) == inventory
    assert read_inventory({}) == {}


def test_the_union_keeps_what_is_known_of_an_object() -> None:
    one, two = desired(name="a"), desired(name="b")
    known = item_of(one, digest="sha256:old")
    both = united({one.id: known}, [item_of(one, uid=""), item_of(two, uid="")])
    assert both == {one.id: known, two.id: item_of(two, uid="")}


def test_a_broken_inventory_is_refused_not_taken_for_an_empty_one() -> None:
    for broken in ([{"identity": "x"}], [{**msgspec.to_builtins(item_of(desired())), "identity": "x/y"}], "x"):
        with pytest.raises(KrateError, match="inventory") as caught:
            read_inventory({"inventory": broken})
        assert caught.value.code == "SOURCE_STATUS_INVALID"


def test_an_inventory_that_would_not_fit_is_refused_kr706() -> None:
    items = [item_of(desired(name=f"x{number}", spec={"organizationRef": "a"})) for number in range(6000)]
    with pytest.raises(KrateError, match=str(MAX_BYTES)) as caught:
        inventory_value({item.id: item for item in items})
    assert caught.value.code == "KR706"


def test_conditions_move_their_time_only_with_their_status() -> None:
    first, changed = merged([], [Verdict("Applied", True, "Applied")], generation=1, now="1")
    assert [one.status for one in changed] == ["True"]
    same, changed = merged(first, [Verdict("Applied", True, "Applied", "again")], generation=2, now="2")
    assert (changed, same[0]["lastTransitionTime"], same[0]["observedGeneration"]) == ([], "1", 2)
    other, changed = merged(same, [Verdict("Applied", False, "ApplyFailed")], generation=2, now="3")
    assert (len(changed), other[0]["lastTransitionTime"]) == (1, "3")
    reason, changed = merged(other, [Verdict("Applied", False, "ObjectsHeld")], generation=2, now="4")
    assert (len(changed), reason[0]["lastTransitionTime"]) == (1, "3")


def test_messages_of_conditions_are_short() -> None:
    [one], _ = merged([], [Verdict("Applied", True, "Applied", "x" * 5000)], generation=1, now="1")
    assert len(one["message"]) == 1024


def test_ready_takes_the_reason_of_the_first_condition_that_fails() -> None:
    good = [{"type": name, "status": "True"} for name in
            ("SourceResolved", "Rendered", "Validated", "PermissionsReviewed", "Applied", "Pruned", "DriftFree",
             "Healthy")]  # fmt: skip
    assert ready_verdict(good, is_current=True).holds
    assert not ready_verdict(good, is_current=False).holds
    bad = [*good[:3], {"type": "PermissionsReviewed", "status": "False", "reason": "ApplyDenied"}, *good[4:]]
    bad[6] = {"type": "DriftFree", "status": "False", "reason": "DriftDetected"}
    assert ready_verdict(bad, is_current=True).reason == "ApplyDenied"


def test_a_source_has_its_defaults_and_its_own_namespace() -> None:
    written = source_of({"kind": "GitOpsSource", "metadata": {"name": "s"},
                         "spec": {"organizationRef": "acme", "source": {"repoURL": "https://g/x.git"}}})  # fmt: skip
    assert written.namespace == "krate-org-acme"
    assert (written.spec.service_account_name, written.interval) == ("krate-gitops", timedelta(minutes=5))
    assert (written.organization, written.is_platform) == ("acme", False)
    assert duration("1h30m") == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("namespace", "spec"),
    [
        ("krate-system", {"organizationRef": "acme"}),
        ("krate-org-acme", {"scope": "platform"}),
    ],
)
def test_a_source_lies_where_its_scope_says(namespace: str, spec: dict[str, Any]) -> None:
    with pytest.raises(DeniedError) as caught:
        source_of({"kind": "GitOpsSource", "metadata": {"name": "s", "namespace": namespace},
                   "spec": {"source": {"repoURL": "https://g/x.git"}, **spec}})  # fmt: skip
    assert caught.value.code == "ORG_NAMESPACE_MISMATCH"


def test_credentials_in_the_address_of_a_source_are_refused_and_not_repeated() -> None:
    with pytest.raises(UsageError) as caught:
        source({"source": {"repoURL": "https://dana:hunter2hunter2@g/x.git"}})
    assert "hunter2" not in str(caught.value)


def test_a_source_file_holds_one_source(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    text = (
        "apiVersion: krate.a5c.ai/v1alpha1\nkind: GitOpsSource\nmetadata: {name: s}\n"
        "spec:\n  organizationRef: acme\n  source: {repoURL: https://g/x.git}\n"
    )
    path.write_text(text)
    assert read_source_file(path).name == "s"
    for wrong in ("", f"{text}---\n{text}", "a: [", text.replace("repoURL", "repoUrl")):
        path.write_text(wrong)
        with pytest.raises(UsageError) as caught:
            read_source_file(path)
        assert caught.value.code == "SOURCE_INVALID"
    with pytest.raises(KrateError):
        read_source_file(tmp_path / "none.yaml")


def test_a_diff_shows_lines_and_hides_values_of_sensitive_kinds() -> None:
    one = desired("AgentSkill", spec={"organizationRef": "acme", "description": "new"})
    shown = step()
    shown.desired, shown.live = one, live_of(one, MAIN, spec={"organizationRef": "acme", "description": "old"})
    shown.op = Op.UPDATE
    [change] = changes([shown], MAIN)
    assert "-  description: old" in change.lines
    assert "+  description: new" in change.lines
    config = desired("AgentConfigGrant", spec={"organizationRef": "acme", "purpose": "planted-value"})
    hidden = Step(id=config.id, wave=2, desired=config, op=Op.UPDATE,
                  live=live_of(config, MAIN, spec={"organizationRef": "acme", "purpose": "other-value"}))  # fmt: skip
    [change] = changes([hidden], MAIN)
    text = "\n".join(change.lines)
    assert "planted-value" not in text
    assert "other-value" not in text
    assert "+  purpose: <hidden, changed>" in change.lines


def test_the_last_applied_annotation_of_kubectl_is_never_shown() -> None:
    one = desired()
    live = live_of(one, MAIN, annotations={"kubectl.kubernetes.io/last-applied-configuration": "planted-value"})
    gone = Step(id=one.id, wave=1, live=live, op=Op.PRUNE)
    [change] = changes([gone], MAIN)
    assert "planted-value" not in "\n".join(change.lines)


def test_a_summary_has_a_line_with_a_sign_for_all_but_unchanged_objects() -> None:
    held = step("held")
    held.hold("KR720", "not ours")
    lines = list(summary([step("new"), step("same", op=Op.UNCHANGED), held]))
    assert lines == ["! AgentSkill krate-org-acme/held [KR720]: not ours", "+ AgentSkill krate-org-acme/new"]
