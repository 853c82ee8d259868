"""Random-looking tokens: secrets of makers nobody listed.

The threshold is on entropy, but the exemptions do the work: digests, UUIDs, URLs, paths, names made of words, data
URIs and public keys are random by design or long by nature, and none of them is a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
import re2

from krate_gitops.brain.model import SecretScan
from krate_gitops.brain.scan.encoded import decoded_runs, encoded_document
from krate_gitops.brain.scan.examples import is_documented_example
from krate_gitops.brain.scan.folds import FOLD
from krate_gitops.brain.scan.linear import compile_trigger
from krate_gitops.brain.scan.randomness import alphabet_bits, is_masked, random_part, shannon_bits
from krate_gitops.brain.scan.ranges import Ranges
from krate_gitops.brain.scan.secrets import fingerprint, fingerprints
from krate_gitops.brain.scan.views import Seen, views


class EntropyHit(msgspec.Struct, frozen=True, order=True):
    """A random-looking token at a range of characters; ``length`` is its own, without line breaks inside."""

    start: int
    end: int
    length: int


_TOKEN = "[A-Za-z0-9+/_=-]"  # noqa: S105 - a character class
_MIXED = (
    r"(?:[A-Za-z][0-9]{1,3}[A-Za-z]{1,6}[0-9]|[0-9][A-Za-z]{1,6}[0-9]{1,3}[A-Za-z]|"
    r"[a-z][A-Z]{1,3}[a-z]{1,2}[A-Z]{1,3}[a-z]|[A-Z][a-z]{1,2}[A-Z]{1,3}[a-z]{1,2}[A-Z]{2}|"
    r"[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ]{7})"
)
_LONGEST_MIXED = 12
_UUID = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f])")
_DIGEST_PREFIX = re.compile(r"(?i)\b(?:sha-?\d{1,3}|md5|blake2[bs]?|blake3|h1|integrity)\\?[\"']?[-:=]\s*\Z")
_DATA_URI = re.compile(rf"data:[a-z0-9.+/;=-]*,(?:[A-Za-z0-9+/=_-]|{FOLD})*")
_PUBLIC_BLOCK = re.compile(
    r"-----BEGIN (?:[A-Z0-9 ]*PUBLIC KEY(?: BLOCK)?|CERTIFICATE[A-Z ]*|X509 CRL|[A-Z]+ SIGNATURE|[A-Z]+ MESSAGE|"
    r"DH PARAMETERS|EC PARAMETERS)-----[^-]*-----END"
)
_PUBLIC_KEY = re.compile(r"AAAA[BCE][23][A-Za-z]")
_MANGLED = re.compile(r"_{1,4}Z[A-Z0-9]|_R[NIM][A-Za-z]")
_PATH_WORD = re.compile(r"[.@~]?[A-Z]?[a-z]{3,}\d{0,3}(?:[._-][A-Za-z]?[a-z0-9]+)*|\.{1,2}|~")
_EXTENSION = re.compile(r"\.[a-z][a-z0-9]{0,5}(?![A-Za-z0-9])")
_URL_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/?#@!$&*+;=%,[]")
_LOOK_BACK = 2048
_HALF = 0.5
_MOSTLY = 0.85
"""Share of a run that makes it one token: words at the edges of base64 are chance, a word before a ULID is not."""


@lru_cache(maxsize=32)
def entropy_trigger(least: int) -> str:
    """RE2 pattern that matches every text in which ``find_high_entropy`` could find something."""
    margin = max(0, (least - _LONGEST_MIXED) // 2)
    return rf"{_TOKEN}{{{margin}}}{_MIXED}|{_MIXED}{_TOKEN}{{{margin}}}"


@lru_cache(maxsize=32)
def _trigger(least: int) -> re2._Regexp:
    return compile_trigger(entropy_trigger(least))


@lru_cache(maxsize=32)
def _runs(least: int) -> re2._Regexp:
    return re2.compile(rf"[A-Za-z0-9+/_-]{{{min(max(1, least - 2), 1000)},}}={{0,2}}")


def find_high_entropy(text: str, config: SecretScan, seen: Sequence[Seen] = ()) -> list[EntropyHit]:
    """Random-looking tokens of at least ``entropyMinLength`` characters, sorted, in characters of ``text``.

    The threshold is a percentage of the bits that a token of this alphabet and length could have at most. ``seen`` are
    the views of the text if the caller has them already.
    """
    allowed = fingerprints(config)
    hits = [
        EntropyHit(*one.original(hit.start, hit.end), hit.length)
        for one in seen or views(text)
        for hit in _high_entropy(one.text, config, allowed)
    ]
    return _disjoint(hits)


def _disjoint(hits: list[EntropyHit]) -> list[EntropyHit]:
    """Hits of the same place in several views are one."""
    kept: list[EntropyHit] = []
    for hit in sorted(hits):
        if kept and hit.start < kept[-1].end:
            last = kept[-1]
            kept[-1] = EntropyHit(last.start, max(last.end, hit.end), max(last.length, hit.length))
        else:
            kept.append(hit)
    return kept


def _high_entropy(text: str, config: SecretScan, allowed: frozenset[str]) -> list[EntropyHit]:
    if _trigger(config.entropy_min_length).search(text.encode()) is None:
        return []
    exempt = _exempt_ranges(text)
    hits: list[EntropyHit] = []
    for start, end in _tokens(text, config.entropy_min_length):
        token = text[start:end]
        if exempt.meets(start, end):
            continue
        if shannon_bits(token) * 100 < alphabet_bits(token) * config.entropy_threshold_percent:
            continue
        if is_masked(token) or is_documented_example(token) or (allowed and fingerprint(token) in allowed):
            continue
        document = encoded_document(token)
        if document is None or find_high_entropy(document, config):
            hits.append(EntropyHit(start, end, end - start))
    return hits


def _tokens(text: str, least: int) -> Iterator[tuple[int, int]]:
    """Random parts of at least ``least`` characters of the runs that are neither URL, path, file name nor digest."""
    for match in _runs(least).finditer(text):
        run, start = match.group(), match.start()
        if len(run) < least:
            continue
        run = _UUID.sub(lambda uuid: "." * len(uuid.group()), run)
        low, high = random_part(run)
        preceding = text[max(0, start - 16) : start + low]
        share = _HALF if run.endswith("=") or "+" in run else _MOSTLY
        if high - low >= share * len(run):
            low, high = 0, len(run)
        if high - low < least:
            continue
        if not (_is_url_or_path(text, start, run) or _DIGEST_PREFIX.search(preceding) or _is_encoded_prose(run)):
            yield start + low, start + high


def _is_url_or_path(text: str, start: int, run: str) -> bool:
    if _PUBLIC_KEY.match(run) or _MANGLED.match(run) or _EXTENSION.match(text, start + len(run)):
        return True
    at = start
    while at > max(0, start - _LOOK_BACK) and text[at - 1] in _URL_CHARACTERS:
        at -= 1
    before = text[at:start]
    if "://" in before or before.startswith("www."):
        return True
    if "+" in run or "=" in run:
        return False
    return "/" in run and any(_PATH_WORD.fullmatch(segment) for segment in (before + run).split("/"))


def _is_encoded_prose(run: str) -> bool:
    """Base64 of text with words in it: the secret and injection scans read that themselves."""
    return any(run.text.count(" ") * 12 >= len(run.text) and run.text.isprintable() for run in decoded_runs(run))


def _exempt_ranges(text: str) -> Ranges:
    ranges: list[tuple[int, int]] = []
    if "data:" in text:
        ranges.extend(match.span() for match in _DATA_URI.finditer(text))
    if "-----BEGIN" in text:
        ranges.extend(match.span() for match in _PUBLIC_BLOCK.finditer(text))
    return Ranges(ranges)
