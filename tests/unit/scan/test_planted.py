"""A thousand credentials of every kind in every form: found, and nothing of them left. Without them, silence."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import pytest

from krate_gitops.brain.model import PromptInjection
from krate_gitops.brain.scan.bulk import Reason, Scanner
from krate_gitops.brain.scan.entropy import find_high_entropy
from krate_gitops.brain.scan.secrets import find_secrets
from krate_gitops.memory.clean import Cleaner
from krate_gitops.memory.redact import RedactionConfig, make_inert, redact
from tests.planted import SCAN, Planted, blank, planted
from tests.planted_forms import FORMS

CONFIG = RedactionConfig(SCAN)
SECRETS = planted(1, 1000)
BLANKS = blank(1, 1000)
KINDS = {
    "secret-key",
    "provider-token",
    "bearer-token",
    "basic",
    "private-key",
    "kubeconfig",
    "webhook-signature",
    "url-credential",
    "base64-credential",
    "policy:psp-key",
}


def _alarms(text: str) -> list[str]:
    found = [str(hit.kind) for hit in find_secrets(text, SCAN) if hit.kind != "example-credential"]
    return found + ["high-entropy" for _ in find_high_entropy(text, SCAN)]


def test_the_corpus_holds_every_kind_in_every_form_and_is_the_same_each_time() -> None:
    assert {one.kind for one in SECRETS} == KINDS
    assert {one.form for one in SECRETS} == set(FORMS)
    assert len({(one.kind, one.form) for one in SECRETS}) > 250
    assert planted(1, 60) == SECRETS[:60]
    assert planted(2, 60) != SECRETS[:60]


def test_every_needle_would_be_seen_if_a_text_were_left_as_it_is() -> None:
    for one in SECRETS:
        assert any(needle in one.fragment for needle in one.needles), (one.kind, one.form)


def test_of_every_planted_secret_nothing_is_left_in_what_is_shown() -> None:
    left = [
        (one.kind, one.form)
        for one in SECRETS
        for text in one.documents()
        if _left(one, make_inert(redact(text, config=CONFIG).text))
    ]
    assert left == []


def _left(one: Planted, shown: str) -> bool:
    return any(needle in shown for needle in one.needles)


def test_every_planted_secret_is_found_by_the_scan_of_files_and_the_place_is_named_without_it() -> None:
    scanner = Scanner(SCAN, PromptInjection())
    texts = [text for one in SECRETS for text in one.documents()]
    suspects = dict(scanner.suspects([text.encode() for text in texts]))
    for at, text in enumerate(texts):
        one = SECRETS[at // 4]
        findings = scanner.scan(text, suspects.get(at, Reason(0)))
        assert {"KB060", "KB061"} & {finding.code for finding in findings}, (one.kind, one.form)
        assert not any(needle in str(finding) for finding in findings for needle in one.needles)


def test_the_first_look_lets_no_text_with_a_secret_pass() -> None:
    texts = [text for one in SECRETS[:300] for text in one.documents()]
    cleaned = Cleaner(SCAN, PromptInjection()).redact(texts)
    assert [text.text for text in cleaned] == [redact(text, config=CONFIG).text for text in texts]


def test_a_redacted_text_redacts_to_itself() -> None:
    for one in SECRETS[:300]:
        once = redact(one.json_event(), config=CONFIG).text
        assert redact(once, config=CONFIG).text == once


def test_the_same_texts_with_harmless_words_raise_fewer_alarms_than_one_in_a_hundred() -> None:
    alarms = Counter((one.kind, one.form) for one in BLANKS for text in one.documents() if _alarms(text))
    assert alarms == Counter()  # which ones, if there are any
    assert alarms.total() * 100 < 4 * len(BLANKS)


def test_the_documentation_of_this_project_raises_no_alarm_but_for_its_example() -> None:
    listed = subprocess.run(["git", "ls-files", "-z", "*.md"], check=True, capture_output=True, text=True, cwd=_ROOT)
    paths = [path for path in listed.stdout.split("\0") if path]
    assert len(paths) > 30
    # One page shows on purpose how a made-up password is taken out.
    alarmed = [path for path in paths if _alarms((_ROOT / path).read_text(encoding="utf-8"))]
    assert alarmed == ["docs/querying.md"]


_ROOT = Path(__file__).parents[3]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_of_other_corpora_hardly_the_end_of_one_in_five_hundred_is_left(seed: int) -> None:
    """What can be left is the end of a token on the next line that reads like a word."""
    left = {
        number
        for number, one in enumerate(planted(seed, 1000))
        for text in one.documents()
        if _left(one, make_inert(redact(text, config=CONFIG).text))
    }
    assert len(left) <= 2
