"""Attributes of ``secret-metadata`` records: they name a secret and must not hold it. KB063."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from krate_gitops.brain.model import Attributes, SecretScan
from krate_gitops.brain.scan.entropy import find_high_entropy
from krate_gitops.brain.scan.patterns import SecretKind
from krate_gitops.brain.scan.randomness import is_hex_key, is_masked, is_placeholder, is_secret_value
from krate_gitops.brain.scan.secrets import find_secrets

_VALUE_NAME = re.compile(
    r"(?:^|[_-]|[a-z](?=[A-Z]))(?:value|example|sample|plain(?:text)?|current|previous|password|passwd|passphrase|raw|"
    r"Value|Example|Sample|Plain(?:text)?|Current|Previous|Password|Raw)$"
)
_REFERENCE = re.compile(
    r"[a-z][A-Za-z0-9-]*:\S*|https?://\S+|[\w.@-]*/[\w./@-]*|\d{4}-\d\d-\d\dT?[\d:.Z+-]*|"
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
)


def value_like_attributes(attributes: Attributes) -> list[str]:
    """Pointers such as ``attributes.example`` or ``attributes.keys[2]`` of texts that look like a secret's value.

    Any credential or random token counts, down to 8 characters, and any single word with a digit under a name that
    promises a value. References (ids, URLs, paths, dates, UUIDs) and placeholders don't.
    """
    return list(_walk("attributes", attributes))


def _walk(pointer: str, value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if _is_value_like(pointer.rpartition(".")[2].partition("[")[0], value):
            yield pointer
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(f"{pointer}.{key}", item)
    elif isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _walk(f"{pointer}[{at}]", item)


def _is_value_like(name: str, value: str) -> bool:
    config = SecretScan(entropy_min_length=20)
    hits = find_secrets(f"{name}: {value}", config)
    if any(hit.kind != SecretKind.EXAMPLE for hit in hits) or find_high_entropy(value, config):
        return True
    text = value.strip()
    if not text or any(char.isspace() for char in text) or _REFERENCE.fullmatch(text) or is_placeholder(text):
        return False
    if is_secret_value(text) or is_hex_key(text):
        return True
    return (
        bool(_VALUE_NAME.search(name)) and any(c.isdigit() for c in text) and not text.isdigit() and not is_masked(text)
    )
