"""Credentials in text: where they are and of which kind, never what they are.

Precision comes first, since a scanner that cries wolf gets switched off: a shape alone is not enough, the characters
must look random, and templates, masks, references, types and code are passed over.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import unquote

import msgspec
import re2

from krate_gitops.brain.model import SecretPattern, SecretScan
from krate_gitops.brain.scan import patterns
from krate_gitops.brain.scan.encoded import decoded_runs
from krate_gitops.brain.scan.examples import is_documented_example
from krate_gitops.brain.scan.folds import Gathered, gather, unfold
from krate_gitops.brain.scan.keyblocks import private_key_blocks
from krate_gitops.brain.scan.patterns import SecretKind, compile_trigger
from krate_gitops.brain.scan.randomness import (
    irregularities,
    is_masked,
    is_mixed,
    is_placeholder,
    is_random_segment,
    is_secret_value,
    pieces,
)
from krate_gitops.brain.text import LineIndex


class SecretHit(msgspec.Struct, frozen=True, order=True):
    """A secret at a range of characters. ``kind`` is a ``SecretKind`` or ``policy:<kind>`` of the brain's own patterns.

    ``example-credential`` marks a credential that a vendor published in documentation; it needs no redaction.
    """

    start: int
    end: int
    kind: str


class _Candidate(msgspec.Struct, frozen=True):
    kind: str
    start: int
    end: int
    value: str


_TRIGGER = compile_trigger(patterns.SECRET_TRIGGER)
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
_COOKIE_VALUE = re.compile(r"=([A-Za-z0-9%._~+/-]{16,})")


def find_secrets(text: str, config: SecretScan) -> list[SecretHit]:
    """Secrets of a text, sorted, without overlap, in characters of ``text``.

    Looks through line breaks inside tokens and one level into base64, hex and percent encoding (the hit is then the
    whole encoded run). Raises ``KrateError`` if one of the brain's own patterns is invalid.
    """
    found: list[_Candidate] = []
    if _TRIGGER.search(text.encode()) is not None:
        found.extend(_plain(text))
        found.extend(_encoded(text))
    for extra in config.extra_patterns:
        kind = f"policy:{extra.kind}"
        for match in _policy(extra.kind, extra.regex).finditer(text):
            if match.end() > match.start():
                found.append(_Candidate(kind, match.start(), match.end(), match.group()))
    allowed = fingerprints(config)
    return _merged([one for one in found if not (allowed and fingerprint(one.value) in allowed)])


def fingerprint(value: str) -> str:
    """What ``allowFingerprints`` holds for an accepted false alarm: hex of sha256."""
    return hashlib.sha256(value.encode()).hexdigest()


def fingerprints(config: SecretScan) -> frozenset[str]:
    """Accepted fingerprints, with or without ``sha256:`` in front."""
    return frozenset(one.removeprefix("sha256:").lower() for one in config.allow_fingerprints)


@lru_cache(maxsize=128)
def _policy(kind: str, regex: str) -> re2._Regexp:
    return patterns.compile_policy(SecretPattern(kind=kind, regex=regex))


def _plain(text: str) -> Iterator[_Candidate]:
    for finder in _FINDERS:
        for one in finder(text):
            kind = SecretKind.EXAMPLE if is_documented_example(one.value) else one.kind
            yield _Candidate(kind, one.start, one.end, one.value)


def _encoded(text: str) -> Iterator[_Candidate]:
    for run in decoded_runs(text):
        if _TRIGGER.search(run.text.encode()) is None:
            continue
        for one in _plain(run.text):
            yield _Candidate(one.kind, run.start, run.end, text[run.start : run.end])


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


def _assignments(text: str) -> Iterator[_Candidate]:
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
        if is_secret_value(unquote(value)) or (len(value) >= 16 and is_documented_example(value)):
            yield _Candidate(SecretKind.SECRET_KEY, match.end(), got.end - (len(got.value) - len(value)), value)


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
    return _ROW.match(text, start - column + 1, match.end()) is None


def _provider_tokens(text: str) -> Iterator[_Candidate]:
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
        yield _Candidate(SecretKind.PROVIDER_TOKEN, start, end, shape.prefix + body)


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


def _bearer(text: str) -> Iterator[_Candidate]:
    for match, got in _values(_BEARER, text, _TOKEN_BODY, 16):
        value = got.value.rstrip(".")
        if not is_placeholder(value) and _is_unworded(value, 3):
            yield _Candidate(SecretKind.BEARER_TOKEN, match.end(), got.end - (len(got.value) - len(value)), value)


def _is_hex(value: str) -> bool:
    return len(value) >= 32 and re.fullmatch(r"[0-9a-fA-F]+", value) is not None and is_mixed(value)


def _basic(text: str) -> Iterator[_Candidate]:
    for match, got in _values(_BASIC, text, _BASE64_BODY, 8):
        try:
            user, colon, password = base64.b64decode(got.value + "==").decode().partition(":")
        except (binascii.Error, ValueError):
            continue
        if is_documented_example(got.value):
            yield _Candidate(SecretKind.EXAMPLE, match.end(), got.end, got.value)
        elif colon and user.isprintable() and password.isprintable() and _is_password(user, password):
            yield _Candidate(SecretKind.BEARER_TOKEN, match.end(), got.end, got.value)


def _whole_tokens(text: str) -> Iterator[_Candidate]:
    for kind, pattern in _WHOLE:
        for match in pattern.finditer(text):
            if not is_masked(match.group()[-16:]):
                yield _Candidate(kind, match.start(), match.end(), match.group())


def _key_blocks(text: str) -> Iterator[_Candidate]:
    for start, end in private_key_blocks(text):
        yield _Candidate(SecretKind.PRIVATE_KEY, start, end, text[start:end])


def _kubeconfig(text: str) -> Iterator[_Candidate]:
    for match, got in _values(_KUBE_DATA, text, _BASE64_BODY, 40):
        if not is_masked(got.value[:40]):
            yield _Candidate(SecretKind.KUBECONFIG, match.end(), got.end, got.value)
    if _KUBE_DOCUMENT.search(text) is None or "users:" not in text:
        return
    for match, got in _values(_KUBE_TOKEN, text, _TOKEN_BODY, 16):
        if not is_placeholder(got.value) and _is_unworded(got.value, 3):
            yield _Candidate(SecretKind.KUBECONFIG, match.end(), got.end, got.value)


def _headers(text: str) -> Iterator[_Candidate]:
    lines = LineIndex(text)
    for match in _HEADER.finditer(text):
        if _is_alternative(text, match, lines):
            continue
        if "cookie" in match.group().lower():
            line = text[match.end() : match.end() + 4096].split("\n", 1)[0]
            for cookie in _COOKIE_VALUE.finditer(line):
                if _is_unworded(cookie[1], 3):
                    start = match.end() + cookie.start(1)
                    yield _Candidate(SecretKind.WEBHOOK_SIGNATURE, start, start + len(cookie[1]), cookie[1])
            continue
        scheme = _SCHEME.match(text, match.end())
        at = scheme.end() if scheme else match.end()
        got = gather(text, at, _TOKEN_BODY, least=16)
        if got is not None and not is_placeholder(got.value) and (_is_unworded(got.value, 3)):
            yield _Candidate(SecretKind.WEBHOOK_SIGNATURE, at, got.end, got.value)


def _url_passwords(text: str) -> Iterator[_Candidate]:
    for match in _URL.finditer(text):
        userinfo = match.start() + match.group().index("://") + 3
        colon = text.index(":", userinfo)
        raw = text[colon + 1 : match.end() - 1]
        password = unquote(unfold(raw))
        if ":" not in raw and not _PORT_BEFORE_BREAK.match(raw) and _is_password(text[userinfo:colon], password):
            yield _Candidate(SecretKind.URL_CREDENTIAL, colon + 1, match.end() - 1, password)


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


_FINDERS: tuple[Callable[[str], Iterator[_Candidate]], ...] = (
    _assignments,
    _provider_tokens,
    _bearer,
    _basic,
    _whole_tokens,
    _key_blocks,
    _kubeconfig,
    _headers,
    _url_passwords,
)

_RANK = {kind: rank for rank, kind in enumerate(SecretKind)}


def _merged(found: list[_Candidate]) -> list[SecretHit]:
    """Overlapping candidates become one hit over all of them, named by the kind that comes first in the table."""
    hits: list[SecretHit] = []
    for one in sorted(found, key=lambda c: (c.start, c.end, c.kind)):
        if hits and one.start < hits[-1].end:
            last = hits[-1]
            kind = min(last.kind, one.kind, key=lambda k: _RANK.get(SecretKind(k), 99) if k in _RANK else 99)
            hits[-1] = SecretHit(last.start, max(last.end, one.end), kind)
        else:
            hits.append(SecretHit(one.start, one.end, one.kind))
    return hits
