"""Made-up credentials of every kind that redaction names. Built from pieces, so that no source file holds one."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from typing import NamedTuple

ALNUM = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits
_URLSAFE = ALNUM + "-_"

POLICY_KIND = "psp-key"
POLICY_REGEX = "psp_" + "live_[A-Za-z0-9]{24}"
"""A brain's own pattern (RE2) that the credentials of kind ``policy:psp-key`` fit."""


class Credential(NamedTuple):
    """A credential and what its owner writes around it.

    ``before`` and ``after`` stand beside ``value`` where it is written inline. ``name`` is the field that would hold
    it, and ``scheme`` what stands in front of it in that field. ``harmless`` is a word to write in its place.
    """

    kind: str
    before: str
    value: str
    after: str
    name: str
    scheme: str
    harmless: str


def chars(rng: random.Random, count: int, alphabet: str = ALNUM) -> str:
    """So many characters of the alphabet."""
    return "".join(rng.choice(alphabet) for _ in range(count))


def _mixed(rng: random.Random, count: int, alphabet: str = ALNUM) -> str:
    """Random characters as makers of keys give them out: with a digit among letters."""
    while True:
        value = chars(rng, count, alphabet)
        if any(one.isdigit() for one in value) and any(one.isalpha() for one in value):
            return value


_NAMES = (
    "api key",
    "api secret",
    "secret key",
    "access key",
    "private key",
    "auth token",
    "password",
    "passwd",
    "credential",
    "credentials",
)
_PREFIXES = ("", "stripe ", "db ", "aws ", "ledger service ")
_SIGNS = ("=", " = ", ": ", ":")


def _spelled(words: list[str], rng: random.Random) -> str:
    style = rng.randrange(5)
    if style == 0:
        return "_".join(words)
    if style == 1:
        return "-".join(words)
    if style == 2:
        return "_".join(words).upper()
    if style == 3:
        return words[0] + "".join(word.title() for word in words[1:])
    return " ".join(words)


def _assigned_value(rng: random.Random) -> str:
    choice = rng.randrange(6)
    if choice == 0:
        return chars(rng, 1, string.ascii_uppercase) + _mixed(rng, 11) + rng.choice("!@#?") + _mixed(rng, 4)
    if choice == 1:
        return _mixed(rng, 32, _HEX)
    if choice == 2:
        return "-".join(_mixed(rng, length, _HEX) for length in (8, 4, 4, 4, 12))
    if choice == 3:
        return _mixed(rng, 40, ALNUM + "+/")
    return _mixed(rng, rng.randrange(16, 33))


def _secret_key(rng: random.Random, turn: int) -> Credential:
    name = _spelled((rng.choice(_PREFIXES) + _NAMES[turn % len(_NAMES)]).split(), rng)
    sign = _SIGNS[turn // len(_NAMES) % len(_SIGNS)]
    value = _assigned_value(rng)
    return Credential("secret-key", name + sign, value, "", name, "", rng.choice(_PLACEHOLDERS))


_PLACEHOLDERS = ("changeme", "string", "<value>", "${FROM_VAULT}", "rotated-every-quarter", "required", "in-the-vault")

_TOKENS: tuple[tuple[str, str, Callable[[random.Random], str]], ...] = (
    ("sk", "-", lambda rng: _mixed(rng, rng.randrange(20, 48))),
    ("sk-pro", "j-", lambda rng: _mixed(rng, 48, _URLSAFE)),
    ("sk-ant-", "api03-", lambda rng: _mixed(rng, 60, _URLSAFE)),
    ("gh", "p_", lambda rng: _mixed(rng, 36)),
    ("gh", "o_", lambda rng: _mixed(rng, 36)),
    ("gh", "s_", lambda rng: _mixed(rng, 36)),
    ("github", "_pat_", lambda rng: _mixed(rng, 22) + "_" + _mixed(rng, 59)),
    ("gl", "pat-", lambda rng: _mixed(rng, 20)),
    ("xo", "xb-", lambda rng: f"{chars(rng, 12, string.digits)}-{_mixed(rng, 24)}"),
    ("xo", "xp-", lambda rng: f"{chars(rng, 12, string.digits)}-{chars(rng, 12, string.digits)}-{_mixed(rng, 32)}"),
    ("AK", "IA", lambda rng: _mixed(rng, 16, _UPPER)),
    ("AI", "za", lambda rng: _mixed(rng, 35)),
    ("sk_", "live_", lambda rng: _mixed(rng, 24)),
    ("np", "m_", lambda rng: _mixed(rng, 36)),
    ("hf", "_", lambda rng: _mixed(rng, 34)),
)


def _provider_token(rng: random.Random, turn: int) -> Credential:
    left, right, body = _TOKENS[turn % len(_TOKENS)]
    value = left + right + body(rng)
    return Credential("provider-token", "", value, "", "note", "", rng.choice(("sk-learn", "task-force", "a-token")))


def _bearer(rng: random.Random, turn: int) -> Credential:
    lead = ("Authorization: Bear" + "er ", "curl -H 'authorization: bear" + "er ", "sent Bear" + "er ")[turn % 3]
    tail = "'" if "'" in lead else ""
    if turn % 2:
        payload = base64.urlsafe_b64encode(json.dumps({"sub": chars(rng, 9), "iat": rng.randrange(10**9)}).encode())
        value = ".".join(("ey" + "JhbGciOiJIUzI1NiJ9", payload.decode().rstrip("="), _mixed(rng, 43, _URLSAFE)))
    else:
        value = _mixed(rng, rng.randrange(20, 48))
    return Credential("bearer-token", lead, value, tail, "Authorization", "Bear" + "er ", "tokens-rotate-weekly")


def _basic(rng: random.Random, turn: int) -> Credential:
    password = _mixed(rng, 12 + turn % 6)
    value = base64.b64encode(f"deploy:{password}".encode()).decode()
    harmless = base64.b64encode(b"user:password").decode()
    return Credential("basic", "Authorization: Bas" + "ic ", value, "", "Authorization", "Bas" + "ic ", harmless)


_PEM = ("PRIVATE", "RSA PRIVATE", "EC PRIVATE", "DSA PRIVATE", "OPENSSH PRIVATE", "ENCRYPTED PRIVATE", "PGP PRIVATE")


def _private_key(rng: random.Random, turn: int) -> Credential:
    name = _PEM[turn % len(_PEM)] + " KEY" + (" BLOCK" if turn % len(_PEM) == 6 else "")
    head, foot = "-" * 5 + f"BEGIN {name}" + "-" * 5 + "\n", "\n" + "-" * 5 + f"END {name}" + "-" * 5
    value = "\n".join(_mixed(rng, 64, ALNUM + "+/") for _ in range(2 + turn % 3)) + "\n" + _mixed(rng, 40) + "=="
    return Credential("private-key", head, value, foot, "tls.key", head, "...")


def _kubeconfig(rng: random.Random, turn: int) -> Credential:
    head = "apiVersion: v1\nkind: Config\nusers:\n- name: ops\n  user:\n    "
    name = ("client-key-data", "client-certificate-data", "token")[turn % 3]
    if name == "token":
        value = _mixed(rng, 36)
    else:
        value = base64.b64encode(rng.randbytes(90)).decode()
    return Credential("kubeconfig", f"{head}{name}: ", value, "", name, "", "REDACTED")


def _webhook(rng: random.Random, turn: int) -> Credential:
    headers: tuple[tuple[str, str, Callable[[], str]], ...] = (
        ("X-Hub-Signature-256", "sha256=", lambda: chars(rng, 64, _HEX)),
        ("Stripe-Signature", "t=1717000000,v1=", lambda: chars(rng, 64, _HEX)),
        ("X-Gitlab-Token", "", lambda: _mixed(rng, 24)),
        ("X-Api-Key", "", lambda: _mixed(rng, 32)),
        ("X-Slack-Signature", "v0=", lambda: chars(rng, 64, _HEX)),
        ("Set-Cookie", "session=", lambda: _mixed(rng, 32)),
        ("Proxy-Authorization", "Digest ", lambda: _mixed(rng, 32)),
    )
    name, scheme, body = headers[turn % len(headers)]
    return Credential("webhook-signature", f"{name}: {scheme}", body(), "", name, scheme, "<signature>")


def _url(rng: random.Random, turn: int) -> Credential:
    scheme, host = (
        ("postgres", "db.example.com:5432/main"),
        ("https", "git.example.com/acme/api.git"),
        ("redis", "cache.example.com:6379/0"),
        ("amqp", "queue.example.com/vhost"),
    )[turn % 4]
    user = ("deploy", "ci-bot", "svc_ledger", "")[turn // 4 % 4]
    password = _mixed(rng, 10 + turn % 12)
    before, after = f"{scheme}://{user}:", f"@{host}"
    return Credential("url-credential", before, password, after, "endpoint", before, "password")


def _base64(rng: random.Random, turn: int) -> Credential:
    value = base64.b64encode(rng.randbytes(33 + turn % 30)).decode()
    return Credential("base64-credential", "value ", value, "", "blob", "", "bm90aGluZyBoZXJl")


def _policy(rng: random.Random, turn: int) -> Credential:
    value = "psp_" + "live_" + _mixed(rng, 24)
    return Credential("policy:" + POLICY_KIND, "", value, "", "processor", "", "psp-live")


KINDS: tuple[Callable[[random.Random, int], Credential], ...] = (
    _secret_key,
    _provider_token,
    _secret_key,
    _bearer,
    _provider_token,
    _basic,
    _private_key,
    _kubeconfig,
    _webhook,
    _url,
    _base64,
    _policy,
)
"""Makers of credentials; names and tokens come twice, for they have the most shapes."""
