"""Saying which fields of others an apply would have changed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeAlias

from krate_gitops.cluster.dev.failure import ApiFailure, Cause
from krate_gitops.cluster.dev.fields.entries import UPDATE, Entry
from krate_gitops.cluster.dev.fields.sets import FieldSet, path_text, paths

Conflict: TypeAlias = tuple[Entry, FieldSet]


def refusal(conflicts: Sequence[Conflict]) -> ApiFailure:
    """The 409 about all of them: managers in order, each with its fields."""
    ordered = sorted(conflicts, key=lambda one: one[0].owner)
    told = [(_name(entry), [path_text(path) for path in paths(fields)]) for entry, fields in ordered]
    causes = tuple(
        Cause("FieldManagerConflict", f"conflict with {name}", field) for name, fields in told for field in fields
    )
    if len(causes) == 1:
        text = f"1 conflict: {causes[0].message}: {causes[0].field}"
    else:
        listed = "\n".join(
            "\n".join([f"conflicts with {name}:", *(f"- {field}" for field in fields)]) for name, fields in told
        )
        text = f"{len(causes)} conflicts: {listed}"
    return ApiFailure(409, "Conflict", f"Apply failed with {text}", causes=causes)


def _name(entry: Entry) -> str:
    text = json.dumps(entry.manager, ensure_ascii=False)
    if entry.subresource:
        text += f' with subresource "{entry.subresource}"'
    return f"{text} using {entry.api_version}" if entry.operation == UPDATE else text
