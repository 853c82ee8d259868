"""What leaves the repository, and what does not."""

from __future__ import annotations

import base64
import random

import pytest

from krate_gitops.brain.model import SecretPattern, SecretScan
from krate_gitops.errors import UnavailableError
from krate_gitops.memory.redact import REDACTION_VERSION, RedactionConfig, redact
from tests.unit.scan.planted import KIND_OF, VARIANTS, chars, planted

CONFIG = RedactionConfig()


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_planted_secret_gets_through(variant: str) -> None:
    for seed in range(40):
        text, value = planted(variant, random.Random(f"redact/{variant}/{seed}"))
        result = redact(f"Before. It was {text} until rotation.", config=CONFIG)
        assert value not in result.text
        assert result.text.startswith("Before. It was ")
        assert result.text.endswith(" until rotation.")
        assert KIND_OF[variant] in result.counts


def test_the_rest_of_the_line_stays_readable() -> None:
    password = chars(random.Random(1), 14)
    url = redact(f"https://deploy:{password}@db.example.com/main", config=CONFIG)
    assert url.text == "https://deploy:[REDACTED:url-credential]@db.example.com/main"
    assert url.counts == {"url-credential": 1}
    header = redact("Authorization: Bear" + f"er {chars(random.Random(1), 40)}", config=CONFIG)
    assert header.text == "Authorization: Bearer [REDACTED:bearer-token]"


def test_clean_text_and_documented_examples_come_back_unchanged() -> None:
    text = "Bearer tokens go into the Authorization header. " + "AKIA" + "IOSFODNN7EXAMPLE"
    result = redact(text, config=CONFIG)
    assert (result.text, result.counts, result.removed_ratio) == (text, {}, 0.0)


def test_random_tokens_go_and_digests_stay() -> None:
    token = chars(random.Random(3), 44)
    result = redact(f"value {token} end", config=CONFIG)
    assert result.text == "value [REDACTED:base64-credential] end"
    lenient = RedactionConfig(SecretScan(entropy_min_length=100, entropy_threshold_percent=100))
    assert redact(f"value {token} end", config=lenient).counts == {"base64-credential": 1}
    digest = "sha256:" + chars(random.Random(3), 64, "0123456789abcdef")
    assert redact(f"value {digest} end", config=CONFIG).counts == {}


def test_line_breaks_inside_a_secret_stay_so_that_line_numbers_hold() -> None:
    text, value = planted("openssh-key", random.Random(4))
    result = redact(f"one\n{text}\nlast", config=CONFIG)
    assert value not in result.text
    assert result.text.count("\n") == f"one\n{text}\nlast".count("\n")


def test_an_encoded_secret_goes_as_a_whole() -> None:
    token, _ = planted("github-token", random.Random(5))
    encoded = base64.b64encode(f"token={token}".encode()).decode()
    assert encoded[10:30] not in redact(f'{{"data": "{encoded}"}}', config=CONFIG).text


def test_kinds_of_the_policy_of_users_and_of_the_deny_list_are_named() -> None:
    config = RedactionConfig(
        SecretScan(extra_patterns=(SecretPattern("ticket", r"T-\d{4}"),)),
        denied=("blue moon",),
        user_patterns=(r"\bAda\b",),
    )
    result = redact("Ada saw T-1234 under the blue moon, T-5678 too", config=config)
    assert result.text == (
        "[REDACTED:user] saw [REDACTED:policy:ticket] under the [REDACTED:policy:denied], [REDACTED:policy:ticket] too"
    )
    assert result.counts == {"policy:denied": 1, "policy:ticket": 2, "user": 1}


def test_where_kinds_overlap_the_earlier_of_the_order_names_the_span() -> None:
    token, _ = planted("github-token", random.Random(6))
    config = RedactionConfig(denied=(token[:10],), user_patterns=(".*",))
    assert redact(f"x {token}", config=config).text == "[REDACTED:policy:denied]"


def test_the_share_that_is_gone_is_one_of_bytes() -> None:
    config = RedactionConfig(denied=("aaaa", "éé"))
    assert redact("aaaabbbb", config=config).removed_ratio == 0.5
    assert redact("aaaabbb", config=config).removed_ratio == pytest.approx(4 / 7)
    assert redact("éébbb", config=config).removed_ratio == pytest.approx(4 / 7)
    assert redact("", config=config).removed_ratio == 0.0


@pytest.mark.parametrize("pattern", [".*", "(?s).*", "[A-Z]+", "REDACTED", r"\[", "user", "^a", "a$", "x*", r"\s"])
def test_redacting_twice_changes_nothing(pattern: str) -> None:
    token, _ = planted("github-token", random.Random(7))
    config = RedactionConfig(user_patterns=(pattern,))
    once = redact(f"alpha\nBETA {token} REDACTED gamma user\na", config=config)
    twice = redact(once.text, config=config)
    assert (twice.text, twice.counts) == (once.text, {})


def test_what_only_looks_like_a_marker_is_text_like_any_other() -> None:
    token, value = planted("github-token", random.Random(8))
    assert value not in redact(f"[REDACTED:{token}]", config=CONFIG).text


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("the passage", RedactionConfig(user_patterns=("(",))),
        ("the passage", RedactionConfig(user_patterns=("(?<=a)b",))),
        ("the passage", RedactionConfig(SecretScan(extra_patterns=(SecretPattern("odd", "("),)))),
        ("lone \ud800 surrogate", CONFIG),
    ],
)
def test_any_failure_withholds_the_text(text: str, config: RedactionConfig) -> None:
    with pytest.raises(UnavailableError) as caught:
        redact(text, config=config)
    assert caught.value.code == "MEMORY_REDACTION_FAILED"
    assert text not in str(vars(caught.value))


def test_the_version_of_the_kinds_is_fixed() -> None:
    assert REDACTION_VERSION == 1
