"""Bodies of built-in kinds: types, empty values, spellings."""

from __future__ import annotations

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.cluster.dev.builtin.codec import Codec
from krate_gitops.cluster.dev.builtin.fields import (
    always,
    anything,
    binary,
    flag,
    int_or_string,
    kind_schema,
    list_of,
    mapping,
    micro_time,
    null_when_empty,
    number,
    pointer,
    public,
    quantity,
    record,
    text,
    time,
)
from krate_gitops.cluster.dev.builtin.registry import built_in_kinds
from krate_gitops.cluster.dev.failure import ApiFailure

SCHEMA = kind_schema(
    {
        "plain": text(),
        "size": number(),
        "on": flag(),
        "maybe": pointer(flag()),
        "said": always(text()),
        "rules": null_when_empty(list_of(text())),
        "at": time(),
        "exactly": micro_time(),
        "bytes": mapping(binary()),
        "texts": mapping(text()),
        "amount": mapping(quantity()),
        "port": int_or_string(),
        "free": anything(),
        "inner": pointer(record({"a": text()})),
        "rows": list_of(record({"a": text()})),
    }
)
CODEC = Codec("Thing", "v1", SCHEMA)


def decoded(**members: Any) -> dict[str, Any]:
    """What the codec makes of the members, but for those that are always there."""
    value, _ = CODEC.decode(members)
    return {name: item for name, item in value.items() if name not in CODEC.empty or item != CODEC.empty[name]}


def test_nothing_is_written_as_far_as_it_always_is() -> None:
    assert CODEC.decode({})[0] == {"metadata": {}, "said": "", "rules": None}


@pytest.mark.parametrize(
    ("given_value", "wanted"),
    [
        ({"plain": "", "size": 0, "on": False, "texts": {}, "rows": [], "rules": []}, {"rules": []}),
        ({"plain": None, "size": None, "maybe": None, "rules": None, "inner": None, "rows": None}, {}),
        ({"maybe": False, "inner": {}, "said": "x"}, {"maybe": False, "inner": {}, "said": "x"}),
        ({"texts": {"a": None}}, {"texts": {"a": ""}}),
        ({"size": 2.0}, {"size": 2}),
        ({"amount": {"cpu": "1000m", "pods": 3}}, {"amount": {"cpu": "1", "pods": "3"}}),
        ({"port": 80}, {"port": 80}),
        ({"port": "web"}, {"port": "web"}),
        ({"bytes": {"a": "AAEC\n"}}, {"bytes": {"a": "AAEC"}}),
        ({"at": "2001-02-03T04:05:06.7+01:00"}, {"at": "2001-02-03T03:05:06Z"}),
        ({"at": "0999-01-01T00:00:00Z"}, {"at": "0999-01-01T00:00:00Z"}),
        ({"exactly": "2001-01-01T00:00:00.123456Z"}, {"exactly": "2001-01-01T00:00:00.123456Z"}),
        ({"free": {"any": [None, {"thing": 1.5}]}}, {"free": {"any": [None, {"thing": 1.5}]}}),
    ],
)
def test_a_body_gets_the_form_in_which_the_server_keeps_it(given_value: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert decoded(**given_value) == wanted


@pytest.mark.parametrize(
    "members",
    [
        {"plain": 1},
        {"size": "1"},
        {"size": 1.5},
        {"size": True},
        {"size": 2**31},
        {"on": "true"},
        {"texts": {"a": 1}},
        {"texts": []},
        {"rows": {}},
        {"rows": [1]},
        {"inner": []},
        {"bytes": {"a": "%%"}},
        {"amount": {"cpu": "abc"}},
        {"amount": {"cpu": True}},
        {"amount": {"cpu": float("inf")}},
        {"port": 1.5},
        {"at": "yesterday"},
        {"at": "2001-02-30T00:00:00Z"},
        {"at": "٢٠٠١-02-03T00:00:00Z"},
        {"exactly": "2001-01-01T00:00:00Z"},
        {"exactly": "2001-01-01T00:00:00.5Z"},
        {"free": []},
        {"metadata": []},
        {"metadata": {"labels": {"a": 1}}},
        {"metadata": {"name": 1}},
    ],
)
def test_a_value_of_a_wrong_type_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ApiFailure) as caught:
        CODEC.decode(members)
    assert caught.value.code == 400
    assert caught.value.message.startswith('Thing in version "v1" cannot be handled as a Thing: ')


def test_unknown_fields_are_named_in_the_order_of_the_body_and_in_their_case() -> None:
    body = {"odd": 1, "metadata": {"Name": "x", "name": "y"}, "rows": [{"a": "1"}, {"b": 1}], "Plain": ""}
    value, unknown = CODEC.decode(body)
    assert unknown == ["odd", "metadata.Name", "rows[1].b", "Plain"]
    assert value["rows"] == [{"a": "1"}, {}]


def test_two_bodies_share_no_empty_value() -> None:
    first, second = CODEC.decode({})[0], CODEC.decode({})[0]
    first["metadata"]["name"] = "x"
    assert second["metadata"] == {}


@pytest.mark.parametrize("kind", built_in_kinds(), ids=lambda kind: f"{kind.group}/{kind.kind}")
def test_a_public_schema_has_no_private_members(kind: Any) -> None:
    assert "~" not in repr(public(kind.raw_schema))
    assert "~" not in repr(kind.schema)


_NAMES = st.sampled_from(
    ["metadata", "name", "labels", "spec", "data", "rules", "ports", "status", "type", "limits", "kind"]
)
_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(_NAMES, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.parametrize("kind", built_in_kinds(), ids=lambda kind: f"{kind.group}/{kind.kind}")
@given(body=st.dictionaries(_NAMES, _VALUES, max_size=4))
def test_any_body_is_read_once_and_for_all_or_refused(kind: Any, body: dict[str, Any]) -> None:
    before = deepcopy(body)
    with suppress(ApiFailure):
        value, _ = kind.decode(body)
        assert kind.decode(value) == (value, [])
    assert repr(body) == repr(before)
