"""Random brains: what is denied leaves no trace, answers repeat, lines are those git finds, secrets stay."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.git.repository import open_repository
from krate_gitops.index import cut
from krate_gitops.index.build import Builder
from krate_gitops.index.source import Target
from krate_gitops.memory.compare import compare
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy, Grant, Include, owner_policy
from krate_gitops.memory.render import render_prompt
from krate_gitops.memory.response import Response
from krate_gitops.memory.single import show_one
from krate_gitops.settings import Settings
from tests.property.histories import CUTS, Changes, histories
from tests.repos import RepoBuilder, git
from tests.unit.memory.world import ONTOLOGY, World, markdown, record
from tests.unit.scan.planted import VARIANTS, planted

QUICK = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(autouse=True, scope="module")
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "CUTS", CUTS)
        patch.setattr(cut, "_LONGEST", len(CUTS))
        yield


class Brains:
    """Commits in one repository, opened from one store or from a new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repo = RepoBuilder(folder / "brain")
        self._homes = 0

    def builder(self) -> Builder:
        self._homes += 1
        return Builder(self.folder / f"home{self._homes}", jobs=1)

    def open(self, builder: Builder, commit: str) -> OpenIndex:
        repository = open_repository(str(self.folder / "brain"), settings=Settings(home=self.folder))
        return OpenIndex(builder, builder.build(Target(repository, commit)))


@contextmanager
def brains() -> Iterator[Brains]:
    with tempfile.TemporaryDirectory() as folder:
        yield Brains(Path(folder))


# What is denied

WORDS = ("refund", "ledger", "payments", "replay", "queue")
NAMES = "abcdef"
words = st.lists(st.sampled_from(WORDS), max_size=6).map(" ".join)
names = st.lists(st.sampled_from(NAMES), max_size=3, unique=True)


@st.composite
def entries(draw: st.DrawFn, folder: str, pool: str) -> dict[str, Any]:
    """Files in a folder; records carry a name of their own out of ``pool``."""
    files: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(pool), max_size=4, unique=True)):
        text, edges = draw(words), [f"service:{other}" for other in draw(names)]
        if draw(st.booleans()):
            more = {"repoRefs": ["repository:pay"]} if draw(st.booleans()) else {}
            files[f"graph/{folder}/{name}.yaml"] = record(
                "Service", f"service:{name}", title=text or name, edges={"depends_on": edges}, **more
            )
        else:
            files[f"notes/{folder}/{name}.md"] = f"# {name}\n\n{text}\nsee {' '.join(edges)}\n"
    return files


DENIED = EffectivePolicy(
    (),
    (Grant(Include(paths=("**",)), False),),
    ("graph/hidden/**", "notes/hidden/**"),
    (),
    "graph-and-grep",
    64_000,
    5,
    False,
    False,
    False,
)
ASKED: tuple[dict[str, Any], ...] = (
    {"mode": "graph-only"},
    {"mode": "grep-only"},
    {"mode": "graph-and-grep", "paths": ("**",)},
    {"mode": "graph-only", "consumer": {"repository": "pay"}},
    {"mode": "graph-only", "edge_depth": 0, "kinds": ("Service",)},
)


def visible(response: Response) -> Any:
    """An answer without what statistics of the whole commit may move: scores, and the order that follows from them."""

    def without(item: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in item.items() if name not in ("score", "rank", "why")} | {
            "why": [(reason["criterion"], reason["detail"]) for reason in item["why"]]
        }

    plain = msgspec.to_builtins(response)
    return {
        **{name: sorted(map(without, plain[name]), key=repr) for name in ("records", "excerpts", "documents")},
        **{name: plain[name] for name in ("denied", "redaction", "limits", "warnings")},
    }


@QUICK
@given(entries("open", NAMES), entries("hidden", "uvwxyz"), words.filter(bool))
def test_a_denied_record_changes_nothing_of_what_is_seen(
    seen: dict[str, Any], hidden: dict[str, Any], text: str
) -> None:
    with brains() as made:
        commits = [made.repo.commit({**ONTOLOGY, **seen}), made.repo.commit(hidden)]
        answers = []
        for commit in commits:
            with made.open(made.builder(), commit) as opened:
                world = World(opened)
                answers.append([world.ask(text, DENIED, **asked) for asked in ASKED])
        assert [visible(one) for one in answers[0]] == [visible(two) for two in answers[1]]
        told = b"".join(map(msgspec.json.encode, answers[1]))
        assert b"hidden" not in told
        assert not [path for path in hidden if Path(path).name.encode() in told]


@QUICK
@given(entries("open", NAMES), entries("hidden", "uvwxyz"), words.filter(bool))
def test_what_only_hidden_records_connect_is_not_connected(
    seen: dict[str, Any], hidden: dict[str, Any], text: str
) -> None:
    """Hidden records point into the open part here, and open ones at hidden names."""
    pointing = {
        f"graph/hidden/p{name}.yaml": record(
            "Service", f"service:p{name}", title=text, edges={"depends_on": [f"service:{other}" for other in NAMES]}
        )
        for name in "12"
    }
    with brains() as made:
        commits = [made.repo.commit({**ONTOLOGY, **seen}), made.repo.commit(hidden | pointing)]
        found = []
        for commit in commits:
            with made.open(made.builder(), commit) as opened:
                world = World(opened)
                found.append([set(world.ids(text, DENIED, edge_depth=depth)) for depth in (1, 5)])
                shown = [show_one(opened, name, DENIED) for name in sorted(found[-1][1])]
                found.append([(one.edges, one.inbound) for one in shown])
        assert found[:2] == found[2:]


# The same again

TEXTS = ("refund", "refunds replay", "how do I replay a refund", "service:a", "camelCase", "résumé")


def answers(opened: OpenIndex) -> list[bytes]:
    world = World(opened)
    return [msgspec.json.encode(world.ask(text, **asked)) for text in TEXTS for asked in ASKED[:4]]


@QUICK
@given(histories())
def test_an_answer_is_the_same_bytes_however_its_index_was_built(history: list[Changes]) -> None:
    with brains() as made:
        commits = [made.repo.commit(changes) for changes in history]
        with made.open(made.builder(), commits[-1]) as opened:
            cold = answers(opened)
            assert answers(opened) == cold
        grown = made.builder()
        for commit in (*commits, *reversed(commits)):
            made.open(grown, commit).close()
        with made.open(grown, commits[-1]) as opened:
            assert answers(opened) == cold


# Lines

PIECES = (
    "refund",
    "Refund",
    "re-fund",
    "fund",
    "über",
    "ÜBER",
    "x_y",
    "v1.2",
    "日本",
    "()",
    "a",
    ".",
    "\t",
    " ",
    " ",
    "\n",
    "\n",
)
texts = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@QUICK
@given(
    st.dictionaries(
        st.sampled_from(("notes/a.md", "notes/b.md", "runbooks/c.md", "graph/d.yaml", "README.md")), texts, min_size=1
    ),
    st.sampled_from(PIECES[:11]),
    st.booleans(),
)
def test_a_literal_word_is_found_in_the_lines_git_finds_it_in(files: Mapping[str, str], word: str, case: bool) -> None:
    with brains() as made:
        commit = made.repo.commit({**ONTOLOGY, **files})
        options = ["--fixed-strings", "-n", *([] if case else ["-i"]), "-e", word, commit, "--", *sorted(files)]
        listed = git(made.repo.git_dir, "grep", *options, env={"LC_ALL": "C.UTF-8"}, answers=(0, 1)).decode()
        expected = {tuple(line.split(":")[1:3]) for line in listed.splitlines()}
        with made.open(made.builder(), commit) as opened:
            found = World(opened).ask(
                word, mode="grep-only", context_lines=0, max_matches=200, max_excerpts=200, case_sensitive=case
            )
        assert {(e.path, str(match.line)) for e in found.excerpts for match in e.matches} == expected
        for excerpt in found.excerpts:
            lines = files[excerpt.path].split("\n")
            assert excerpt.text == "\n".join(lines[excerpt.line_start - 1 : excerpt.line_end])
            for match in excerpt.matches:
                said = lines[match.line - 1][match.start : match.end]
                assert said == word if case else said.lower() == word.lower()


# Secrets

PLACES = ("title", "summary", "body", "note", "attribute", "owner", "path", "source")


@settings(QUICK, max_examples=40)
@given(
    st.sampled_from(VARIANTS),
    st.lists(st.sampled_from(PLACES), min_size=1, unique=True),
    st.integers(0, 600),
    st.integers(0, 10**6),
)
def test_no_planted_secret_leaves_by_any_way(variant: str, places: list[str], before: int, seed: int) -> None:
    text, value = planted(variant, random.Random(seed))
    text = text.replace("'", "")  # how quotes look inside of quotes is a matter of the scan
    said = {place: text if place in places else "nothing" for place in PLACES}
    name = value if "path" in places and re.fullmatch(r"[A-Za-z0-9_-]+", value) and value == text else "plain"
    filling = "needle word " * (before // 12) + "x" * (before % 12)
    owner = [f"team:x {said['owner']}"] if "\n" not in text else []
    files = {
        f"runbooks/{name}.md": markdown(
            "Runbook", "runbook:a", f"{filling} {said['body']}\nneedle\n", title=f"Needle {said['title']}", owners=owner
        ),
        "graph/b.yaml": record(
            "Service",
            "service:b",
            title="needle",
            summary=f"A {said['summary']}",
            more=[said["attribute"]],
            sourceRefs=[said["source"]],
        ),
        "notes/c.md": f"# Needle\n\n{filling}\n{said['note']}\nneedle\n",
    }
    with brains() as made:
        commits = [
            made.repo.commit({**ONTOLOGY, **files}),
            made.repo.commit(
                {path: f"{content}\nneedle\n" for path, content in files.items() if path.endswith("md")}
                | {"graph/b.yaml": None}
            ),
        ]
        builder = made.builder()
        with made.open(builder, commits[0]) as old, made.open(builder, commits[1]) as new:
            world = World(old)
            leaving = [
                world.ask("needle", paths=("**",), context_lines=lines, max_bytes=room)
                for lines in (0, 5)
                for room in (700, 64_000)
            ]
            told = [msgspec.json.encode(response).decode() for response in leaving] + [
                render_prompt(response) for response in leaving
            ]
            told += [
                msgspec.json.encode(show_one(old, item, owner_policy())).decode()
                for item in ("runbook:a", "service:b", "notes/c.md")
            ]
            told.append(msgspec.json.encode(compare(old, new, owner_policy(), patch=True)).decode())
        for one in told:
            assert value not in one
