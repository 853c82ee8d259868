"""Models, structural schemas and validation say the same of every object, right or wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.brain.yaml_exact import YamlRefused, parse_exact
from krate_gitops.resources import shapes
from krate_gitops.resources.defaults import with_defaults
from krate_gitops.resources.json_exact import parse_json
from krate_gitops.resources.kinds.inventory import MODELS, Kind
from krate_gitops.resources.parse import settle
from krate_gitops.resources.schema import editor_schema, structural
from krate_gitops.resources.shapes import Object, Sequence, Shape, Table, shape_of
from krate_gitops.resources.structure import breaches

_FEW = settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
_KINDS = pytest.mark.parametrize("kind", MODELS.values(), ids=list(MODELS))
_ASCII = st.characters(codec="ascii", exclude_categories=("Cc",))
_TEXT = st.text(_ASCII, min_size=1, max_size=8)
_PLAIN: st.SearchStrategy[Any] = st.one_of(st.integers(0, 9), st.booleans(), _TEXT)
_WRONG: st.SearchStrategy[Any] = st.one_of(
    st.just([]), st.just({}), st.just(""), st.just(-1), st.just(1.5), st.just(10**9), st.just("No Such Thing!"),
    st.just("x" * 300), st.booleans(),
)  # fmt: skip


def values(shape: Shape) -> st.SearchStrategy[Any]:
    """Values that fit a shape."""
    if isinstance(shape, Object):
        fields = {name: values(field.shape) for name, field in shape.fields.items()}
        required = {name: fields.pop(name) for name, field in shape.fields.items() if field.required}
        if shape.part.one_of:
            required[shape.part.one_of[0]] = fields.pop(shape.part.one_of[0])
        return st.fixed_dictionaries(required, optional=fields)
    if isinstance(shape, shapes.Text):
        return _texts(shape)
    if isinstance(shape, shapes.Number):
        least, most = shape.least or 0, 10**6 if shape.most is None else shape.most
        return st.integers(int(least), int(most))
    if isinstance(shape, Sequence):
        return st.lists(values(shape.items), min_size=shape.least, max_size=2)
    if isinstance(shape, Table):
        return st.dictionaries(_TEXT, values(shape.values), min_size=shape.least, max_size=2)
    return st.booleans() if isinstance(shape, shapes.Flag) else _PLAIN


def _texts(shape: shapes.Text) -> st.SearchStrategy[str]:
    if shape.choices:
        return st.sampled_from(shape.choices)
    if shape.pattern:
        fitting = st.from_regex(shape.pattern, fullmatch=True, alphabet=_ASCII)
        return fitting.filter(lambda text: len(text) <= (shape.most or 200))
    return st.text(_ASCII, min_size=shape.least, max_size=min(shape.most or 12, 12))


@st.composite
def objects(draw: st.DrawFn, kind: Kind) -> Any:
    """A spec, most often with one value in it replaced or taken away."""
    assert kind.spec is not None
    spec = draw(values(shape_of(kind.spec)))
    if draw(st.integers(0, 3)) == 0:
        return spec
    holder, key = draw(st.sampled_from([*_places(spec)]))
    if isinstance(holder, dict) and draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = draw(_WRONG)
    return spec


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container with every key or index in it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        yield value, key
        yield from _places(item)


def _agreements(shape: Shape) -> Iterator[str]:
    """Messages of what fields must agree on, which no schema of fields says."""
    if isinstance(shape, Object):
        yield from (one.message for one in shape.part.agreements)
        for field in shape.fields.values():
            yield from _agreements(field.shape)
    elif isinstance(shape, (Sequence, Table)):
        yield from _agreements(shape.items if isinstance(shape, Sequence) else shape.values)


@cache
def validators(name: str) -> tuple[jsonschema.Draft7Validator, jsonschema.Draft7Validator]:
    """What the definition of a kind admits as a spec, and its editors' schema as a document."""
    kind = MODELS[name]
    assert kind.spec is not None
    spec, document = structural(shape_of(kind.spec)), editor_schema(kind)
    return jsonschema.Draft7Validator(spec), jsonschema.Draft7Validator(document)


@_KINDS
@_FEW
@given(data=st.data())
def test_definitions_and_validation_agree(kind: Kind, data: st.DataObject) -> None:
    assert kind.spec is not None
    shape = shape_of(kind.spec)
    spec = data.draw(objects(kind))
    wrong = [one for one in breaches(spec, shape, "spec") if one.message not in set(_agreements(shape))]
    for_cluster, for_editors = validators(kind.name)
    assert for_cluster.is_valid(spec) == (not wrong), wrong
    document = {"apiVersion": "krate.a5c.ai/v1alpha1", "kind": kind.name, "metadata": {"name": "a"}, "spec": spec}
    assert for_editors.is_valid(document) == (not wrong), wrong


@_KINDS
@_FEW
@given(data=st.data())
def test_what_validation_admits_the_model_takes(kind: Kind, data: st.DataObject) -> None:
    assert kind.spec is not None
    spec = data.draw(objects(kind))
    if any(breaches(spec, shape_of(kind.spec), "spec")):
        return
    model = msgspec.convert(spec, kind.spec)
    assert msgspec.convert(msgspec.to_builtins(model), kind.spec) == model


def _filled(value: Any, schema: dict[str, Any]) -> Any:
    """What an API server makes of a value: defaults of a structural schema, from the outside to the inside."""
    if isinstance(value, dict) and "properties" in schema:
        whole = dict(value)
        for name, inner in schema["properties"].items():
            if name not in whole and "default" in inner:
                whole[name] = inner["default"]
            if name in whole:
                whole[name] = _filled(whole[name], inner)
        return whole
    if isinstance(value, list) and "items" in schema:
        return [_filled(item, schema["items"]) for item in value]
    if isinstance(value, dict) and isinstance(schema.get("additionalProperties"), dict):
        return {name: _filled(item, schema["additionalProperties"]) for name, item in value.items()}
    return value


@_KINDS
@_FEW
@given(data=st.data())
def test_defaults_are_those_that_definitions_say(kind: Kind, data: st.DataObject) -> None:
    assert kind.spec is not None
    shape = shape_of(kind.spec)
    spec = data.draw(values(shape))
    found = with_defaults(spec, shape)
    assert found == _filled(spec, structural(shape))
    assert with_defaults(found, shape) == found
    if not any(breaches(spec, shape, "spec")):
        assert msgspec.convert(found, kind.spec) == msgspec.convert(spec, kind.spec)


_KEYS = st.text(_ASCII, max_size=6)
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**12), 10**12), st.text(_ASCII, max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(value=st.dictionaries(st.text(_ASCII, min_size=1, max_size=6), _JSON, max_size=4))
def test_json_reads_like_the_yaml_that_it_is_and_with_the_same_places(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    try:
        [as_yaml] = parse_exact(text)
    except YamlRefused:
        return
    [as_json] = parse_json(text)
    assert settle(as_json.value) == settle(as_yaml.value)
    assert as_json.marks == as_yaml.marks
