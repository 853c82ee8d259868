"""From the bytes of a file to manifests: parsed, split, expanded, and looked through for credentials."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec

from krate_gitops.brain.model import Finding, Number
from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.brain.yaml_exact import Document, Scalar, YamlRefused, parse_exact
from krate_gitops.resources.credentials import LOOKS_LIKE_ONE, credentials, written_otherwise
from krate_gitops.resources.json_exact import parse_json
from krate_gitops.resources.kinds.aliases import canonical_spec
from krate_gitops.resources.manifest import Issue, Manifest, Site, SourceFile

MAX_OBJECT_BYTES = 1 << 20
"""What an API server takes; a larger object is refused before anything is sent."""

_CODES = {"KB007": "KR002"}


def parse_text(path: str, text: str, findings: list[Finding] | None = None) -> list[Document]:
    """The documents of a file that aren't empty. Raises ``YamlRefused``."""
    return parse_json(text) if path.endswith(".json") else parse_exact(text, several=True, findings=findings)


def parse_file(file: SourceFile) -> tuple[list[Manifest], list[Issue]]:
    """Manifests of a file, and what is wrong with it as text: KR001, KR002, KR018, KR302.

    A file that can't be parsed gives no manifest at all, for where one of its documents ends is uncertain then.
    """
    try:
        text = decode(file.data)
    except EncodingProblem as problem:
        return [], [Issue("KR001", problem.message, Site(file.path))]
    hits = credentials(text)
    issues = [Issue("KR302", LOOKS_LIKE_ONE, Site(file.path, offset=hit)) for hit in hits]
    findings: list[Finding] = []
    try:
        documents = parse_text(file.path, text, findings)
    except YamlRefused as refused:
        found = refused.finding
        code = _CODES.get(found.code, "KR001")
        return [], [*issues, Issue(code, found.message, Site(file.path, offset=found.offset))]
    issues += [Issue("KR001", found.message, Site(file.path, offset=found.offset)) for found in findings]
    issues += written_otherwise(file.path, documents, text, hits)
    manifests: list[Manifest] = []
    for ordinal, document in enumerate(documents):
        for pointer, value in _objects(settle(document.value)):
            site = Site(file.path, ordinal, pointer)
            if not isinstance(value, dict):
                issues.append(Issue("KR001", "a document must be a map", site))
            elif len(msgspec.json.encode(value)) > MAX_OBJECT_BYTES:
                issues.append(Issue("KR018", f"an object has at most {MAX_OBJECT_BYTES} bytes", site))
            else:
                manifests.append(Manifest(file.path, ordinal, _canonical(value), pointer, file.oid))
    return manifests, issues


def settle(value: Any) -> Any:
    """Plain values from what the parsers return: null members gone, numbers as numbers, the rest as written.

    Only ``true`` and ``false`` are booleans; a word such as ``True`` stays the text that it is to other tools.
    """
    if isinstance(value, Scalar):
        if isinstance(value.value, Number):
            return _float(value.value.source)
        return value.source if isinstance(value.value, bool) and value.source not in ("true", "false") else value.value
    if isinstance(value, dict):
        return {key: settle(item) for key, item in value.items() if not _is_null(item)}
    return [settle(item) for item in value] if isinstance(value, list) else value


def _float(source: str) -> float:
    """Value of a number that is no small integer; infinite for hexadecimal and octal ones beyond 2^53."""
    lowered = source.lower()
    try:
        return float(lowered.replace(".", "") if lowered.endswith(("inf", "nan")) else lowered)
    except ValueError:
        return math.inf


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, Scalar) and value.value is None)


def _objects(value: Any) -> Iterator[tuple[str, Any]]:
    """The objects of a document with their pointers: itself, or the items of a ``List``."""
    is_list = isinstance(value, dict) and value.get("kind") == "List" and value.get("apiVersion") == "v1"
    if is_list and isinstance(items := value.get("items", []), list):
        for at, item in enumerate(items):
            yield f"items[{at}]", item
    else:
        yield "", value


def _canonical(value: dict[str, Any]) -> dict[str, Any]:
    kind, spec = value.get("kind"), value.get("spec")
    if isinstance(kind, str) and isinstance(spec, dict):
        return {**value, "spec": canonical_spec(kind, spec)}
    return value
