"""Requests and answers held against a forge's published description of its interface (OpenAPI 3.0).

A request must be for a path and a method that are described, with no query parameter and no field of a body that isn't,
and with values of the described types. Of answers, the fields that are there must be described; they needn't be all.
"""

from __future__ import annotations

import functools
import json
import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import msgspec
import pytest
from jsonschema import Draft202012Validator

_DEEPEST = 12
_VERBS = frozenset(("get", "put", "post", "delete", "patch"))


def load_description(name: str) -> Description:
    """The description of ``github``, ``gitlab`` or ``gitea``; skips the test where it wasn't fetched."""
    folder = Path(os.environ.get("KRATE_FORGE_DESCRIPTIONS", Path(sys.prefix) / "forge-descriptions"))
    file = folder / f"{name}.json"
    if not file.exists():
        pytest.skip("no descriptions of the forges' interfaces: make forge-descriptions (needs npm)")
    return _loaded(file)


@functools.cache
def _loaded(file: Path) -> Description:
    return Description(msgspec.json.decode(file.read_bytes()))


class Operation:
    """One method of one path."""

    def __init__(self, description: Description, path: str, verb: str) -> None:
        item = description.document["paths"][path]
        self._of = description
        self.name = f"{verb.upper()} {path}"
        self._described = item[verb]
        given = [
            description.follow(one) for one in (*item.get("parameters", ()), *self._described.get("parameters", ()))
        ]
        self._query = {one["name"]: one for one in given if one["in"] == "query"}
        self._in_path = {one["name"]: one for one in given if one["in"] == "path"}

    def check_path(self, values: dict[str, str]) -> list[str]:
        """What is wrong with the values in a path."""
        return [
            fault
            for name, text in values.items()
            for fault in self._check_text(f"path {name}", self._in_path[name], text)
        ]

    def check_query(self, query: str, *, more: frozenset[str] = frozenset()) -> list[str]:
        """What is wrong with a query; ``more`` are parameters that newer versions have."""
        faults = []
        for name, text in parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query)):
            if name in self._query:
                faults += self._check_text(f"query {name}", self._query[name], text)
            elif name not in more:
                faults.append(f"query parameter {name} isn't described")
        faults += [
            f"query parameter {name} is missing"
            for name, one in self._query.items()
            if one.get("required") and f"{name}=" not in query
        ]
        return faults

    def check_body(self, body: bytes, *, more: dict[str, Any] | None = None) -> list[str]:
        """What is wrong with a body; ``more`` are fields that newer versions have."""
        described = self._described.get("requestBody")
        if not described:
            return ["it has a body, and none is described"] if body and not more else []
        described = self._of.follow(described)
        if not body:
            return ["it has no body"] if described.get("required") else []
        [media] = [
            one
            for kind, one in described["content"].items()
            if kind.startswith(("application/json", "application/x-www"))
        ][:1]
        schema = self._of.schema(media["schema"], strict=True)
        if more:
            schema = {**schema, "properties": {**schema["properties"], **more}}
        return _faults("body", schema, json.loads(body))

    def check_answer(self, status: int, body: bytes) -> list[str]:
        """What of an answer isn't described."""
        described = self._described["responses"].get(str(status))
        if described is None:
            return [f"status {status} isn't described"]
        content = self._of.follow(described).get("content", {})
        media = content.get("application/json") or next(iter(content.values()), None)
        if media is None or "schema" not in media or not body:
            return []
        return _faults("answer", self._of.schema(media["schema"], strict=False), json.loads(body))

    def _check_text(self, where: str, parameter: dict[str, Any], text: str) -> list[str]:
        schema = self._of.schema(parameter["schema"], strict=True)
        value: Any = text
        if schema.get("type") == "integer":
            if not re.fullmatch(r"-?[0-9]+", text):
                return [f"{where} {text!r} is no integer"]
            value = int(text)
        elif schema.get("type") == "boolean":
            value = {"true": True, "false": False}.get(text, text)
        return _faults(where, schema, value)


class Description:
    """A described interface."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._paths = [(_pattern(path), path) for path in document["paths"]]
        # A fixed word counts more than a parameter.
        self._paths.sort(key=lambda one: (one[1].count("{"), -len(one[1])))
        self._schemas: dict[tuple[int, bool], dict[str, Any]] = {}

    def operation(self, verb: str, path: str) -> tuple[Operation, dict[str, str]] | None:
        """The operation of a request's path, still quoted, and the values in it."""
        for pattern, name in self._paths:
            found = pattern.fullmatch(path)
            if found and verb.lower() in self.document["paths"][name].keys() & _VERBS:
                names = re.findall(r"\{(.+?)\}", name)
                return Operation(self, name, verb.lower()), dict(zip(names, map(unquote, found.groups()), strict=True))
        return None

    def follow(self, node: dict[str, Any]) -> dict[str, Any]:
        """What a reference names."""
        while "$ref" in node:
            here: Any = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                here = here[step.replace("~1", "/").replace("~0", "~")]
            node = here
        return node

    def schema(self, node: dict[str, Any], *, strict: bool) -> dict[str, Any]:
        """A schema of the described form as a JSON Schema; ``strict`` keeps what is required."""
        key = (id(node), strict)
        if key not in self._schemas:
            self._schemas[key] = self._converted(node, strict, 0)
        return self._schemas[key]

    def _converted(self, node: dict[str, Any], strict: bool, depth: int) -> dict[str, Any]:
        node = self.follow(node)
        if depth > _DEEPEST:
            return {}
        if "allOf" in node:
            merged: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
            for one in map(self.follow, node["allOf"]):
                merged["properties"].update(one.get("properties", {}))
                merged["required"] += one.get("required", [])
            node = (
                {**{k: v for k, v in node.items() if k != "allOf"}, **merged}
                if merged["properties"]
                else self.follow(node["allOf"][0])
            )
        kept = {
            k: node[k]
            for k in ("type", "enum", "maxLength", "minLength", "pattern", "minItems", "maxItems", "minimum", "maximum")
            if k in node
        }
        for name in ("oneOf", "anyOf"):
            if name in node:
                kept.pop("type", None)
                kept["anyOf"] = [self._converted(one, strict, depth + 1) for one in node[name]]
        if "properties" in node and "anyOf" not in kept:
            kept["type"] = "object"
            kept["properties"] = {k: self._converted(v, strict, depth + 1) for k, v in node["properties"].items()}
            kept["additionalProperties"] = bool(node.get("additionalProperties"))
            if strict:
                kept["required"] = node.get("required", [])
        if "items" in node:
            kept["items"] = self._converted(node["items"], strict, depth + 1)
        if node.get("nullable") or not strict:
            kept = {"anyOf": [kept, {"type": "null"}]}
        return kept


def _pattern(path: str) -> re.Pattern[str]:
    """Names of refs may have slashes in them."""
    parts = re.split(r"(\{.+?\})", path)
    texts = [
        ("(.+?)" if part in ("{ref}", "{branch}") else "([^/]+?)") if part.startswith("{") else re.escape(part)
        for part in parts
    ]
    return re.compile("".join(texts))


def _faults(where: str, schema: dict[str, Any], value: Any) -> list[str]:
    return [f"{where}: {error.message[:200]}" for error in Draft202012Validator(schema).iter_errors(value)]
