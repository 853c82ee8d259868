"""Owners after writes that are no applies."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.fields import settled, track_update
from tests.unit.cluster.dev.fields.widgets import EARLY, LATER, SCHEMA, applied, owners, times, updated, widget


def test_who_creates_owns_all_of_it_and_the_maps() -> None:
    live = updated(None, {"size": 1, "labels": {"a": "1"}, "set": ["s"], "map": [{"name": "a"}]})
    assert owners(live)["editor/Update"] == {
        "f:spec": {
            ".": {},
            "f:size": {},
            "f:labels": {".": {}, "f:a": {}},
            "f:set": {".": {}, 'v:"s"': {}},
            "f:map": {".": {}, 'k:{"name":"a"}': {".": {}, "f:name": {}}},
        }
    }


def test_nobody_owns_what_every_object_of_the_kind_has() -> None:
    live = updated(None, {"size": 1}, empty={"spec": {}})
    assert owners(live)["editor/Update"] == {"f:spec": {"f:size": {}}}


def test_a_changed_field_moves_and_an_unchanged_one_does_not() -> None:
    live = updated(applied(None, {"size": 1, "note": "n"}), {"size": 2, "note": "n"}, now=LATER)
    assert owners(live) == {"alpha/Apply": {"f:spec": {"f:note": {}}}, "editor/Update": {"f:spec": {"f:size": {}}}}
    assert times(live) == {"alpha": EARLY, "editor": LATER}


def test_the_same_again_changes_nothing() -> None:
    live = updated(None, {"size": 1})
    assert updated(live, {"size": 1}, "other", now=LATER) == live


def test_a_removed_field_is_nobodys() -> None:
    live = updated(updated(None, {"size": 1, "labels": {"a": "1"}}), {"size": 1, "labels": {}}, "other", now=LATER)
    assert owners(live) == {"editor/Update": {"f:spec": {".": {}, "f:size": {}, "f:labels": {}}}}
    assert times(live) == {"editor": EARLY}


def test_another_change_of_the_same_field_sets_the_time() -> None:
    live = updated(updated(None, {"size": 1}), {"size": 2}, now=LATER)
    assert times(live) == {"editor": LATER}
    assert owners(live) == {"editor/Update": {"f:spec": {".": {}, "f:size": {}}}}


def test_a_true_is_no_one() -> None:
    live = updated(updated(None, {"anything": 1}), {"anything": True}, "other")
    assert owners(live)["other/Update"] == {"f:spec": {"f:anything": {}}}


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ([], True),
        (None, True),
        ([{"manager": "x", "operation": "Nothing"}], True),
        ([{"manager": "x", "operation": "Update", "apiVersion": "example.com/v1", "fieldsV1": {}}], True),
        (["x"], True),
        ([{}], False),
        (
            [
                {
                    "manager": "x",
                    "operation": "Update",
                    "apiVersion": "other/v9",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:spec": {}},
                }
            ],
            False,
        ),
    ],
)
def test_what_a_client_says_about_owners(given: Any, is_kept: bool) -> None:
    live = updated(None, {"size": 1})
    new = widget({"size": 1}, managedFields=given)
    got = track_update(live, new, manager="other", schema=SCHEMA, now=LATER)
    assert got["metadata"].get("managedFields") == (live["metadata"]["managedFields"] if is_kept else None)


def test_a_client_can_write_entries_of_its_own() -> None:
    entry = {
        "manager": "gitops", "operation": "Apply", "apiVersion": "example.com/v1", "time": EARLY,
        "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:size": {}, "f:gone": {}}},
    }  # fmt: skip
    live = updated(None, {"size": 1})
    new = widget({"size": 1}, managedFields=[entry])
    assert track_update(live, new, manager="x", schema=SCHEMA, now=LATER)["metadata"]["managedFields"] == [entry]
    by_status = track_update(live, new, manager="x", schema=SCHEMA, subresource="status", now=LATER)
    assert by_status["metadata"]["managedFields"] == live["metadata"]["managedFields"]


def test_an_object_that_nobody_tracks_stays_so() -> None:
    live = widget({"size": 1}, uid="1")
    assert "managedFields" not in updated(live, {"size": 2})["metadata"]


def test_a_write_that_only_moved_times_is_the_old_object() -> None:
    live = applied(None, {"plain": ["a"]})
    same = applied(live, {"plain": ["b"]}, now=LATER)
    same["spec"] = live["spec"]
    assert settled(same, live) is live
    other = applied(live, {"plain": ["b"]}, now=LATER)
    assert settled(other, live) is other
    more = applied(live, {"plain": ["a"]}, "beta")
    assert settled(more, live) is more
