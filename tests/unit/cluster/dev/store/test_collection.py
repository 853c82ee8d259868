"""Objects in memory: order, the past, and what listeners hear."""

from __future__ import annotations

import pytest

from krate_gitops.cluster.dev.store import collection as module
from krate_gitops.cluster.dev.store.collection import ADDED, DELETED, MODIFIED, Change, Collection, Entry, TooOldError


def entry(place: str, version: int) -> Entry:
    return Entry(place, version, {"metadata": {"name": place}})


def places(entries: list[Entry]) -> list[str]:
    return [each.place for each in entries]


def filled() -> Collection:
    objects = Collection(0)
    for version, place in enumerate(("x/b", "x/a", "x-b/z", "y/c"), start=1):
        objects.put(entry(place, version))
    return objects


def test_places_are_in_the_order_of_their_text() -> None:
    assert places(filled().entries()) == ["x-b/z", "x/a", "x/b", "y/c"]


def test_a_namespace_does_not_reach_into_one_whose_name_it_begins() -> None:
    assert places(filled().entries("x")) == ["x/a", "x/b"]


def test_a_list_goes_on_behind_a_place_that_is_gone() -> None:
    objects = filled()
    objects.remove(entry("x/a", 5))
    assert places(objects.entries("x", after="x/a")) == ["x/b"]


def test_an_older_state_is_seen_through_creations_changes_and_deletions() -> None:
    objects = filled()
    objects.put(entry("x/a", 5))
    objects.remove(entry("x/b", 6))
    objects.put(entry("x/c", 7))
    past = objects.entries_at(4, "x")
    assert [(each.place, each.version) for each in past] == [("x/a", 2), ("x/b", 1)]
    assert places(objects.entries("x")) == ["x/a", "x/c"]


def test_an_object_made_anew_is_the_old_one_in_the_past() -> None:
    objects = Collection(0)
    objects.put(entry("a", 1))
    objects.remove(entry("a", 2))
    objects.put(entry("a", 3))
    assert [each.version for each in objects.entries_at(1)] == [1]
    assert objects.entries_at(2) == []


def test_changes_after_a_version_leave_that_one_out() -> None:
    assert [change.entry.version for change in filled().changes_after(2)] == [3, 4]


def test_what_was_before_the_collection_is_too_old() -> None:
    objects = Collection(10)
    with pytest.raises(TooOldError) as error:
        objects.entries_at(9)
    assert error.value.oldest == 10
    with pytest.raises(TooOldError):
        objects.changes_after(9)


def test_the_past_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_LOG", 10)
    objects = Collection(0)
    for version in range(1, 12):
        objects.put(entry("a", version))
    assert objects.oldest == 5
    assert [change.entry.version for change in objects.changes_after(5)] == [6, 7, 8, 9, 10, 11]
    with pytest.raises(TooOldError):
        objects.changes_after(4)


def test_listeners_hear_what_was_before() -> None:
    heard: list[Change] = []
    objects = Collection(0)
    objects.listeners.add(heard.append)
    first = entry("a", 1)
    objects.put(first)
    objects.put(entry("a", 2))
    objects.remove(entry("a", 3))
    assert [change.type for change in heard] == [ADDED, MODIFIED, DELETED]
    assert heard[0].previous is None
    assert heard[1].previous is first


def test_a_view_is_made_once() -> None:
    made: list[object] = []
    one = entry("a", 1)
    for _ in range(3):
        one.view("key", lambda value: made.append(value) or value)
    assert len(made) == 1
