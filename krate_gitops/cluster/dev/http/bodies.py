"""Reads bodies: JSON, and YAML 1.1 as a real API server reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import yaml

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.http.negotiation import JSON, KNOWN, PROTOBUF

LARGEST_BODY = 3 * 1024 * 1024
"""Bytes."""

_EXACT = 2.0**53
_MOST_NODES = 500_000
_DEEPEST = 200


class UnreadableError(ValueError):
    """A body that isn't what it is said to be; the text says why."""


def content_type(header: str | None) -> str:
    """The media type without its parameters; JSON where there is none."""
    return header.partition(";")[0].strip().lower() if header else JSON


def too_large() -> ApiFailure:
    """A body beyond the limit."""
    return ApiFailure(413, "RequestEntityTooLarge", f"Request entity too large: limit is {LARGEST_BODY}")


def input_format(header: str | None) -> str:
    """The media type of a body that holds an object. Raises ``ApiFailure`` 415."""
    found = content_type(header)
    if found in KNOWN:
        return found
    message = f"the body of the request was in an unknown format - accepted media types include: {', '.join(KNOWN)}"
    raise ApiFailure(415, "UnsupportedMediaType", message)


def read(body: bytes, format_: str, *, merges: bool = False) -> tuple[Any, list[str]]:
    """The value of a body, and the paths of fields that are given more than once. Raises ``UnreadableError``.

    ``merges``: of an object that a JSON text gives twice all members count, as where a server reads into fields.
    """
    if format_ == PROTOBUF:
        from krate_gitops.cluster.dev.http.protobuf import read_protobuf

        return read_protobuf(body), []
    return read_json(body, merges=merges) if format_ == JSON else read_yaml(body)


def read_json(body: bytes, *, merges: bool = False) -> tuple[Any, list[str]]:
    """The value of a JSON text and its duplicate fields. ``merges``: see ``read``. Raises ``UnreadableError``."""
    repeated = False

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        value = dict(pairs)
        if len(value) != len(pairs):
            repeated = True
            return _merged({}, pairs) if merges else value
        return value

    try:
        value = json.loads(body, object_pairs_hook=collect, parse_constant=_refuse_constant, parse_float=_number)
        if body.count(b"[") + body.count(b"{") > _DEEPEST and _is_too_deep(value):
            raise ValueError("exceeded max depth")
        if _HALF_CHARACTER.search(body):
            value = _of_whole_characters(value)
        return value, _of_whole_characters(duplicate_fields(body)) if repeated else []
    except (ValueError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


_HALF_CHARACTER = re.compile(rb"\\[uU](?:0000)?[dD][89a-fA-F]|\xed[\xa0-\xbf]")


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_DEEPEST):
        lists = [each for each in level if isinstance(each, list)]
        objects = [each.values() for each in level if isinstance(each, dict)]
        level = [item for items in (*lists, *objects) for item in items]
        if not level:
            return False
    return True


def _of_whole_characters(value: Any) -> Any:
    """The value with a replacement character for every half of a surrogate pair: no answer could hold it."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_of_whole_characters(item) for item in value]
    if isinstance(value, dict):
        return {_of_whole_characters(name): _of_whole_characters(item) for name, item in value.items()}
    return value


def _merged(value: dict[str, Any], pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """``value`` itself with all pairs in it; objects of one name become one as well."""
    for name, item in pairs:
        before = value.get(name)
        if isinstance(before, dict) and isinstance(item, dict):
            value[name] = _merged(before, item.items())
        else:
            value[name] = item
    return value


def _number(text: str) -> float:
    """A number with a fraction; one whose fraction is zero is whole, as it is where the server writes it."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) < _EXACT else number


def read_yaml(body: bytes) -> tuple[Any, list[str]]:
    """The value of the first YAML document and its duplicate fields. Raises ``UnreadableError``."""
    if body[:1] in (b"{", b"["):  # JSON is YAML, and most of what is sent
        try:
            return read_json(body)
        except UnreadableError:
            pass
    try:
        loader = _Loader(body)
        try:
            value = loader.get_data() if loader.check_data() else None  # type: ignore[no-untyped-call]
        finally:
            loader.dispose()
        return _of_whole_characters(value) if _HALF_CHARACTER.search(body) else value, loader.repeated
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UnreadableError(str(error)) from error


def duplicate_fields(body: bytes) -> list[str]:
    """Paths of the fields of a JSON text that are given more than once, such as ``spec.size``."""
    found: list[str] = []

    def walk(value: Any, path: str) -> None:
        if isinstance(value, _Pairs):
            seen: set[str] = set()
            for key, item in value.items:
                inner = f"{path}.{key}" if path else key
                if key in seen and inner not in found:
                    found.append(inner)
                seen.add(key)
                walk(item, inner)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                walk(item, f"{path}[{index}]")

    walk(json.loads(body, object_pairs_hook=_Pairs), "")
    return found


class _Pairs:
    def __init__(self, items: list[tuple[str, Any]]) -> None:
        self.items = items


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON value")


class _Loader(yaml.SafeLoader):
    """YAML 1.1 as Go programs read it: no times and no sexagesimal numbers, keys become text."""

    def __init__(self, stream: bytes) -> None:
        super().__init__(stream)
        self._already_set: list[str] = []
        self._nodes = 0
        self._depth = 0

    @property
    def repeated(self) -> list[str]:
        """What is there more than once, in one sentence."""
        return ["\n".join(["yaml: unmarshal errors:", *self._already_set])] if self._already_set else []

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        # Aliases count every time they are used: a small text must not become an endless object.
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise ValueError("document contains excessive aliasing")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self._below(item) for item in node.value]
        return super().construct_object(node, deep)

    def _below(self, node: yaml.Node) -> Any:
        if self._depth > _DEEPEST:
            raise ValueError("exceeded max depth")
        self._depth += 1
        value = self.construct_object(node, deep=True)
        self._depth -= 1
        return value

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Any]:
        self.flatten_mapping(node)
        value: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(self.construct_object(key_node, deep=True))
            if key in value:
                self._already_set.append(f'  line {key_node.start_mark.line + 1}: key "{key}" already set in map')
            value[key] = self._below(value_node)
        return value


_TAG = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|[-+]?\.(?:inf|Inf|INF)$|\.(?:nan|NaN|NAN)$"
)
_LETTER = re.compile(r"[yYnN]$")

_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.removeprefix(_TAG) not in ("timestamp", "int", "float")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(f"{_TAG}int", _INTEGER, list("-+0123456789"))
_Loader.add_implicit_resolver(f"{_TAG}float", _FLOAT, list("-+0123456789."))
_Loader.add_implicit_resolver(f"{_TAG}bool", _LETTER, list("yYnN"))
_Loader.bool_values = {**yaml.SafeLoader.bool_values, "y": True, "n": False}


def _key(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    if value is None:
        return "null"
    raise ValueError("a key must be a scalar")
