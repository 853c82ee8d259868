"""Values against schemas: each fault in the words of a real server, and in its order."""

from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.cluster.dev.schemas.structural import compile_schema

INVALID, TYPE = "FieldValueInvalid", "FieldValueTypeInvalid"


def faults(field: dict[str, Any], value: Any, old: Any = None) -> list[tuple[str, str, str]]:
    """The faults of ``spec.x``, each as (reason, field, message)."""
    structural = compile_schema(
        {"type": "object", "properties": {"spec": {"type": "object", "properties": {"x": field}}}}
    )
    before = None if old is None else {"spec": {"x": old[0], "more": 1}}
    found = structural.validate({"spec": {"x": value}}, before)
    return [(fault.reason, fault.field, fault.message) for fault in found]


@pytest.mark.parametrize(
    ("field", "value", "reason", "message"),
    [
        (
            {"type": "string", "minLength": 2},
            "a",
            INVALID,
            'Invalid value: "a": spec.x in body should be at least 2 chars long',
        ),
        ({"type": "string", "maxLength": 2}, "abc", "FieldValueTooLong", "Too long: may not be more than 2 bytes"),
        (
            {"type": "string", "pattern": "^a+$"},
            "b",
            INVALID,
            "Invalid value: \"b\": spec.x in body should match '^a+$'",
        ),
        (
            {"type": "integer", "minimum": 1},
            0,
            INVALID,
            "Invalid value: 0: spec.x in body should be greater than or equal to 1",
        ),
        (
            {"type": "integer", "maximum": 1},
            2,
            INVALID,
            "Invalid value: 2: spec.x in body should be less than or equal to 1",
        ),
        (
            {"type": "number", "minimum": 0, "exclusiveMinimum": True},
            0,
            INVALID,
            "Invalid value: 0: spec.x in body should be greater than 0",
        ),
        (
            {"type": "number", "maximum": 0.5, "exclusiveMaximum": True},
            0.5,
            INVALID,
            "Invalid value: 0.5: spec.x in body should be less than 0.5",
        ),
        (
            {"type": "integer", "multipleOf": 2},
            3,
            INVALID,
            "Invalid value: 3: spec.x in body should be a multiple of 2",
        ),
        (
            {"type": "string", "enum": ["a", "b"]},
            "c",
            "FieldValueNotSupported",
            'Unsupported value: "c": supported values: "a", "b"',
        ),
        (
            {"type": "integer", "enum": [1, 2]},
            3,
            "FieldValueNotSupported",
            'Unsupported value: 3: supported values: "1", "2"',
        ),
        ({"type": "string"}, 1, TYPE, 'Invalid value: "integer": spec.x in body must be of type string: "integer"'),
        ({"type": "integer"}, "1", TYPE, 'Invalid value: "string": spec.x in body must be of type integer: "string"'),
        ({"type": "boolean"}, 1, TYPE, 'Invalid value: "integer": spec.x in body must be of type boolean: "integer"'),
        (
            {"type": "integer"},
            True,
            TYPE,
            'Invalid value: "boolean": spec.x in body must be of type integer: "boolean"',
        ),
        ({"type": "object"}, [], TYPE, 'Invalid value: "array": spec.x in body must be of type object: "array"'),
        (
            {"type": "array", "items": {"type": "string"}},
            {},
            TYPE,
            'Invalid value: "object": spec.x in body must be of type array: "object"',
        ),
        ({"type": "string"}, None, TYPE, 'Invalid value: "null": spec.x in body must be of type string: "null"'),
        (
            {"x-kubernetes-int-or-string": True},
            True,
            TYPE,
            'Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean"',
        ),
        (
            {"type": "string", "format": "date-time"},
            "now",
            TYPE,
            'Invalid value: "now": spec.x in body must be of type date-time: "now"',
        ),
        (
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            [],
            INVALID,
            "Invalid value: 0: spec.x in body should have at least 1 items",
        ),
        (
            {"type": "array", "items": {"type": "string"}, "maxItems": 1},
            ["a", "b"],
            "FieldValueTooMany",
            "Too many: 2: must have at most 1 items",
        ),
        (
            {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}},
            {"a": "", "b": ""},
            "FieldValueTooMany",
            "Too many: 2: must have at most 1 items",
        ),
        (
            {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}},
            {},
            INVALID,
            "Invalid value: 0: spec.x in body should have at least 1 properties",
        ),
    ],
)
def test_each_fault_has_the_reason_and_the_words_of_the_server(
    field: dict[str, Any], value: Any, reason: str, message: str
) -> None:
    assert faults(field, value) == [(reason, "spec.x", message)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ({"type": "string", "minLength": 1, "maxLength": 2, "pattern": "b"}, "üb"),
        ({"type": "integer"}, 2.0),
        ({"type": "number"}, 2),
        ({"type": "string", "nullable": True}, None),
        ({"type": "string", "nullable": True, "enum": ["a"]}, None),
        ({"x-kubernetes-int-or-string": True}, "50%"),
        ({"x-kubernetes-preserve-unknown-fields": True}, {"anything": [None, 1.5]}),
        ({"type": "string", "format": "date-time"}, "2001-02-03T04:05:06.789+01:00"),
        ({"type": "string", "format": "no-such-format"}, "x"),
        ({"type": "integer", "format": "int64"}, 2**63 - 1),
    ],
)
def test_what_fits_has_no_fault(field: dict[str, Any], value: Any) -> None:
    assert faults(field, value) == []


def test_lengths_count_characters_of_text_and_not_bytes() -> None:
    assert faults({"type": "string", "maxLength": 2}, "üü") == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            {"type": "integer", "format": "int32"},
            2**31,
            "Checked value must be of type integer with format int32 in spec.x",
        ),
        ({"type": "integer"}, 2**63, "Checked value must be of type integer (default format) in spec.x"),
    ],
)
def test_a_number_beyond_its_format_is_a_fault_of_no_field(field: dict[str, Any], value: Any, message: str) -> None:
    assert faults(field, value) == [(INVALID, "<nil>", f'Invalid value: "": {message}')]


def test_a_fraction_is_of_a_wrong_type_and_out_of_range() -> None:
    assert [fault[:2] for fault in faults({"type": "integer"}, 1.5)] == [(TYPE, "spec.x"), (INVALID, "<nil>")]


def test_a_boolean_is_not_a_value_of_an_enum_of_numbers() -> None:
    assert [fault[0] for fault in faults({"enum": [1]}, True)] == ["FieldValueNotSupported"]


def test_places_in_lists_are_indexes_and_in_maps_names() -> None:
    field = {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "integer"}}}
    assert [fault[1] for fault in faults(field, [{}, {"a": "", "b": 1}])] == ["spec.x[1].a"]


def test_missing_members_come_last_and_in_the_order_of_the_schema() -> None:
    field = {
        "type": "object",
        "required": ["d", "c"],
        "properties": {"a": {"type": "string"}, "c": {"type": "string"}, "d": {"type": "string"}},
    }
    assert faults(field, {"a": 1})[1:] == [
        ("FieldValueRequired", "spec.x.d", "Required value"),
        ("FieldValueRequired", "spec.x.c", "Required value"),
    ]


ONE_OF = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
    "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
}


def test_none_of_several_alternatives_is_explained_by_the_first() -> None:
    assert [fault[1:] for fault in faults(ONE_OF, {})] == [
        ("<nil>", 'Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found none valid'),
        ("spec.x.a", "Required value"),
    ]


def test_more_than_one_alternative_is_a_fault_where_one_is_asked_for() -> None:
    assert [fault[2] for fault in faults(ONE_OF, {"a": "1", "b": "2"})] == [
        'Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found 2 valid alternatives'
    ]


@pytest.mark.parametrize(
    ("composition", "value", "message"),
    [
        ({"anyOf": [{"minimum": 5}, {"maximum": 1}]}, 3, '"spec.x" must validate at least one schema (anyOf)'),
        ({"allOf": [{"minimum": 5}, {"maximum": 9}]}, 3, '"spec.x" must validate all the schemas (allOf)'),
        (
            {"allOf": [{"minimum": 5}, {"minimum": 9}]},
            3,
            '"spec.x" must validate all the schemas (allOf). None validated',
        ),
        ({"not": {"minimum": 3}}, 3, '"spec.x" must not validate the schema (not)'),
    ],
)
def test_compositions_that_fail_say_so(composition: dict[str, Any], value: int, message: str) -> None:
    assert f'Invalid value: "": {message}' in [fault[2] for fault in faults({"type": "integer", **composition}, value)]


@pytest.mark.parametrize(
    "composition",
    [{"anyOf": [{"minimum": 5}, {"maximum": 3}]}, {"allOf": [{"minimum": 1}, {"maximum": 3}]}, {"not": {"minimum": 9}}],
)
def test_compositions_that_hold_have_no_fault(composition: dict[str, Any]) -> None:
    assert faults({"type": "integer", **composition}, 3) == []


def test_a_value_that_was_wrong_before_may_stay() -> None:
    assert faults({"type": "integer", "maximum": 1}, 5, old=[5]) == []


def test_a_value_that_was_wrong_in_another_way_before_may_not() -> None:
    assert len(faults({"type": "integer", "maximum": 1}, 5, old=[6])) == 1


def test_true_is_not_the_same_as_one_was() -> None:
    assert [fault[0] for fault in faults({"type": "integer"}, True, old=[1])] == [TYPE]


def test_items_of_a_map_list_are_compared_by_their_keys() -> None:
    field = {
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["k"],
        "items": {"type": "object", "properties": {"k": {"type": "string"}, "v": {"type": "integer", "maximum": 1}}},
    }
    before = [{"k": "a", "v": 9}, {"k": "b", "v": 1}]
    assert faults(field, [{"k": "b", "v": 0}, {"k": "a", "v": 9}], old=[before]) == []
    assert [fault[1] for fault in faults(field, [{"k": "a", "v": 8}], old=[before])] == ["spec.x[0].v"]


def test_the_status_alone_is_checked_where_only_it_is_written() -> None:
    structural = compile_schema(
        {
            "type": "object",
            "properties": {
                "spec": {"type": "object", "required": ["x"]},
                "status": {"type": "object", "properties": {"ready": {"type": "integer"}}},
            },
        }
    )
    found = structural.validate({"spec": {}, "status": {"ready": "many"}}, {"spec": {}}, subresource="status")
    assert [(fault.field, fault.message) for fault in found] == [
        ("status.ready", 'Invalid value: "string": ready in body must be of type integer: "string"')
    ]


def test_items_of_sets_and_map_lists_may_not_repeat() -> None:
    assert faults({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}, ["a", "b", "a"]) == [
        ("FieldValueDuplicate", "spec.x[2]", 'Duplicate value: "a"')
    ]


def test_a_pattern_that_is_no_expression_can_not_be_compiled() -> None:
    with pytest.raises(ValueError, match="regular expression"):
        compile_schema({"type": "string", "pattern": "(?=look)"})
