"""Invariants of scans and redaction, over texts put together at random."""

from __future__ import annotations

import base64
import random
import re
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from krate_gitops.brain.model import PromptInjection, SecretPattern, SecretScan
from krate_gitops.brain.scan.bulk import Reason, Scanner
from krate_gitops.brain.scan.clean import is_clean
from krate_gitops.brain.scan.entropy import find_high_entropy
from krate_gitops.brain.scan.injection import scan_injection
from krate_gitops.brain.scan.normal import DISGUISING, normalise
from krate_gitops.brain.scan.private import find_private_data
from krate_gitops.brain.scan.secrets import find_secrets
from krate_gitops.brain.scan.views import views
from krate_gitops.memory.redact import Redacted, RedactionConfig, make_inert, redact
from tests.planted import planted as planted_corpus
from tests.unit.scan.planted import VARIANTS, chars, planted
from tests.unit.scan.test_injection import ATTACKS

CORPUS = planted_corpus(3, 400)
SECRET = SecretScan(extra_patterns=(SecretPattern("ticket", r"^T-\d{4}$"),))
INJECTION = PromptInjection(extra_phrases=("open sesame",))
SCANNER = Scanner(SECRET, INJECTION)

seeds = st.integers(0, 2**32).map(random.Random)
secrets = st.builds(lambda variant, rng: planted(variant, rng)[0], st.sampled_from(VARIANTS), seeds)
tokens = st.builds(lambda rng, length: chars(rng, length), seeds, st.integers(20, 70))
attacks = st.sampled_from([text for _, text in ATTACKS])
encoded = st.one_of(secrets, attacks).map(lambda text: base64.b64encode(text.encode()).decode())
fragments = st.one_of(
    secrets,
    tokens,
    attacks,
    encoded,
    st.sampled_from([one.fragment for one in CORPUS]),
    st.sampled_from(
        ["\\u0041", "&#98;", "%2d", "k9Xv\nQ2mL7", "\\\\\\n", '", "value": "', "aws_secret_key", "\x1b[0m", "\r"]
    ),
    st.sampled_from(["T-1234", "Open Sesame", "4539 1488 0343 6467", "\u200b", "\\\n  ", "\n", " ", "'", "```", "# "]),
    st.text(max_size=12),
)
documents = st.lists(fragments, max_size=6).map("".join)


@settings(deadline=None)
@given(st.lists(documents, max_size=5))
def test_the_first_look_misses_nothing_that_a_detailed_scan_finds(texts: list[str]) -> None:
    flagged = dict(SCANNER.suspects([text.encode() for text in texts]))
    alone = [dict(SCANNER.suspects([text.encode() for text in texts], reason)) for reason in Reason]
    for at, text in enumerate(texts):
        reasons = flagged.get(at, Reason(0))
        assert [reason in reasons for reason in Reason] == [at in found for found in alone]
        assert not find_secrets(text, SECRET) or Reason.SECRET in reasons
        assert not find_high_entropy(text, SECRET) or Reason.ENTROPY in reasons
        assert not scan_injection(text, INJECTION.extra_phrases) or Reason.INJECTION in reasons
        assert not find_private_data(text) or Reason.PRIVATE in reasons


@settings(deadline=None)
@given(documents)
def test_redaction_leaves_alone_what_the_scan_of_a_file_calls_clean(text: str) -> None:
    for scan in (SECRET, SecretScan(entropy_min_length=60), SecretScan(entropy_threshold_percent=95)):
        scanner = Scanner(scan, INJECTION)
        reasons = dict(scanner.suspects([text.encode()])).get(0, Reason(0))
        if is_clean(text, text.encode(), scanner.scan(text, reasons), scan):
            assert redact(text, config=RedactionConfig(scan)) == Redacted(text, {}, 0.0)


@settings(deadline=None)
@given(documents)
def test_views_lead_back_to_the_characters_they_stand_for(text: str) -> None:
    for seen in views(text):
        places = [seen.original(at, at + 1) for at in range(len(seen.text))]
        assert all(0 <= start < end <= len(text) for start, end in places)
        assert all(before[0] <= after[0] and before[1] <= after[1] for before, after in pairwise(places))
        kept = [text[start:end] == char for (start, end), char in zip(places, seen.text, strict=True)]
        assert seen.through or all(kept)


@settings(deadline=None)
@given(documents)
def test_hits_lie_within_the_text_in_order_and_without_overlap(text: str) -> None:
    end = 0
    for hit in find_secrets(text, SECRET):
        assert end <= hit.start < hit.end <= len(text)
        end = hit.end
    assert all(0 <= hit.start < hit.end <= len(text) for hit in scan_injection(text))
    assert all(0 <= hit.start < hit.end <= len(text) for hit in find_high_entropy(text, SECRET))


@settings(deadline=None)
@given(st.text(max_size=40), st.sampled_from(VARIANTS), seeds, st.text(max_size=40))
def test_redaction_never_lets_a_planted_secret_through(
    before: str, variant: str, rng: random.Random, after: str
) -> None:
    text, value = planted(variant, rng)
    assert value not in redact(f"{before} {text} {after}", config=RedactionConfig()).text


@settings(deadline=None)
@given(documents, st.sampled_from(["[a-z]{3}", ".+", "(?i)token", r"\d+", "REDACTED:user"]))
def test_redaction_is_idempotent_and_leaves_nothing_to_find(text: str, pattern: str) -> None:
    config = RedactionConfig(SECRET, denied=("sesame",), user_patterns=(pattern,))
    once = redact(text, config=config)
    assert redact(once.text, config=config).text == once.text
    assert [hit for hit in find_secrets(once.text, SECRET) if hit.kind != "example-credential"] == []
    assert 0.0 <= once.removed_ratio <= 1.0
    assert bool(once.counts) == (once.text != text)


@given(st.one_of(st.text(), documents))
def test_inert_text_stays_inert(text: str) -> None:
    inert = make_inert(text)
    assert make_inert(inert) == inert
    assert re.search(r"[\x00-\x08\x0b-\x1f\u200b-\u200f\u202a-\u202e\u2066-\u2069]|`{3}|~{3}", inert) is None


@given(st.text())
def test_normalised_offsets_are_monotone_and_inside(text: str) -> None:
    normal = normalise(text)
    places = [normal.original(at) for at in range(len(normal.text) + 1)]
    assert places == sorted(places)
    assert all(0 <= place <= len(text) for place in places)


@given(st.characters(exclude_categories=("Cs",)))
def test_only_the_characters_of_the_trigger_turn_into_what_phrases_are_made_of(char: str) -> None:
    if not char.isascii() and not re.match(f"[{DISGUISING}]", char):
        assert re.fullmatch(r"[^a-z0-9`<>|\[\]#]", normalise(char).text)
