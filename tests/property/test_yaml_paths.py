"""The fast YAML path never says anything else than the exact one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from krate_gitops.brain import parse as parsing
from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.layout import classify
from krate_gitops.brain.model import Finding
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.brain.text import decode
from krate_gitops.brain.values import settle
from krate_gitops.brain.yaml_exact import YamlRefused, parse_exact
from krate_gitops.brain.yaml_fast import NeedExact, fractions_are_plain, parse_fast
from tests.property.yaml_documents import HOSTILE, ODD_SCALARS, documents, hostile_documents

_MANY = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Refused(Exception):
    """The exact path refuses the text, or has something to say about it."""


def by_fast_path(text: str) -> Any:
    """What the fast path vouches for. Raises ``NeedExact``."""
    return settle(parse_fast(text), 1, fractions_are_plain(text))


def by_exact_path(text: str) -> Any:
    findings: list[Finding] = []
    try:
        found = parse_exact(text, findings=findings)
    except YamlRefused as refused:
        raise Refused(refused.finding) from None
    if findings:
        raise Refused(findings)
    return settle(found[0].value, 1, False) if found else None


def agree(text: str) -> None:
    try:
        fast = by_fast_path(text)
    except NeedExact:
        return
    try:
        exact = by_exact_path(text)
    except Refused as refused:
        pytest.fail(f"the fast path reads {fast!r} where the exact one refuses: {refused}")
    assert repr(fast) == repr(exact)


@_MANY
@given(documents())
def test_both_paths_read_a_document_alike(text: str) -> None:
    agree(text)


@_MANY
@given(hostile_documents())
@example('a: "x" <<: b\n')
@example("a: ! 12\n")
@example("a: [b,\n0777]\n")
@example('{"a":0777}')
@example("a: 1\n...\n---\nb: 2\n")
def test_what_the_exact_path_refuses_the_fast_path_never_accepts(text: str) -> None:
    agree(text)


_PLACES = (
    "x: {}\n", "a:\n  x: {}\n", "a:\n  - {}\n", "- {}\n", "a: [b, {}]\n", "a: [b,{}]\n", "a: [b,\n{}]\n",
    "a: {{b: {}}}\n",
    '{{"a":{}}}\n', "{{'a':{}}}\n", '{{"a": {},"b": 1}}\n', "a: # why\n  {}\n", "a: {} # why\n", "a:\n  {}\n  # why\n",
)  # fmt: skip


@pytest.mark.parametrize("place", _PLACES)
def test_odd_scalars_read_alike_wherever_they_stand(place: str) -> None:
    for scalar in ODD_SCALARS:
        agree(place.replace("{{", "\0").replace("}}", "\1").replace("{}", scalar).replace("\0", "{").replace("\1", "}"))


@settings(max_examples=500, deadline=None)
@given(
    st.from_regex(r"[-+]?[0-9.]{1,5}(?:[_:eExXoObB][-+]?[0-9a-fA-F._]{0,4})?", fullmatch=True), st.sampled_from(_PLACES)
)
def test_anything_like_a_number_reads_alike(scalar: str, place: str) -> None:
    agree(place.replace("{{", "\0").replace("}}", "\1").replace("{}", scalar).replace("\0", "{").replace("\1", "}"))


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_piece_reads_alike_at_any_place(piece: str) -> None:
    text = 'id: team:core\nowners: [team:a, "b"]\nx: {y: 1.5, z: [1, ~]}\nnote: |\n  two\n  lines\nend: plain words\n'
    for at in range(len(text) + 1):
        agree(text[:at] + piece + text[at:])


def _parsed(path: str, text: str, *, fast: bool, monkeypatch: pytest.MonkeyPatch) -> ParsedFile:
    with monkeypatch.context() as patch:
        if not fast:
            patch.setattr(parsing, "parse_fast", _refuse)
        return FileParser(Profile()).parse(path, "0" * 40, classify(path), text.encode())[0]


def _refuse(text: str) -> Any:
    raise NeedExact


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.one_of(documents(), hostile_documents()), st.sampled_from(("\n", "\r\n", "\r")))
def test_a_file_gives_the_same_facts_by_either_path(monkeypatch: pytest.MonkeyPatch, text: str, line_end: str) -> None:
    for path, source in (
        ("graph/a.yaml", text),
        (
            "graph/b.yaml",
            "nodeKind: Service\nid: service:x\nattributes:\n" + _indented(text) + "edges:\n" + _indented(text),
        ),
        ("runbooks/c.md", f"---\n{text}\n---\nBody.\n"),
        ("runbooks/d.md", f"---\nid: runbook:x\nkind: Runbook\n{text}\n---\nBody.\n"),
        ("notes/e.md", f"---\n{text}\n---\nBody.\n"),
    ):
        written = source.replace("\n", line_end)
        fast = _parsed(path, written, fast=True, monkeypatch=monkeypatch)
        exact = _parsed(path, written, fast=False, monkeypatch=monkeypatch)
        assert _comparable(fast) == _comparable(exact), path


def _comparable(file: ParsedFile) -> Any:
    findings = sorted((finding.code, finding.record, finding.field, finding.offset) for finding in file.findings)
    return repr((file.records, file.note, file.parse_error, file.body_start, findings))


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.split("\n"))


@settings(max_examples=80, deadline=None)
@given(documents(), st.sampled_from(("\r\n", "\r")), st.booleans())
def test_line_ends_and_a_byte_order_mark_change_nothing(text: str, line_end: str, bom: bool) -> None:
    raw = ("\ufeff" if bom else "") + text.replace("\n", line_end)
    if "\r" not in text and not text.startswith("\ufeff"):
        assert decode(raw.encode()) == text
