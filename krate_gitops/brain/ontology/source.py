"""Bytes of ontology files: their digest and their values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krate_gitops.brain.layout import is_marker
from krate_gitops.brain.model import Finding
from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.brain.yaml_exact import Scalar, YamlRefused, parse_exact
from krate_gitops.digest import json_digest, sha256_digest

MAX_BYTES = 1_048_576

_FOLDER = "ontology/"


def ontology_digest(files: Mapping[str, bytes]) -> str:
    """File-set digest of ``ontology/**``."""
    return ontology_digest_of({path: sha256_digest(data) for path, data in files.items()})


def ontology_digest_of(file_digests: Mapping[str, str]) -> str:
    """The same from the digests of the files, for callers that have no need of the bytes."""
    chosen = (path for path in file_digests if path.startswith(_FOLDER) and not is_marker(path))
    return json_digest([[path, file_digests[path]] for path in sorted(chosen)])


def parse_ontology_file(data: bytes) -> tuple[dict[str, Any] | None, list[Finding]]:
    """The mapping a file holds, or None, and what is wrong with its text."""
    findings: list[Finding] = []
    if len(data) > MAX_BYTES:
        return None, [Finding("KB006", f"{len(data)} bytes exceed the limit of {MAX_BYTES} for an ontology file")]
    try:
        documents = parse_exact(decode(data), findings=findings)
    except EncodingProblem as problem:
        return None, [Finding("KB004", problem.message)]
    except YamlRefused as refused:
        return None, [refused.finding]
    value = _plain(documents[0].value) if documents else None
    if not isinstance(value, dict):
        what = "the file is empty" if value is None else "the file must hold a map"
        return None, [*findings, Finding("KB081", what, record=0)]
    return value, findings


def _plain(value: Any) -> Any:
    """The value without the parser's own types; nulls stay, because an empty key is worth a word."""
    if isinstance(value, Scalar):
        return value.value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
