"""The searches for the built-in kinds, one for each way in which a credential shows itself."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator

import msgspec
import re2

from krate_gitops.brain.scan import patterns
from krate_gitops.brain.scan.examples import is_documented_example
from krate_gitops.brain.scan.folds import Gathered, gather, unfold
from krate_gitops.brain.scan.keyblocks import private_key_blocks
from krate_gitops.brain.scan.patterns import SecretKind
from krate_gitops.brain.scan.randomness import (
    UUID,
    irregularities,
    is_masked,
    is_mixed,
    is_placeholder,
    is_random_segment,
    is_secret_value,
    pieces,
)
from krate_gitops.brain.scan.views import plainly
from krate_gitops.brain.text import LineIndex


class Candidate(msgspec.Struct, frozen=True):
    """A credential of ``kind`` at a range of characters; ``value`` is it without line breaks."""

    kind: str
    start: int
    end: int
    value: str


_ASSIGNMENT = re2.compile(f"(?i){patterns.ASSIGNMENT}")
_HEADER = re2.compile(rf"(?i)(?:^|[^A-Za-z0-9:]){patterns.HEADER}")
_BEARER = re2.compile(rf"(?i)\b{patterns.BEARER}")
_BASIC = re2.compile(rf"(?i)\b{patterns.BASIC}")
_URL = re2.compile(patterns.URL_USERINFO)
_KUBE_DATA = re2.compile(rf"{patterns.KUBE_DATA}\\?[\"']?\s*[:=]\s*\\?[\"']?(?:[|>][+-]?\s*)?")
_KUBE_TOKEN = re2.compile(r"\btoken\\?[\"']?:\s*\\?[\"']?")
_KUBE_DOCUMENT = re2.compile(r"kind:\s*[\"']?Config\b")
_WHOLE = tuple(
    (kind, re2.compile(pattern))
    for kind, pattern in (
        (SecretKind.BEARER_TOKEN, patterns.JWT),
        (SecretKind.PROVIDER_TOKEN, patterns.SLACK_HOOK),
        (SecretKind.PROVIDER_TOKEN, patterns.ACCOUNT_KEY),
        (SecretKind.PROVIDER_TOKEN, patterns.BOT_TOKEN),
    )
)

_VALUE_FIRST = re2.compile(f"(?i){patterns.VALUE_FIRST}")
_PAIR = re2.compile(f"(?i){patterns.PAIR}")
_VALUE_WORD = re.compile(r"[^\s,;=]+=*")
_NAME = re.compile(r"[A-Za-z0-9_ -]*")
_ROW = re.compile(r"[ \t>]*\|")
"""How a row of a table begins, quoted or not."""
_VALUE_BODY = re.compile(r"[^\s\"'`<>{}()\[\],;\\]+")
_TOKEN_BODY = re.compile(r"[A-Za-z0-9._~+/=-]+")
_BASE64_BODY = re.compile(r"[A-Za-z0-9+/=_-]+")
_BODIES = {shape.body: re.compile(f"{shape.body}+") for shape in patterns.TOKEN_SHAPES}
_CODE_FOLLOWS = ("(", "[", "{", "<")
_SCHEME = re.compile(r"(?:bearer|basic|token|digest|signature|sha\d+=|v\d=|t=\d+,v\d=)\s*", re.IGNORECASE)
_NEXT_PARAMETER = re.compile(r"&(?:amp;)?[\w.-]+=")
_PORT_BEFORE_BREAK = re.compile(r"\d{1,5}[\s\\]")
_LONG_VALUE = 128
_LOOK_BACK = 1024
_COOKIE_VALUE = re.compile(r"=([A-Za-z0-9%._~+/-]{16,})")


def _values(
    pattern: re2._Regexp, text: str, body: re.Pattern[str], least: int
) -> Iterator[tuple[re2._Match, Gathered]]:
    """Each match with the value that follows it.

    Matches within a long value are passed over: text made of nothing but names would take quadratic time.
    """
    done = 0
    for match in pattern.finditer(text):
        if match.start() >= done and (got := gather(text, match.end(), body, least=least)) is not None:
            done = got.end if len(got.value) > _LONG_VALUE else 0
            yield match, got


def _assignments(text: str) -> Iterator[Candidate]:
    lines = LineIndex(text)
    for match, got in _values(_ASSIGNMENT, text, _VALUE_BODY, 8):
        name = _NAME.match(match.group())
        if (
            name is None
            or _is_part_of_type(text, match.start())
            or _is_alternative(text, match, lines)
            or patterns.NAME_ENDS_ELSEWHERE.search(name.group().strip())
        ):
            continue
        if text[got.end : got.end + 1] in _CODE_FOLLOWS:
            continue
        value = _NEXT_PARAMETER.split(got.value, maxsplit=1)[0].rstrip(".:?|*")
        if is_secret_value(plainly(value)) or (len(value) >= 16 and is_documented_example(value)):
            yield Candidate(SecretKind.SECRET_KEY, match.end(), got.end - (len(got.value) - len(value)), value)


def _siblings(text: str) -> Iterator[Candidate]:
    """Values whose name stands in a field beside them: after them, or before them in a pair."""
    for pattern in (_VALUE_FIRST, _PAIR):
        for match in pattern.finditer(text):
            name = match["name"].strip()
            if patterns.NAME_ENDS_ELSEWHERE.search(name) or match["value"][:6].lower() == "basic ":
                continue
            for word in _VALUE_WORD.finditer(match["value"]):
                value = word[0].rstrip(".")
                if is_secret_value(plainly(value)) and (
                    pattern is _VALUE_FIRST or _is_unworded(value, 3) or UUID.fullmatch(value)
                ):
                    start = match.start(pattern.groupindex["value"]) + word.start()
                    yield Candidate(SecretKind.SECRET_KEY, start, start + len(value), value)


def _is_part_of_type(text: str, at: int) -> bool:
    """Whether the name before ``at`` is qualified, as ``Cloud::Service::ApiKey`` is."""
    while at > 0 and text[at - 1].isalnum():
        at -= 1
    return text.endswith("::", 0, at)


def _is_alternative(text: str, match: re2._Match, lines: LineIndex) -> bool:
    """Whether a bar separates two types or patterns, since it stands outside a table."""
    if any(sign in match.group() for sign in ":="):
        return False
    # A header's match begins with the character before its name.
    start = match.start() + (match.group()[0] == "\n")
    _, column = lines.position(start)
    row = start - column + 1
    low = max(row, start - _LOOK_BACK)
    in_string = max(text.rfind("\\n", low, start) + 2, text.rfind(': "', low, start) + 3)
    return all(_ROW.match(text, at, match.end()) is None for at in (row, max(row, in_string)))


def _provider_tokens(text: str) -> Iterator[Candidate]:
    # In text, the pattern's library counts characters from the start at every search. So bytes are searched, and only
    # what lies between two tokens is counted.
    data, at, at_byte = text.encode(), 0, 0
    while (match := patterns.TOKEN_START.search(data, at_byte)) is not None:
        matched = match.group().decode()
        at += len(data[at_byte : match.start()].decode()) + len(matched)
        at_byte = match.end()
        glued = unfold(matched)
        shape = next((s for p, s in patterns.SHAPE_OF.items() if glued.endswith(p)), None)
        if shape is None:
            continue
        start = at - len(matched) + _edge(matched, shape.prefix)
        most = shape.least if shape.exact else 4096
        got = gather(text, at, _BODIES[shape.body], least=shape.least, most=most)
        if got is None:
            continue
        at_byte += len(text[at : got.end].encode())
        at = got.end
        body = got.value.rstrip(".-_")
        cut_short = shape.exact and text[got.end : got.end + 1].isalnum()
        if cut_short or len(body) < shape.least or not _is_token(shape.prefix, body):
            continue
        end = got.end - (len(got.value) - len(body))
        yield Candidate(SecretKind.PROVIDER_TOKEN, start, end, shape.prefix + body)


def _edge(matched: str, prefix: str) -> int:
    """Length of what stands before the prefix in the match of ``TOKEN_START``."""
    if matched.startswith(prefix[0]):
        return 0
    return 2 if matched[0] == "\\" and not matched[1:].startswith(prefix[0]) else 1


def _is_token(prefix: str, body: str) -> bool:
    """Whether a provider would issue this: no mask, no counting, no words. Or has published it as an example."""
    if is_documented_example(prefix + body):
        return True
    if is_masked(body) or is_placeholder(body):
        return False
    return len(body) == 16 or _is_unworded(body, 2)


def _is_unworded(value: str, oddities: int) -> bool:
    """Whether a value, where a secret is expected, has a part that is no word. Takes less than ``looks_random``."""
    segments = [one for one in re.findall(r"[A-Za-z0-9]+", value) if len(one) >= 10]
    return any(irregularities(one) >= oddities or is_random_segment(one) or _is_hex(one) for one in segments)


def _bearer(text: str) -> Iterator[Candidate]:
    for match, got in _values(_BEARER, text, _TOKEN_BODY, 16):
        value = got.value.rstrip(".")
        if not is_placeholder(value) and _is_unworded(value, 3):
            yield Candidate(SecretKind.BEARER_TOKEN, match.end(), got.end - (len(got.value) - len(value)), value)


def _is_hex(value: str) -> bool:
    return len(value) >= 32 and re.fullmatch(r"[0-9a-fA-F]+", value) is not None and is_mixed(value)


def _basic(text: str) -> Iterator[Candidate]:
    for match, got in _values(_BASIC, text, _BASE64_BODY, 8):
        try:
            user, colon, password = base64.b64decode(got.value + "==").decode().partition(":")
        except (binascii.Error, ValueError):
            continue
        if is_documented_example(got.value):
            yield Candidate(SecretKind.EXAMPLE, match.end(), got.end, got.value)
        elif colon and user.isprintable() and password.isprintable() and _is_password(user, password):
            yield Candidate(SecretKind.BEARER_TOKEN, match.end(), got.end, got.value)


def _whole_tokens(text: str) -> Iterator[Candidate]:
    for kind, pattern in _WHOLE:
        for match in pattern.finditer(text):
            if not is_masked(match.group()[-16:]):
                yield Candidate(kind, match.start(), match.end(), match.group())


def _key_blocks(text: str) -> Iterator[Candidate]:
    for start, end in private_key_blocks(text):
        yield Candidate(SecretKind.PRIVATE_KEY, start, end, text[start:end])


def _kubeconfig(text: str) -> Iterator[Candidate]:
    for match, got in _values(_KUBE_DATA, text, _BASE64_BODY, 40):
        if not is_masked(got.value[:40]):
            yield Candidate(SecretKind.KUBECONFIG, match.end(), got.end, got.value)
    if _KUBE_DOCUMENT.search(text) is None or "users:" not in text:
        return
    for match, got in _values(_KUBE_TOKEN, text, _TOKEN_BODY, 16):
        if not is_placeholder(got.value) and _is_unworded(got.value, 3):
            yield Candidate(SecretKind.KUBECONFIG, match.end(), got.end, got.value)


def _headers(text: str) -> Iterator[Candidate]:
    lines = LineIndex(text)
    for match in _HEADER.finditer(text):
        if _is_alternative(text, match, lines):
            continue
        if "cookie" in match.group().lower():
            line = text[match.end() : match.end() + 4096].split("\n", 1)[0]
            for cookie in _COOKIE_VALUE.finditer(line):
                if _is_unworded(cookie[1], 3):
                    start = match.end() + cookie.start(1)
                    yield Candidate(SecretKind.WEBHOOK_SIGNATURE, start, start + len(cookie[1]), cookie[1])
            continue
        scheme = _SCHEME.match(text, match.end())
        if scheme and scheme.group().lower().startswith("basic"):
            continue
        at = scheme.end() if scheme else match.end()
        got = gather(text, at, _TOKEN_BODY, least=16)
        if got is not None and not is_placeholder(got.value) and (_is_unworded(got.value, 3)):
            yield Candidate(SecretKind.WEBHOOK_SIGNATURE, at, got.end, got.value)


def _url_passwords(text: str) -> Iterator[Candidate]:
    for match in _URL.finditer(text):
        userinfo = match.start() + match.group().index("://") + 3
        colon = text.index(":", userinfo)
        raw = text[colon + 1 : match.end() - 1]
        password = plainly(unfold(raw))
        if ":" not in raw and not _PORT_BEFORE_BREAK.match(raw) and _is_password(text[userinfo:colon], password):
            yield Candidate(SecretKind.URL_CREDENTIAL, colon + 1, match.end() - 1, password)


def _is_password(user: str, password: str) -> bool:
    """Whether this may be a real password: not the user's name, a template or a plain word."""
    if len(password) < 6 or password == user or "://" in password or is_placeholder(password):
        return False
    parts = pieces(password)
    if re.fullmatch(r"[A-Za-z][a-z]+\d{0,4}", password) or not any(part.isalpha() for part in parts):
        return False
    if any(part.isdigit() for part in parts):
        return True
    return not password.islower() and (len(parts) >= 3 or irregularities(password) >= 1)


FINDERS: tuple[Callable[[str], Iterator[Candidate]], ...] = (
    _assignments,
    _siblings,
    _provider_tokens,
    _bearer,
    _basic,
    _whole_tokens,
    _key_blocks,
    _kubeconfig,
    _headers,
    _url_passwords,
)
"""Every search for a built-in kind, in no order that matters."""
