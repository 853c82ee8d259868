"""Personal and payment data that a brain has no business holding: KB066.

Numbers need more than their checksum: one in ten numbers passes Luhn. A card needs an issuer's prefix and either the
printed grouping or a word about cards nearby.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator

import msgspec

from krate_gitops.brain.scan.linear import compile_trigger


class PrivateKind(enum.StrEnum):
    """Kinds of private data, as they read in a message."""

    CARD = "payment card number"
    IBAN = "bank account number"
    SOCIAL = "social security number"


class PrivateHit(msgspec.Struct, frozen=True, order=True):
    """Private data at a range of characters. ``example``: a number that is published for testing."""

    start: int
    end: int
    kind: PrivateKind
    example: bool


PRIVATE = (
    r"\b[2-6][0-9]{3}[ -]?[0-9]{4,6}[ -]?[0-9]{4,5}|\b[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4} ?[A-Z0-9]{3}|"
    r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b"
)
"""RE2 pattern that matches every text in which a hit is possible."""

_TRIGGER = compile_trigger(PRIVATE)
_CARD = re.compile(
    r"(?<![\w.+/=#@-])(?:(?P<grouped>\d{4}(?P<sep>[ -])\d{4}(?P=sep)\d{4}(?P=sep)\d{4}|"
    r"3[47]\d\d(?P<amex>[ -])\d{6}(?P=amex)\d{5})|\d{13,19})(?![\w/=@]|[.,-]\d)"
)
_ISSUER = re.compile(
    r"(?:4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}|"
    r"6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|3(?:0[0-5]|[68]\d)\d{11})"
)
_CARD_CONTEXT = re.compile(
    r"(?i)\b(?:card|visa|master ?card|amex|american express|discover|diners|jcb|credit|debit|pan|cvv|cvc)\b"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_IBAN_LENGTHS = """
    AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 DO:28
    EE:20 EG:29 ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26
    IT:27 JO:30 KW:30 KZ:20 LB:28 LI:21 LT:20 LU:20 LV:21 MC:27 MD:24 ME:22 MK:19 MR:27 MT:31 MU:30 NL:18 NO:15
    PK:24 PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 SA:24 SE:24 SI:19 SK:24 SM:27 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20
"""
_IBAN_LENGTH = {pair[:2]: int(pair[3:]) for pair in _IBAN_LENGTHS.split()}
_SOCIAL = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])")
_SOCIAL_CONTEXT = re.compile(r"(?i)\b(?:ssn|social security)\b")
_NEAR = 80

# Numbers that card networks, payment providers and standards publish for tests and documentation.
_PUBLISHED = """
    4111111111111111 4242424242424242 4012888888881881 4000056655665556 4000000000000002 4222222222222
    5555555555554444 5105105105105100 5200828282828210 2223003122003222 5454545454545454 378282246310005
    371449635398431 378734493671000 6011111111111117 6011000990139424 3056930009020004 30569309025904
    38520000023237 3566002020360505 3530111333300000 GB82WEST12345698765432 GB29NWBK60161331926819
    DE89370400440532013000 FR1420041010050500013M02606 NL91ABNA0417164300 CH9300762011623852957
    ES9121000418450200051332 BE68539007547034 078-05-1120 219-09-9999 111-22-3333 123-45-6789
"""
_EXAMPLES = frozenset(_PUBLISHED.split())


def find_private_data(text: str) -> list[PrivateHit]:
    """Payment cards, bank accounts and social security numbers, sorted, in characters of ``text``."""
    if _TRIGGER.search(text.encode()) is None:
        return []
    return sorted((*_cards(text), *_accounts(text), *_social(text)))


def _cards(text: str) -> Iterator[PrivateHit]:
    for match in _CARD.finditer(text):
        number = re.sub(r"[ -]", "", match.group())
        if not _ISSUER.fullmatch(number) or not _luhn(number):
            continue
        if match["grouped"] or _CARD_CONTEXT.search(_around(text, match)):
            yield PrivateHit(match.start(), match.end(), PrivateKind.CARD, number in _EXAMPLES)


def _accounts(text: str) -> Iterator[PrivateHit]:
    for match in _IBAN.finditer(text):
        length = _IBAN_LENGTH.get(match.group()[:2], 0)
        end = _end_of(text, match.start(), length)
        number = text[match.start() : end].replace(" ", "")
        if length and len(number) == length and not text[end : end + 1].isalnum() and _mod97(number):
            yield PrivateHit(match.start(), end, PrivateKind.IBAN, number in _EXAMPLES)


def _end_of(text: str, at: int, length: int) -> int:
    """Offset after ``length`` characters that are no spaces."""
    while length > 0 and at < len(text):
        length -= text[at] != " "
        at += 1
    return at


def _social(text: str) -> Iterator[PrivateHit]:
    for match in _SOCIAL.finditer(text):
        if _SOCIAL_CONTEXT.search(_around(text, match)):
            yield PrivateHit(match.start(), match.end(), PrivateKind.SOCIAL, match.group() in _EXAMPLES)


def _around(text: str, match: re.Match[str]) -> str:
    return text[max(0, match.start() - _NEAR) : match.end() + _NEAR]


def _luhn(number: str) -> bool:
    doubled = [int(digit) * (2 if at % 2 else 1) for at, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def _mod97(number: str) -> bool:
    return int("".join(str(int(char, 36)) for char in number[4:] + number[:4])) % 97 == 1
