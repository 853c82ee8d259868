"""Editing a file in place: one document gets another value, every other byte stays.

Whatever the text looks like, the result is read back before it is handed out: the document must then have exactly the
value that was wanted, and all others the ones they had. A form that isn't edited in place (a key behind a question
mark, an alias of what goes away) is written anew, as little of it as possible.
"""

from __future__ import annotations

import contextlib
from typing import Any, NamedTuple

from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.brain.yaml_exact import Document, YamlRefused
from krate_gitops.errors import KrateError
from krate_gitops.resources.edit.canonical import canonical_yaml
from krate_gitops.resources.edit.difference import Difference, Unsplicable
from krate_gitops.resources.edit.emit import check_writable, flow_text, json_piece
from krate_gitops.resources.edit.json_nodes import compose_json
from krate_gitops.resources.edit.nodes import DocumentNode, Node, Shape, compose
from krate_gitops.resources.edit.splices import Splice, line_end, spliced
from krate_gitops.resources.edit.values import same, without_nulls
from krate_gitops.resources.parse import parse_text, settle


class _Read(NamedTuple):
    """A file as text, parsed values and places."""

    text: str
    documents: list[Document]
    nodes: list[DocumentNode]


def edit_document(
    path: str, data: bytes, ordinal: int, wanted: dict[str, Any], *, only_in_place: bool = False
) -> bytes:
    """The file with the value of one document (counted from 0, empty ones aside) replaced.

    ``wanted`` is plain data without null members. ``path`` only tells JSON from YAML. ``only_in_place`` forbids what
    would lose comments and order. Raises
    ``UsageError(INVALID_REQUEST)`` for what no file can hold, and ``KrateError(CONFIG_NOT_EDITABLE)`` for a file that
    can't be read, or no longer could be.
    """
    check_writable(wanted)
    wanted = without_nulls(wanted)
    before = _read(path, data)
    values = [settle(document.value) for document in before.documents]
    if same(values[ordinal], wanted):
        return data
    expected = [*values[:ordinal], wanted, *values[ordinal + 1 :]]
    for attempt in (_in_place, _without_aliases) if only_in_place else (_in_place, _without_aliases, _anew):
        with contextlib.suppress(Unsplicable, KrateError, ValueError):
            result = attempt(path, data, ordinal, wanted)
            if result is not None and _holds(path, result, expected):
                return result
    raise _not_editable(path, "its text can't be changed without changing more")


def remove_document(path: str, data: bytes, ordinal: int) -> bytes | None:
    """The file without one document; ``None`` when no other is left. Raises ``KrateError(CONFIG_NOT_EDITABLE)``."""
    before = _read(path, data)
    values = [settle(document.value) for document in before.documents]
    if len(values) == 1:
        return None
    node = before.nodes[ordinal]
    lead = before.text.rfind("\n", 0, node.lead) + 1
    result = spliced(data, [Splice(lead, node.until, "")])
    if not _holds(path, result, [*values[:ordinal], *values[ordinal + 1 :]]):
        raise _not_editable(path, "the document can't be cut out")
    return result


def append_document(path: str, data: bytes, value: dict[str, Any]) -> bytes:
    """The file with one more document in canonical form. Raises ``KrateError(CONFIG_NOT_EDITABLE)``."""
    before = _read(path, data)
    values = [settle(document.value) for document in before.documents]
    text = canonical_yaml(value)
    if values or before.text.strip():
        start = "" if before.text.endswith("\n") or not before.text else "\n"
        text = f"{start}---\n{text}"
    end = len(before.text)
    result = spliced(data, [Splice(end, end, text)])
    added = parse_text("a.yaml", canonical_yaml(value))
    if path.endswith(".json") or not _holds(path, result, [*values, settle(added[0].value)]):
        raise _not_editable(path, "a document can't be appended")
    return result


def _in_place(path: str, data: bytes, ordinal: int, wanted: dict[str, Any]) -> bytes | None:
    """Made again while the value isn't right yet: an alias of what was changed only then shows its new value."""
    for _ in range(4):
        read = _read(path, data)
        raw, root = read.documents[ordinal].value, read.nodes[ordinal].root
        if same(settle(raw), wanted):
            return data
        difference = Difference(read.text, is_json=path.endswith(".json"))
        difference.change(root, raw, wanted)
        data = spliced(data, difference.splices)
        if not data.endswith((b"\n", b"\r")):
            # A text that ends with a line end needs one in the file, where it comes last.
            ended = data + line_end(data).encode()
            if same(settle(_read(path, ended).documents[ordinal].value), wanted) and not same(
                settle(_read(path, data).documents[ordinal].value), wanted
            ):
                return ended
    return None


def _without_aliases(path: str, data: bytes, ordinal: int, wanted: dict[str, Any]) -> bytes | None:
    """Every alias of the document spelt out, then the edit."""
    read = _read(path, data)
    splices: list[Splice] = []
    _spell_out(read.nodes[ordinal].root, read.documents[ordinal].value, splices)
    return _in_place(path, spliced(data, splices), ordinal, wanted) if splices else None


def _spell_out(node: Node, raw: Any, splices: list[Splice]) -> None:
    if node.shape is Shape.ALIAS:
        splices.append(Splice(node.start, node.end, flow_text(settle(raw))))
    items = raw.values() if isinstance(raw, dict) else raw if isinstance(raw, list) else ()
    for entry, item in zip(node.entries, items, strict=False):
        _spell_out(entry.node, item, splices)


def _anew(path: str, data: bytes, ordinal: int, wanted: dict[str, Any]) -> bytes | None:
    """The document in canonical form; comments above it stay."""
    read = _read(path, data)
    node = read.nodes[ordinal]
    if path.endswith(".json"):
        new = json_piece(wanted, unit="  ", margin="")
        return spliced(data, [Splice(node.root.start, node.root.end, new)])
    start, end = node.root.start, node.root.end
    is_open = read.text.rfind("\n", 0, start) + 1 < start
    return spliced(data, [Splice(start, end, ("\n" if is_open else "") + canonical_yaml(wanted).rstrip("\n"))])


def _read(path: str, data: bytes) -> _Read:
    try:
        text = decode(data)
        documents = parse_text(path, text)
    except EncodingProblem as problem:
        raise _not_editable(path, problem.message) from None
    except YamlRefused as refused:
        raise _not_editable(path, refused.finding.message) from None
    nodes = compose_json(text) if path.endswith(".json") else compose(text)
    return _Read(text, documents, nodes)


def _holds(path: str, data: bytes, expected: list[Any]) -> bool:
    try:
        found = [settle(document.value) for document in parse_text(path, decode(data))]
    except (YamlRefused, EncodingProblem):
        return False
    return len(found) == len(expected) and all(map(same, found, expected))


def _not_editable(path: str, why: str) -> KrateError:
    return KrateError(
        "CONFIG_NOT_EDITABLE", why, hint="correct the file by hand, commit it, and try again", location=path
    )
