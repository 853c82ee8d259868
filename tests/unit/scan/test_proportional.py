"""Hostile texts take time in proportion: eight times the text, about eight times the work, on one line or on many."""

from __future__ import annotations

import pytest

from krate_gitops.brain.model import SecretScan
from krate_gitops.brain.scan.entropy import find_high_entropy
from krate_gitops.brain.scan.hidden import hidden_characters
from krate_gitops.brain.scan.secrets import find_secrets
from tests.proportion import assert_in_proportion

_SCANS = {
    "secrets": lambda text: find_secrets(text, SecretScan()),
    "entropy": lambda text: find_high_entropy(text, SecretScan()),
    "hidden": lambda text: list(hidden_characters(text)),
}
_PIECES = {
    "one run of segments": ("entropy", "aB3xK9-"),
    "one run of plain words": ("entropy", "word-"),
    "headers beside bars": ("secrets", "x-hub-signature|"),
    "cookies beside bars": ("secrets", " cookie|"),
    "names beside bars": ("secrets", "api_key|"),
    "escapes": ("secrets", "\\u0041b"),
    "entities in entities": ("secrets", "&amp;amp;#65;"),
    "percent codes": ("secrets", "%2541"),
    "characters that take no place": ("secrets", "a\u200b"),
    "breaks within tokens": ("secrets", "aB3xK9c\n"),
    "breaks within tokens of many lengths": ("entropy", "aB3xK9c\naB3xK9cD4\n"),
    "breaks of strings": ("secrets", "aB3xK9c\\n"),
    "continued lines": ("entropy", "aB3xK9c\\\n  "),
    "values without names": ("secrets", 'value: "aB3xK9cD",'),
    "values in front of names": ("secrets", 'value: "aB3xK9cD", name: api_key,'),
    "pairs": ("secrets", '"api_key","'),
    "names in front of fields": ("secrets", "api_key\n type: a\n "),
    "encodings in encodings": ("secrets", "ZXlKcFpDSTZJQ0o0SWl3Z0ltVnVaSEJ2YVc1MElqb2dJbkps"),
    "marks on one line": ("hidden", "ab\u200e"),
}


@pytest.mark.parametrize(("scan", "piece"), _PIECES.values(), ids=_PIECES)
def test_a_text_of_nothing_but_beginnings_takes_time_in_proportion(scan: str, piece: str) -> None:
    assert_in_proportion(lambda length: _SCANS[scan](piece * (length // len(piece))), 60_000)
