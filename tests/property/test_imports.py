"""Invariants of run imports, over runs put together at random."""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from krate_gitops.brain.model import ValidationRules
from krate_gitops.brain.yaml_exact import Scalar, parse_exact
from krate_gitops.errors import KrateError
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.entrypoint import Proposal, propose
from krate_gitops.updates.imports.normalise import Normalised
from krate_gitops.updates.imports.scrub import Scrub
from krate_gitops.updates.imports.sections import split
from krate_gitops.updates.imports.stream import values
from krate_gitops.updates.imports.verify import unsafe
from krate_gitops.updates.imports.yaml_lines import document
from tests.unit.scan.planted import VARIANTS, planted
from tests.unit.updates.imports.sources import Workspace, ended, started, text_of

FULL = {"retentionTier": "full-journal-redacted", "include": {"taskResults": "full-redacted"}}
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=40)
known = ["data", "type", "effectId", "taskId", "status", "error", "message", "kind", "sequence"]
keys = st.one_of(texts, st.sampled_from(known))
scalars = st.one_of(texts, st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False))
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=12
)
types = st.sampled_from(["RUN_CREATED", "EFFECT_REQUESTED", "EFFECT_RESOLVED", "task_completed", "BREAKPOINT", "X"])
events = st.fixed_dictionaries(
    {"type": st.one_of(types, scalars), "data": trees},
    optional={"recordedAt": st.one_of(scalars, st.just("2026-06-02T10:06:00Z")), "sequence": scalars},
)


def imported(journal: Any, **how: Any) -> Normalised | None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder)).record()
        workspace.write("journal.json", journal if isinstance(journal, (str, bytes)) else json.dumps(journal))
        try:
            return workspace.normalised(**how)
        except KrateError as refused:
            if refused.code not in ("MEMORY_IMPORT_REDACTION_BLOCKED", "MEMORY_IMPORT_SOURCE_ACTIVE"):
                raise
            return None


@settings(max_examples=40)
@given(st.lists(st.one_of(events, trees), max_size=8))
def test_any_journal_becomes_records_that_parse(journal: list[Any]) -> None:
    made = imported([started(), *journal, ended()], **FULL)
    if made is None:
        return
    again = imported([started(), *journal, ended()], **FULL)
    assert again is not None
    assert again.files == made.files
    assert unsafe(made.files, ValidationRules(), baseline=None) == []
    for path, content in made.files.items():
        text = content.decode()
        (read,) = parse_exact(text)
        assert read.value == read.value
        loaded = yaml.safe_load(text)
        assert loaded["id"].partition(":")[0] in ("babysitter-run", "run-journal-event", "run-task-result")
        assert path == path.strip()


@settings(max_examples=100)
@given(st.binary(max_size=400))
def test_any_bytes_are_a_journal(data: bytes) -> None:
    imported(b"[" + data, around={"outcome": "cancelled"}, **FULL)


PLACES = ("text", "json", "list", "task")
PROSE = "The replay order was wrong and is right now, which took a while to find out. " * 60


@settings(max_examples=100)
@given(st.sampled_from(VARIANTS), st.integers(0, 2**32).map(random.Random), st.sampled_from(PLACES))
def test_no_planted_secret_gets_out(variant: str, rng: random.Random, place: str) -> None:
    text, secret = planted(variant, rng)
    data: Any = {"message": f"{PROSE}\n{text}\n"}
    if place == "json":
        data = {"note": PROSE, "body": json.dumps({"log": text})}
    elif place == "list":
        data = {"note": PROSE, "lines": text.split("\n")}
    elif place == "task":
        data = {"note": PROSE, "effectId": "E1", "taskId": "t", "error": text}
    made = imported([started(), {"type": "EFFECT_RESOLVED", "data": data}, ended()], **FULL)
    if made is not None:
        assert secret not in text_of(made)


@given(trees)
def test_what_is_written_is_read_back(value: Any) -> None:
    wanted = _writable(value)
    (read,) = parse_exact(document({"a": wanted, "b": 1}).decode()) or [None]
    assert _plain(read.value) == {"a": wanted, "b": 1}


def _writable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _writable(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_writable(item) for item in value if item is not None]
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value % 2**52
    return "" if value is None else value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Scalar) else value


@given(st.lists(trees, max_size=6), st.integers(1, 50), st.booleans())
def test_a_stream_reads_what_a_decoder_reads(items: list[Any], size: int, indented: bool) -> None:
    data = json.dumps(items, indent=2 if indented else None).encode()
    broken: list[object] = []
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    read = [one.value for one in values(pieces, most=10**6, broken=lambda *told: broken.append(told))]
    assert (read, broken) == (items, [])


headings = st.sampled_from(["# M", "## A", "## B", "### C", "```"])
lines = st.lists(st.one_of(headings, st.sampled_from(["- one", "- two", "", "text"])), max_size=12)


@given(lines, lines)
def test_a_proposal_never_deletes_a_section(workspace: list[str], baseline: list[str]) -> None:
    before, after = ("\n".join(part) + "\n" for part in (baseline, workspace))
    made = propose(after, before.encode(), Scrub(), Account())
    if isinstance(made, Proposal):
        titles = [section.title for section in split(made.text)]
        for section in split(before):
            assert section.title in titles
        assert made.text != before
        again = propose(after, made.text.encode(), Scrub(), Account())
        assert not isinstance(again, Proposal) or again.text != made.text
