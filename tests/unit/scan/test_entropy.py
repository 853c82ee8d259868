"""KB061: random tokens alarm, everything that is random or long by nature does not."""

from __future__ import annotations

import random
import string
import uuid

import pytest

from krate_gitops.brain.model import SecretScan
from krate_gitops.brain.scan.entropy import find_high_entropy
from krate_gitops.brain.scan.secrets import fingerprint
from tests.unit.scan.planted import ALNUM, chars

CONFIG = SecretScan()
HEX = "0123456789abcdef"


@pytest.mark.parametrize(
    ("alphabet", "length"),
    [(ALNUM, 44), (ALNUM + "+/", 64), (ALNUM + "-_", 64), (string.ascii_lowercase + string.digits, 64), (HEX, 50)],
)
def test_a_random_token_is_found_with_its_place_and_length(alphabet: str, length: int) -> None:
    found = 0
    for seed in range(200):
        token = chars(random.Random(seed), length, alphabet)
        hits = find_high_entropy(f"the value {token} was used", CONFIG)
        found += len(hits) == 1 and hits[0].start <= 12 and hits[0].length >= 32
    assert found >= 194


def test_length_and_threshold_come_from_the_settings() -> None:
    token = chars(random.Random(7), 40)
    assert find_high_entropy(token, CONFIG)
    assert not find_high_entropy(token, SecretScan(entropy_min_length=48))
    assert not find_high_entropy(token, SecretScan(entropy_threshold_percent=100))
    assert find_high_entropy(token[:24], SecretScan(entropy_min_length=20))


def test_a_token_of_exactly_the_least_length_counts_and_a_shorter_one_does_not() -> None:
    token = chars(random.Random(5), 32)
    assert [hit.length for hit in find_high_entropy(f"x {token} y", CONFIG)] == [32]
    assert find_high_entropy(f"x {token[:31]} y", CONFIG) == []


@pytest.mark.parametrize(
    "text",
    [
        *(chars(random.Random(3), length, HEX) for length in (32, 40, 64)),
        "sha256:" + chars(random.Random(3), 64, HEX),
        '"integrity": "sha512-' + chars(random.Random(3), 86) + '=="',
        str(uuid.UUID(int=random.Random(3).getrandbits(128))),
        "session-" + str(uuid.UUID(int=random.Random(3).getrandbits(128))) + "-attempt",
        "https://docs.example.com/d/" + chars(random.Random(3), 44) + "/edit",
        "https://example.com/?q=" + chars(random.Random(3), 44),
        "./dist/assets/main-" + chars(random.Random(3), 40) + "/index",
        "build/cache/" + chars(random.Random(3), 44),
        "bundle." + chars(random.Random(3), 44) + ".js",
        "data:image/png;base64," + chars(random.Random(3), 200, ALNUM + "+/"),
        "data:image/png;base64," + "\n  ".join(chars(random.Random(at), 60, ALNUM + "+/") for at in range(4)),
        "ssh-ed25519 AAAA" + "C3NzaC1lZDI1NTE5" + chars(random.Random(3), 48),
        "-----BEGIN CERTIFICATE-----\n" + chars(random.Random(3), 64) + "\n-----END CERTIFICATE-----",
        "package:a5c-ai-agent-mux-gateway-component-2026-05",
        "AgentHostTransportStartedListenerFactoryV2Base64",
        "this_is_a_rather_long_identifier_with_many_words_and_a_number_12",
        "realtimeV1WebsocketCompatibleTransportAdapterFactory",
        "THE_LONGEST_CONSTANT_NAME_THAT_ANYBODY_EVER_WROTE_2",
        "evidence:a5c-mcp-source-ref-catalog-source-2026-05-extended",
        "babysitter-run-01JX3V7M2Q9ZB4T8KD5N6PHRWC",
        "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEC2Ev",
        "0123456789" * 5,
        "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "=" * 60,
        "VGhpcyBpcyBqdXN0IGEgc2VudGVuY2Ugd2l0aCBwbGFpbiB3b3Jkcw==",
    ],
)
def test_what_is_random_by_design_or_long_by_nature_is_exempt(text: str) -> None:
    assert find_high_entropy(f"see {text} here", CONFIG) == []


def test_an_accepted_fingerprint_silences_that_token_only() -> None:
    token, other = chars(random.Random(1), 44), chars(random.Random(2), 44)
    config = SecretScan(allow_fingerprints=(fingerprint(token),))
    assert [hit.start for hit in find_high_entropy(f"{token} {other}", config)] == [45]
