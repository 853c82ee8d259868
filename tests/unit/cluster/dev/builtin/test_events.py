"""Events: the older shape asks for little, the newer one for much."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.verbs.event_shapes import newer_shape, older_shape
from tests.unit.cluster.dev.builtin.pipeline import faults, kind_of, written

OLDER, NEWER = kind_of("events"), kind_of("events", "events.k8s.io")
GOOD: dict[str, Any] = {
    "regarding": {"kind": "Widget", "namespace": "here", "name": "w"},
    "eventTime": "2001-01-01T00:00:00.123456Z",
    "reason": "Failed",
    "note": "it failed",
    "action": "Apply",
    "reportingController": "example.com/gitops",
    "reportingInstance": "one",
    "type": "Warning",
}


def test_times_and_reporters_are_always_written() -> None:
    made = written(OLDER, {"involvedObject": {"namespace": "here"}})
    assert {name: made[name] for name in made if name not in ("apiVersion", "kind", "metadata")} == {
        "involvedObject": {"namespace": "here"},
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    }
    assert faults(OLDER, {"involvedObject": {"namespace": "here"}, "type": "Alarm"}) == []


@pytest.mark.parametrize("namespace", ["default", "", None])
def test_an_event_is_in_the_namespace_of_what_it_is_about(namespace: str | None) -> None:
    shown = namespace or ""
    assert faults(OLDER, {"involvedObject": {"namespace": namespace}}) == [
        f'involvedObject.namespace: Invalid value: "{shown}": does not match event.namespace'
    ]


def test_what_is_nowhere_has_events_in_the_default_namespace() -> None:
    assert faults(OLDER, {"metadata": {"namespace": "default"}, "involvedObject": {"kind": "Node"}}) == []


def test_names_of_older_ones_are_free() -> None:
    body = {"metadata": {"name": "w.1_A", "generateName": "w."}, "involvedObject": {"namespace": "here"}}
    assert faults(OLDER, body) == []
    assert any("metadata.name: " in fault for fault in faults(NEWER, {**GOOD, "metadata": {"name": "w.1_A"}}))


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, []),
        ({"action": None}, ["action: Required value"]),
        ({"reason": ""}, ["reason: Required value"]),
        ({"reportingInstance": None}, ["reportingInstance: Required value"]),
        ({"eventTime": None}, ["eventTime: Required value"]),
        ({"type": None}, ['type: Invalid value: "": has invalid value: ']),
        ({"type": "Alarm"}, ['type: Invalid value: "": has invalid value: Alarm']),
        ({"note": "n" * 1024}, []),
        ({"note": "n" * 1025}, ['message: Invalid value: "": can have at most 1024 characters']),
        ({"action": "a" * 129}, ['action: Invalid value: "": can have at most 128 characters']),
        (
            {"series": {"count": 1, "lastObservedTime": "2001-01-01T00:00:00.123456Z"}},
            ['series.count: Invalid value: "": should be at least 2'],
        ),
        ({"series": {"count": 2}}, ["series.lastObservedTime: Required value"]),
    ],
)
def test_newer_ones_say_who_did_what(change: dict[str, Any], wrong: list[str]) -> None:
    assert faults(NEWER, {**GOOD, **change}) == wrong


def test_a_newer_one_changes_in_its_series_only() -> None:
    old = written(NEWER, GOOD)
    series = {"count": 2, "lastObservedTime": "2001-01-01T00:00:00.123456Z"}
    assert faults(NEWER, {**GOOD, "series": series}, old) == []
    assert faults(NEWER, {**GOOD, "note": "other"}, old) == ['message: Invalid value: "other": field is immutable']


def test_both_shapes_show_the_same_in_a_table() -> None:
    newer = written(NEWER, {**GOOD, "series": {"count": 3, "lastObservedTime": "2001-01-01T00:00:00.123456Z"}})
    older, _ = OLDER.decode(older_shape(newer))
    again, _ = NEWER.decode(newer_shape(older))
    assert again == newer
    cells = [column.cell(newer) for column in NEWER.columns]
    assert [column.cell(older) for column in OLDER.columns] == cells
    assert cells[1:4] == ["Warning", "Failed", "widget/w"]
    assert cells[8] == 3
