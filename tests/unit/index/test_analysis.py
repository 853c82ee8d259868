"""Text analysis ``krate-text-1``: what words a text has and what they are found by. These vectors are its contract.

A change of any line here is a new version of the analysis, and with it of every index.
"""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from krate_gitops.index.analysis import (
    MAX_TOKEN_BYTES,
    VERSION,
    fold_text,
    stem,
    term_key,
    terms_of,
    tokens_of,
    whole_of,
    words_of,
)
from krate_gitops.index.tokens import tokenise

VECTORS: list[tuple[str, list[tuple[str, list[str]]]]] = [
    # text, then each word with the terms it is found by
    ("Replaying refunds", [("replaying", ["replay", "replaying"]), ("refunds", ["refund", "refunds"])]),
    ("the of a", [("the", ["the"]), ("of", ["of"]), ("a", ["a"])]),
    ("resumes Résumés", [("resumes", ["resum", "resumes"]), ("resumes", ["resum", "resumes"])]),
    ("naïve Ünïcödé", [("naive", ["naiv", "naive"]), ("unicode", ["unicod", "unicode"])]),
    ("e\u0301te\u0301 été", [("ete", ["ete"]), ("ete", ["ete"])]),
    ("straße ẞ Æther", [("strasse", ["strass", "strasse"]), ("ss", ["ss"]), ("aether", ["aether"])]),
    ("camelCaseName", [("camelcasename", ["camel", "camelcasenam", "camelcasename", "case", "name"])]),
    ("HTTPServer v2Beta", [("httpserver", ["http", "httpserver", "server"]), ("v2beta", ["2", "beta", "v", "v2beta"])]),
    ("SQL sql Sql", [("sql", ["sql"]), ("sql", ["sql"]), ("sql", ["sql"])]),
    ("1.10 0x1F 12345e67", [("1", ["1"]), ("10", ["10"]), ("0x1f", ["0", "0x1f", "1", "f", "x"]), ("12345e67",
    ["12345e67"])]),
    ("日本語 テスト", [("日本語", ["日本語"]), ("テスト", ["テスト"])]),
    ("шифрование ключей", [("шифрование", ["шифрование"]), ("ключей", ["ключей"])]),
    ("سلام 😀 ok", [("سلام", ["سلام"]), ("ok", ["ok"])]),
    ("", []),
    ("-- .. // :: __ 😀 !?", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), VECTORS, ids=[repr(text)[:30] for text, _ in VECTORS])
def test_words_and_their_terms(text: str, words: list[tuple[str, list[str]]]) -> None:
    found = [word for token in tokens_of(text) for word in words_of(token)]
    assert [(word.folded, sorted(word.terms())) for word in found] == words


COMPOUNDS: list[tuple[str, list[str], str, int]] = [
    # token, terms beside those of its words, whole, positions
    ("payments-ledger", ["payments-ledger"], "payments-ledger", 2),
    ("runbook:Payments-Refund", ["runbook:payments-refund"], "runbook:payments-refund", 3),
    ("a.b_c/d:e", ["a.b_c/d:e"], "a.b_c/d:e", 5),
    ("Résumé-Ünit", ["resume-unit"], "resume-unit", 2),
    ("plain", [], "plain", 1),
    ("foo-foo", ["foo-foo"], "foo-foo", 2),
]


@pytest.mark.parametrize(("token", "more", "whole", "positions"), COMPOUNDS)
def test_compounds_are_found_by_their_whole_too(token: str, more: list[str], whole: str, positions: int) -> None:
    assert tokens_of(f"({token})") == [token]
    terms, found = terms_of(token)
    by_words = [term for word in words_of(token) for term in word.terms()]
    assert (sorted(terms), found, whole_of(token)) == (sorted(by_words + more), positions, whole)


def test_joiners_join_only_between_words() -> None:
    assert tokens_of("-a- b-- c--d .e. f/ g:h: :i") == ["a", "b", "c", "d", "e", "f", "g:h", "i"]


@pytest.mark.parametrize(
    ("word", "root"),
    [("running", "run"), ("ledgers", "ledger"), ("policies", "polici"), ("policy", "polici"), ("deploy", "deploy"),
     ("deployment", "deploy"), ("7z", "7z"), ("été", "été")],
)  # fmt: skip
def test_stems_are_english(word: str, root: str) -> None:
    assert stem(word) == root


def test_folded_texts_are_compared_as_a_whole() -> None:
    assert fold_text("  Replaying\tREFUNDS\n after  a Résumé ") == "replaying refunds after a resume"
    assert fold_text("e\u0301") == fold_text("é") == "e"
    assert fold_text("runbook:A-b") == "runbook:a-b"
    assert fold_text(" \n") == ""


def test_keys_are_those_of_every_machine() -> None:
    assert VERSION == "krate-text-1"
    assert term_key("refund") == int.from_bytes(b"refund", "little")
    assert term_key("payments-ledger") == 0x8993A22B4361819A


_TEXTS = st.lists(
    st.one_of(
        st.text(max_size=40),
        st.text("aAzZ09-_./: \n\x00\x7f\x80é\u0301ß日\U0001f600", max_size=40),
        st.from_regex(r"[a-z]{1,40}([-_./:][a-zA-Z0-9é]{0,12}){0,6}", fullmatch=True),
        st.integers(1000, 1100).map(lambda size: "x" * size),
        st.integers(330, 530).map(lambda size: "é" * size + " " + "日" * size),
    ),
    max_size=6,
)


@given(_TEXTS)
@example([])
@example([""])
@example(["", "", "a"])
@example(["a", "-b"])
@example(["a-", "b"])
@example(["12345678", "1234567812345678", "12345678123456781", "123456781234567812"])
@example(["x" * MAX_TOKEN_BYTES, "x" * (MAX_TOKEN_BYTES + 1)])
@example(["é" * 512, "é" * 513, "日" * 341 + "x", "日" * 342])
def test_tokens_of_many_texts_are_those_of_each(texts: list[str]) -> None:
    tokens = tokenise([text.encode() for text in texts])
    spans = zip(tokens.starts.tolist(), tokens.ends.tolist(), strict=True)
    surfaces = iter([tokens.joined[start:end].decode() for start, end in spans])
    assert [[next(surfaces) for _ in range(count)] for count in tokens.counts.tolist()] == [
        tokens_of(text) for text in texts
    ]
    assert next(surfaces, None) is None


@given(st.text(max_size=60))
def test_a_query_finds_the_text_it_stands_in(text: str) -> None:
    """Every word of a text asks for terms that the text holds."""
    held = {term for token in tokens_of(text) for term in terms_of(token)[0]}
    for token in tokens_of(text):
        for word in words_of(token):
            assert {word.folded, word.stem} <= held


@given(st.text(max_size=40), st.sampled_from(("NFC", "NFD")))
def test_unicode_forms_of_a_text_have_the_same_words(text: str, form: str) -> None:
    def words(value: str) -> list[str]:
        return [word.folded for token in tokens_of(value) for word in words_of(token)]

    other = unicodedata.normalize(form, text)  # type: ignore[arg-type]
    if tokens_of(text) and tokens_of(other):
        assert words(unicodedata.normalize("NFC", text)) == words(other)
