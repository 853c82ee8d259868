"""The words of a commit, against what git itself finds in it."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.memory.grep import lowered, split_terms
from tests.repos import git
from tests.unit.index.brain import Indexed

_WORDS = ("refund", "Refunds", "REPLAY", "pay-ments", "ledger_entry", "service:fx-rates", "camelCase", "a.b.c", "x1",
"1.10", "été",
          "ÉTÉ", "e\u0301te\u0301", "straße", "STRASSE", "İstanbul", "ΣΊΣΥΦΟΣ", "Ωμέγα", "日本語テスト", "\U0001f600",
          "K\u212a", "naïve",
          "don't", "foo/bar", "C++", "[link](https://example.com/x?y=1&z=2)", "deadbeef" * 8,
          "sha256:" + "ab12" * 16)  # fmt: skip


def _text(source: random.Random) -> str:
    lines = [
        source.choice((" ", ", ", " - ", "")).join(source.choices(_WORDS, k=source.randint(1, 8)))
        for _ in range(source.randint(1, 6))
    ]
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    source = random.Random(5)
    files = {f"notes/{number:02}.md": f"# Note\n\n{_text(source)}" for number in range(30)}
    files["notes/long.md"] = "# Long\n\n" + "q" * 50_000 + " z\n"
    files["graph/services/broken.yaml"] = "a: 'refund\n"
    return files


@pytest.fixture(scope="module")
def indexed(texts: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Indexed:
    return Indexed(tmp_path_factory.mktemp("view"), texts)


def _git_grep(indexed: Indexed, text: str) -> set[str]:
    listed = git(indexed.repository.git_dir, "grep", "-z", "-i", "-l", "-F", "-e", text, indexed.commit, answers=(0, 1))
    return {name.partition(":")[2] for name in listed.decode().split("\0")[:-1]}


@pytest.mark.parametrize("seed", range(40))
def test_words_and_parts_of_words_are_found_where_git_finds_them(
    seed: int, indexed: Indexed, texts: dict[str, str]
) -> None:
    source = random.Random(seed)
    text = texts[source.choice(sorted(texts))]
    words = [word for word in "".join(c if c.isascii() and c.isalnum() else " " for c in text).split() if word]
    word = source.choice(words)[:60]
    start = source.randrange(len(word))
    part = source.choice((str.lower, str.upper, str.title))(word[start : start + source.randint(1, 8)])
    assert indexed.files_with(part) == _git_grep(indexed, part)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_file_that_holds_a_text_is_missed(data: st.DataObject, indexed: Indexed, texts: dict[str, str]) -> None:
    """Any piece of a file in any case, as a whole and by its terms, is found by whoever reads every line."""
    text = texts[data.draw(st.sampled_from(sorted(texts)))]
    start = data.draw(st.integers(0, min(len(text), 400) - 1))
    piece = text[start : start + data.draw(st.integers(1, 30))].split("\n")[0]
    changes: list[Callable[[str], str]] = [str, str.lower, str.upper, str.swapcase, lowered]
    change = data.draw(st.sampled_from(changes))
    for wanted in (change(piece), *split_terms(change(piece))):
        if not wanted:
            continue
        holding = {
            path
            for path, content in texts.items()
            if any(lowered(wanted) in line for line in lowered(content).split("\n"))
        }
        assert holding <= indexed.files_with(wanted)


@given(st.text(max_size=12))
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_may_be_asked_for(indexed: Indexed, texts: dict[str, str], text: str) -> None:
    holding = {path for path, content in texts.items() if text and lowered(text) in lowered(content)}
    assert holding <= indexed.files_with(text)


def test_a_part_of_a_very_long_word_is_found(indexed: Indexed) -> None:
    assert indexed.files_with("q" * 300) == {"notes/long.md"}
    assert indexed.files_with("q" * 50_001) == set()


@pytest.mark.parametrize("size", [65_000, 65_530, 65_531, 65_536, 100_000, 1_000_000])
def test_words_of_any_length_are_found(size: int, tmp_path: Path) -> None:
    """A blob of hexadecimal or base64 is one word; what stands in it can be found."""
    indexed = Indexed(
        tmp_path,
        {
            "notes/a.md": "# Blob\n\n" + "ab12" * (size // 8) + "middle" + "ab12" * (size // 8) + "needle\n",
            "notes/b.md": "# Other\n\nnothing\n",
        },
    )
    for part in ("2needle", "2middlea", ("ab12" * 250)[1:], "needle"):
        assert indexed.files_with(part) == {"notes/a.md"}


def test_texts_of_separators_alone_exclude_no_file(indexed: Indexed, texts: dict[str, str]) -> None:
    for text in ("", "-", " :: ", "\U0001f600", "++"):
        assert indexed.files_with(text) >= set(texts)


def test_words_of_a_text_must_stand_as_they_do_there(indexed: Indexed) -> None:
    """Only the first word may be the end of another, only the last one the start."""
    assert indexed.files_with("ments ledger_") >= indexed.files_with("payments ledger_entry")
    assert indexed.files_with("fund zzz refund") == set()


def test_files_that_may_not_be_searched_are_not_found(tmp_path: Path) -> None:
    secret = "---\nid: runbook:a\nkind: Runbook\ntitle: T\nsensitivity: secret-metadata\n---\nneedle\n"
    files = {
        "runbooks/a.md": secret,
        "graph/x.csv": "needle\n",
        "ontology/node-kinds.yaml": "# needle\n",
        "notes/a.md": "# needle\n",
    }
    assert Indexed(tmp_path, files).files_with("needle") == {"notes/a.md"}


def test_a_view_leaves_nothing_behind(indexed: Indexed) -> None:
    assert indexed.files_with("refund")
    views = indexed.builder.store.root / "views"
    assert not views.exists() or list(views.iterdir()) == []


def test_a_part_of_very_many_words_is_found_in_all_of_them(tmp_path: Path) -> None:
    files = {f"notes/{number}.md": f"# Note\n\nb{number}zz\n" for number in range(60)}
    indexed = Indexed(tmp_path, files | {"notes/other.md": "# Note\n\nnothing\n"})
    assert indexed.files_with("zz") == set(files)
