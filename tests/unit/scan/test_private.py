"""KB066: payment cards, bank accounts, social security numbers; never a bare number."""

from __future__ import annotations

import pytest

from krate_gitops.brain.scan.private import PrivateKind, find_private_data

# Not issued: made of an issuer's prefix, counting digits, and the check digit.
CARD = "4539" + "1488" + "0343" + "6467"
IBAN = "GB33" + "BUKB" + "20201555555555"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"the customer's card {CARD} was declined", PrivateKind.CARD),
        ("4539 " + "1488 " + "0343 " + "6467", PrivateKind.CARD),
        ("4539-" + "1488-" + "0343-" + "6467", PrivateKind.CARD),
        (f"refund to {IBAN} today", PrivateKind.IBAN),
        ("GB33 " + "BUKB 2020 1555 5555 55 today", PrivateKind.IBAN),
        ("her social security number is 536-" + "22-8145", PrivateKind.SOCIAL),
    ],
)
def test_private_data_is_found_where_it_stands(text: str, kind: PrivateKind) -> None:
    (hit,) = find_private_data(text)
    assert (hit.kind, hit.example) == (kind, False)
    assert text[hit.start : hit.end][-1].isdigit()


@pytest.mark.parametrize(
    "text",
    [
        CARD,
        f"trace id {CARD}",
        f"card {CARD[:-1]}8",
        f"card-{CARD}x",
        "order 536-22-8145",
        "GB33BUKB20201555555556",
        "XX33BUKB20201555555555",
        "2026-05-10T10:11:12 and 1700000000000000000",
        "version 4.5391.4880.3436467",
    ],
)
def test_numbers_without_context_or_with_a_wrong_check_digit_are_not(text: str) -> None:
    assert find_private_data(text) == []


@pytest.mark.parametrize("text", ["card 4111111111111111", "4242 4242 4242 4242", "DE89370400440532013000"])
def test_published_test_numbers_are_marked_as_examples(text: str) -> None:
    assert [hit.example for hit in find_private_data(text)] == [True]
