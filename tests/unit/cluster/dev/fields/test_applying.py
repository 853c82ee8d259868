"""Server-side apply."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.fields import apply
from tests.unit.cluster.dev.fields.widgets import EARLY, LATER, SCHEMA, applied, owners, times, updated, widget


def refusal(live: Any, spec: Any, manager: str = "beta", **more: Any) -> ApiFailure:
    with pytest.raises(ApiFailure) as caught:
        applied(live, spec, manager, **more)
    return caught.value


def test_a_manager_owns_what_it_sent() -> None:
    live = applied(None, {"size": 1, "labels": {"a": "1"}, "map": [{"name": "a"}], "set": ["s"], "plain": ["p"]})
    assert owners(live)["alpha/Apply"] == {
        "f:spec": {
            "f:size": {},
            "f:labels": {"f:a": {}},
            "f:map": {'k:{"name":"a"}': {".": {}, "f:name": {}}},
            "f:set": {'v:"s"': {}},
            "f:plain": {},
        }
    }
    assert times(live) == {"alpha": EARLY}


def test_an_apply_that_owns_nothing_leaves_no_entry() -> None:
    assert "managedFields" not in applied(None, None)["metadata"]
    assert owners(applied(None, {"set": [], "map": []})) == {}
    assert owners(applied(None, {"plain": [], "labels": {}}))["alpha/Apply"] == {
        "f:spec": {"f:plain": {}, "f:labels": {}}
    }


def test_applying_the_same_again_gives_the_live_object_itself() -> None:
    live = applied(None, {"size": 1, "labels": {"a": "1"}, "map": [{"name": "a"}], "plain": []})
    assert applied(live, {"size": 1, "labels": {"a": "1"}, "map": [{"name": "a"}], "plain": []}, now=LATER) is live


def test_a_change_sets_the_time() -> None:
    live = applied(applied(None, {"size": 1}), {"size": 2}, now=LATER)
    assert live["spec"] == {"size": 2}
    assert times(live) == {"alpha": LATER}


def test_a_new_owner_of_the_same_values_has_no_time() -> None:
    live = applied(applied(None, {"size": 1}), {"size": 1}, "beta", now=LATER)
    assert times(live) == {"alpha": EARLY, "beta": ""}


def test_what_is_no_longer_sent_goes_unless_somebody_else_owns_it() -> None:
    live = applied(
        applied(None, {"size": 1, "note": "n", "labels": {"a": "1"}}), {"size": 1, "labels": {"b": "2"}}, "beta"
    )
    assert applied(live, None)["spec"] == {"size": 1, "labels": {"b": "2"}}
    assert "spec" not in applied(applied(live, None), None, "beta")


def test_a_map_that_somebody_owns_stays_empty() -> None:
    live = applied(applied(None, {"labels": {}}), {"labels": {"a": "1"}}, "beta")
    assert applied(live, None, "beta")["spec"] == {"labels": {}}


def test_an_item_stays_with_what_another_manager_has_of_it() -> None:
    live = applied(None, {"map": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]})
    live = applied(live, {"map": [{"name": "a", "extra": "x"}]}, "beta")
    assert applied(live, {"map": []})["spec"]["map"] == [{"name": "a", "extra": "x"}]


@pytest.mark.parametrize(
    ("live", "sent", "merged"),
    [
        ("ab", "ca", "cab"),
        ("cab", "ba", "cba"),
        ("cba", "zba", "czba"),
        ("xy", "yz", "xyz"),
        ("abc", "cb", "acb"),
        ("axb", "ba", "xba"),
    ],
)
def test_applied_items_come_in_the_applied_order(live: str, sent: str, merged: str) -> None:
    there = updated(None, {"set": list(live), "map": [{"name": name} for name in live]})
    got = applied(there, {"set": list(sent), "map": [{"name": name} for name in sent]})["spec"]
    assert "".join(got["set"]) == merged
    assert "".join(item["name"] for item in got["map"]) == merged


def test_another_order_is_a_change() -> None:
    live = applied(applied(None, {"set": ["a", "b"]}), {"set": ["b", "a"]}, now=LATER)
    assert live["spec"]["set"] == ["b", "a"]
    assert times(live) == {"alpha": LATER}


def test_default_keys_make_one_item() -> None:
    live = applied(None, {"ports": [{"port": 80}]})
    live = applied(live, {"ports": [{"port": 80, "protocol": "TCP", "name": "web"}]}, "beta")
    assert live["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "name": "web"}]


def test_a_conflict_names_managers_and_fields() -> None:
    live = updated(applied(None, {"size": 1, "labels": {"a": "1"}}), {"size": 1, "note": "n", "labels": {"a": "1"}})
    failure = refusal(live, {"size": 2, "note": "m", "labels": {"a": "2"}})
    assert (failure.code, failure.reason) == (409, "Conflict")
    assert failure.message == (
        'Apply failed with 3 conflicts: conflicts with "alpha":\n- .spec.size\n- .spec.labels.a\n'
        'conflicts with "editor" using example.com/v1:\n- .spec.note'
    )
    assert {cause.reason for cause in failure.causes} == {"FieldManagerConflict"}
    assert [cause.field for cause in failure.causes] == [".spec.size", ".spec.labels.a", ".spec.note"]


def test_one_conflict_is_said_in_one_line() -> None:
    live = applied(None, {"map": [{"name": "a", "value": "1"}]}, subresource="status")
    assert refusal(live, {"map": [{"name": "a", "value": "2"}]}).message == (
        'Apply failed with 1 conflict: conflict with "alpha" with subresource "status": .spec.map[name="a"].value'
    )


def test_an_update_by_the_same_name_is_another_owner() -> None:
    live = updated(applied(None, {"note": "a"}), {"note": "b"}, "alpha")
    assert 'conflict with "alpha" using' in refusal(live, {"note": "c"}, "alpha").message
    forced = applied(live, {"note": "c"}, "alpha", force=True)
    assert owners(forced) == {"alpha/Apply": {"f:spec": {"f:note": {}}}}


def test_force_takes_a_changed_field_from_everybody() -> None:
    live = applied(applied(None, {"size": 1, "note": "n"}), {"size": 1}, "beta")
    live = applied(live, {"size": 2}, "gamma", force=True)
    assert owners(live) == {"alpha/Apply": {"f:spec": {"f:note": {}}}, "gamma/Apply": {"f:spec": {"f:size": {}}}}


@pytest.mark.parametrize("field", ["plain", "atomicMap"])
def test_an_atomic_value_is_owned_as_one(field: str) -> None:
    one: Any = ["a"] if field == "plain" else {"a": "1"}
    two: Any = ["a", "b"] if field == "plain" else {"a": "1", "b": "2"}
    failure = refusal(applied(None, {field: one}), {field: two})
    assert [cause.field for cause in failure.causes] == [f".spec.{field}"]


def test_null_is_a_value() -> None:
    live = applied(None, {"note": "n", "labels": {"a": "1"}, "set": ["a"]})
    assert refusal(live, {"note": None}).causes[0].field == ".spec.note"
    emptied = applied(live, {"note": None, "labels": None, "set": None})["spec"]
    assert emptied == {"note": None, "labels": {}, "set": []}


@pytest.mark.parametrize(
    ("spec", "complaint"),
    [
        ({"shape": "round"}, ".spec.shape: field not declared in schema"),
        ({"size": "1"}, ".spec.size: expected numeric (int or float), got string"),
        ({"size": True}, ".spec.size: expected numeric (int or float), got bool"),
        ({"note": 1}, ".spec.note: expected string, got &value.valueUnstructured{Value:1}"),
        ({"set": ["a", "a"]}, '.spec.set: duplicate entries for key [="a"]'),
        ({"set": [None]}, ".spec.set: element 0: associative list without keys has an element that's an explicit null"),
        ({"map": [{"name": "a"}, {"name": "a"}]}, '.spec.map: duplicate entries for key [name="a"]'),
        (
            {"ports": [{"port": 1}, {"port": 1, "protocol": "TCP"}]},
            '.spec.ports: duplicate entries for key [port=1,protocol="TCP"]',
        ),
        (
            {"map": [{"value": "1"}]},
            '.spec.map: element 0: associative list with keys has an element that omits all key fields ["name"] '
            "(and doesn't have default values for any key fields)",
        ),
    ],
)
def test_what_the_schema_does_not_know_is_500(spec: Any, complaint: str) -> None:
    failure = refusal(None, spec)
    assert (failure.code, failure.reason) == (500, "")
    assert failure.message == (f"failed to create typed patch object (/x; example.com/v1, Kind=Widget): {complaint}")


def test_several_complaints_are_listed() -> None:
    assert refusal(None, {"shape": 1, "set": [{}]}).message.endswith(
        "errors:\n  .spec.shape: field not declared in schema\n"
        "  .spec.set: element 0: associative list without keys has an element that's a map type"
    )


def test_an_object_that_nobody_tracks_belongs_to_somebody_before() -> None:
    live = widget({"size": 1, "labels": {"a": "1"}}, uid="1")
    got = applied(live, {"size": 1}, "beta", now=LATER)
    assert owners(got) == {
        "beta/Apply": {"f:spec": {"f:size": {}}},
        "before-first-apply/Update": {"f:spec": {".": {}, "f:size": {}, "f:labels": {".": {}, "f:a": {}}}},
    }
    assert times(got) == {"beta": "", "before-first-apply": LATER}
    assert "before-first-apply" in refusal(live, {"size": 2}).message


def test_nobody_owns_what_every_object_of_the_kind_has() -> None:
    got = apply(
        None,
        widget({"size": 1}),
        manager="alpha",
        schema=SCHEMA,
        force=False,
        now=EARLY,
        empty={"spec": {}, "status": {}},
    )
    assert got["status"] == {}
    assert owners(got) == {"alpha/Apply": {"f:spec": {"f:size": {}}}}


def test_the_order_of_the_same_names_does_not_change_the_object() -> None:
    live = applied(None, {"size": 1, "note": "n"})
    assert applied(live, {"note": "n", "size": 1}) is live


def test_an_apply_leaves_its_arguments_alone() -> None:
    live = applied(None, {"map": [{"name": "a", "value": "1"}], "labels": {"a": "1"}})
    before = repr(live)
    sent = widget({"map": [{"name": "b"}], "labels": {"b": "1"}})
    sent_before = repr(sent)
    apply(live, sent, manager="alpha", schema=SCHEMA, force=True, now=LATER)
    assert (repr(live), repr(sent)) == (before, sent_before)
