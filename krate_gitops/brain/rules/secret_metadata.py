"""Records about secrets hold nothing like a secret (KB063).

A ``secret-metadata`` record names a secret, its owner and its purpose. There prose is expected and a value would do the
most harm, so less is needed here than in the scan of ordinary text: a random-looking word, or one word under a name
that promises a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Finding, SecretScan
from krate_gitops.brain.rules.plan import RecordCase
from krate_gitops.brain.scan.randomness import is_hex_key, is_placeholder, is_secret_value, looks_random
from krate_gitops.brain.scan.secrets import find_secrets

SECRET_METADATA = "secret-metadata"  # noqa: S105 - the name of a sensitivity

_VALUE_NAMES = re.compile(
    r"(?:.*[a-z0-9_-])?(?:value|secret|password|passwd|passphrase|token|api_?key|access_?key|private_?key|credentials?|pin|"
    r"example|sample)",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\s,;()\[\]{}<>\"'`]+")
_ASSIGNED = re.compile(r"(?:^|[?&])[A-Za-z_][\w-]*[=](.+)")
# A digit between letters: passwords of people have it, names of things have their digits at the end.
_ENTANGLED = re.compile(r"(?=.{8})[A-Za-z]+[0-9]+[A-Za-z][A-Za-z0-9]*")
_NAME = re.compile(r"[A-Za-z]+(?:[-_.][A-Za-z]+)+")
_PUNCTUATION = ".:!?*_"
_LEAST = 12
_PLAIN_SCAN = SecretScan()


def secret_metadata(case: RecordCase) -> Iterable[Finding]:
    """KB063: no text of the record looks like the value of a secret."""
    level = case.record.sensitivity or case.plan.default_sensitivity
    if level != SECRET_METADATA:
        return ()
    return [
        case.finding("KB063", f'attribute "{name[:60]}" looks like a value', case.field(place))
        for name, place, text in _texts(case)
        if looks_like_value(text, name)
    ]


def check_secret_body(file: ParsedFile, text: str) -> list[Finding]:
    """KB063 in the body of a Markdown record that itself states the level; ``text`` is the decoded file.

    For the time of parsing, where the text is at hand and the ontology is not.
    """
    if not any(record.sensitivity == SECRET_METADATA and record.form != "graph" for record in file.records):
        return []
    return [
        Finding("KB063", "the text holds what looks like a value", offset=word.start(), record_id=file.records[0].id)
        for word in _WORD.finditer(text, file.body_start)
        if _is_value(word[0].strip(_PUNCTUATION)) or _ENTANGLED.fullmatch(word[0].strip(_PUNCTUATION))
    ]


def _texts(case: RecordCase) -> Iterator[tuple[str, str, str]]:
    """Name, pointer below the fields, and text of everything a record says in words of its own."""
    record = case.record
    for name, value in (("title", record.title), ("summary", record.summary)):
        if value:
            yield name, name, value
    for name, values in (("aliases", record.aliases), ("tags", record.tags)):
        for at, value in enumerate(values):
            yield name, f"{name}[{at}]", value
    for name, value in record.attributes.items():
        yield from _within(name, name, value)


def _within(name: str, place: str, value: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, str):
        yield name, place, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _within(key, f"{place}.{key}", item)
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from _within(name, f"{place}[{at}]", item)


def looks_like_value(text: str, name: str = "") -> bool:
    """Whether a text may be, or hold, the value of a secret. ``name`` is the field it stands in."""
    words = _WORD.findall(text)
    if len(words) == 1:
        [word] = words
        if _ENTANGLED.fullmatch(word) or (_VALUE_NAMES.fullmatch(name) and not _names_something(word)):
            return True
    return any(_is_value(word.strip(_PUNCTUATION)) for word in words) or bool(find_secrets(text, _PLAIN_SCAN))


def _names_something(word: str) -> bool:
    """Whether one word only says which secret it is, or where: a name, an id, a path, a URL, or a placeholder."""
    return _NAME.fullmatch(word) is not None or is_placeholder(word) or ":" in word or "/" in word


def _is_value(word: str) -> bool:
    assigned = _ASSIGNED.match(word)
    if assigned is not None:
        word = assigned[1]
        return is_secret_value(word) or looks_random(word, 8)
    if word.startswith("sha256:") or "://" in word:
        return False
    return looks_random(word, _LEAST) or is_hex_key(word)
