"""The one table of secret kinds: what they look like, and the cheap pattern that every text is tried against first.

Patterns use the syntax that ``re`` and RE2 share; the triggers are matched over bytes by RE2 and must match wherever
the detailed search of ``secrets`` could find something. Prefixes stand here without any body, so that this file holds
nothing that looks like a secret.
"""

from __future__ import annotations

import enum
import re

import msgspec
import re2

from krate_gitops.brain.scan.encoded import ENCODED
from krate_gitops.brain.scan.folds import FOLD, folded


class SecretKind(enum.StrEnum):
    """Built-in kinds, in the order in which one wins over another at the same place."""

    EXAMPLE = "example-credential"
    SECRET_KEY = "secret-key"  # noqa: S105 - the name of a kind
    PROVIDER_TOKEN = "provider-token"  # noqa: S105
    BEARER_TOKEN = "bearer-token"  # noqa: S105
    PRIVATE_KEY = "private-key"
    KUBECONFIG = "kubeconfig"
    WEBHOOK_SIGNATURE = "webhook-signature"
    URL_CREDENTIAL = "url-credential"
    BASE64_CREDENTIAL = "base64-credential"


class TokenShape(msgspec.Struct, frozen=True):
    """A provider's token: literal prefix, then at least ``least`` characters of ``body`` (exactly, if ``exact``)."""

    prefix: str
    least: int
    body: str = "[A-Za-z0-9]"
    exact: bool = False


_URLSAFE = "[A-Za-z0-9_-]"
_HEX = "[0-9a-f]"


def _shapes(prefixes: str, least: int, body: str = "[A-Za-z0-9]", *, exact: bool = False) -> tuple[TokenShape, ...]:
    return tuple(TokenShape(prefix, least, body, exact) for prefix in prefixes.split())


TOKEN_SHAPES: tuple[TokenShape, ...] = (
    *_shapes("sk-", 20, _URLSAFE),
    *_shapes("ghp_ gho_ ghu_ ghs_ ghr_", 36),
    *_shapes("github_pat_", 22, "[A-Za-z0-9_]"),
    *_shapes("glpat- gldt- glrt- glptt- glsoat- glcbt- glft- glimt- glagent-", 20, "[A-Za-z0-9_.-]"),
    *_shapes("xoxa- xoxb- xoxc- xoxd- xoxe- xoxo- xoxp- xoxr- xoxs- xapp-", 16, "[A-Za-z0-9-]"),
    *_shapes("AKIA ASIA", 16, "[A-Z0-9]", exact=True),
    *_shapes("AIza", 35, _URLSAFE),
    *_shapes("ya29.", 30, _URLSAFE),
    *_shapes("sk_live_ sk_test_ rk_live_ rk_test_ whsec_", 16),
    *_shapes("npm_", 36),
    *_shapes("pypi-AgEI", 60, _URLSAFE),
    *_shapes("SG.", 60, "[A-Za-z0-9_.-]"),
    *_shapes("hf_", 30),
    *_shapes("dop_v1_ doo_v1_ dor_v1_", 64, _HEX),
    *_shapes("dapi", 32, _HEX, exact=True),
    *_shapes("shpat_ shpca_ shppa_ shpss_", 32, "[0-9A-Fa-f]"),
    *_shapes("hvs. hvb. hvr.", 24, _URLSAFE),
    *_shapes("glsa_ glc_ sntrys_ sntryu_", 32, "[A-Za-z0-9_+/=-]"),
    *_shapes("dckr_pat_ dckr_oat_", 24, _URLSAFE),
    *_shapes("gsk_ xai- pplx- r8_", 32),
    *_shapes("lin_api_ ntn_ sbp_ nvapi- figd_ pul- rubygems_ PMAK- NRAK- ATATT3 ATBB", 24, _URLSAFE),
    *_shapes("AGE-SECRET-KEY-1", 58, "[0-9A-Z]"),
)
"""Bodies must look random whatever their prefix: documentation is full of ``sk-`` class names and ``ghp_xxxx``."""

SHAPE_OF = {shape.prefix: shape for shape in TOKEN_SHAPES}

EDGE = r"(?:^|[^A-Za-z0-9]|\\[nrt])"
"""What may stand before a token; RE2 has no look-behind."""

ASSIGNED_NAMES = (
    r"api[ _-]?key|api[ _-]?secret|secret[ _-]?(?:access[ _-]?)?key|access[ _-]?key|private[ _-]?key|auth[ _-]?token|"
    r"access[ _-]?token|client[ _-]?secret|signing[ _-]?secret|webhook[ _-]?secret|passw(?:or)?d|passphrase|"
    r"credentials?"
)
_MARKS = r"(?:\\*[\"'`]|\*{1,3}){0,2}"
_SPACE = r"(?:\s|\\+[nrt])*"
_QUOTE = r"\\*[\"'`]"
_FIELD = rf"{_QUOTE}?[A-Za-z_]{{1,16}}{_QUOTE}?{_SPACE}:{_SPACE}"
_FIELDS = rf"(?:{_FIELD}(?:{_QUOTE}[^\"'`\n\\]{{0,40}}{_QUOTE}|[A-Za-z0-9_.-]{{1,40}}){_SPACE},?{_SPACE}){{0,3}}"
_BESIDE = (
    rf"{_QUOTE}?{_SPACE},?{_SPACE}{_FIELDS}{_QUOTE}?(?:string_?)?(?:value|val|content|data|secret|default){_QUOTE}?"
    rf"{_SPACE}[:=]{_SPACE}{_QUOTE}?"
)
"""What stands between a name and its value where both are values of fields: ``{"name": "…", "value": "…"}``."""

ASSIGNMENT = (
    rf"(?:{ASSIGNED_NAMES})[A-Za-z0-9_-]{{0,24}}(?:{_MARKS}[ \t]{{0,4}}(?::=|=>|=|:|\|)(?:\*{{1,3}})?"
    rf"\s*(?:-[ \t]+)?(?:[|>][+-]?\s*)?{_MARKS}|{_BESIDE})"
)
"""Name, sign and the opening marks of an assigned value: quotes and emphasis, a table's cell, the first of a list."""

NAME_ENDS_ELSEWHERE = re.compile(
    r"(?:ids?|files?|path|dir|name|refs?|types?|kind|hash|digest|url|uri|env|var|len|length|policy|field|header|format|"
    r"prefix|suffix|version|algorithm|alg|provider|store|manager|rotation|expiry|expires|created|updated|at|count|"
    r"pattern|regex|schema|hint|reset|fingerprint|checksum|date|time|label|title|source|scope|helper|mode)\Z",
    re.IGNORECASE,
)
"""``password_file`` and ``api_key_id`` name a thing about a secret, not the secret."""

SIGNATURE_HEADERS = (
    r"x-[a-z-]{0,24}signature(?:-256)?|stripe-signature|paypal-transmission-sig|x-gitlab-token|x-vault-token|"
    r"x-auth-token|x-api-key|(?:proxy-)?authorization|(?:set-)?cookie"
)
HEADER = rf"(?:{SIGNATURE_HEADERS})(?:{_MARKS}[ \t]{{0,4}}[:=|](?:\*{{1,3}})?\s*{_MARKS}|{_BESIDE})"

_SECRET_NAME = rf"(?P<name>[A-Za-z0-9_ -]{{0,24}}(?:{ASSIGNED_NAMES}|{SIGNATURE_HEADERS})[A-Za-z0-9_-]{{0,24}})"
_ANY_VALUE = r"(?P<value>[^\"'`\n\\]{8,})"
VALUE_FIRST = (
    rf"(?:value|val){_QUOTE}?{_SPACE}:{_SPACE}(?:{_QUOTE}{_ANY_VALUE}{_QUOTE}{_SPACE},?{_SPACE}){_FIELDS}"
    rf"{_QUOTE}?(?:name|key|field|header|variable){_QUOTE}?{_SPACE}:{_SPACE}{_QUOTE}?{_SECRET_NAME}"
)
"""A value in quotes whose field of a name follows."""

PAIR = rf"{_QUOTE}{_SECRET_NAME}{_QUOTE}{_SPACE},{_SPACE}{_QUOTE}{_ANY_VALUE}{_QUOTE}"
"""Name and value as two strings of a list."""

BEARER = r"bearer(?:\s|\\n|%20|[\"':=\\>#]){1,16}"
BASIC = r"basic(?:\s|%20|[\"':=\\]){1,16}"
JWT = r"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"
URL_USERINFO = rf"[A-Za-z0-9]://[^\s/@:\"'<>`]{{0,64}}:(?:[^\s/@\"'<>`]|{FOLD}){{6,}}@"
KUBE_DATA = rf"(?:{folded('client-key-data')}|{folded('client-certificate-data')})"
SLACK_HOOK = r"hooks\.slack\.com/(?:services|workflows)/[A-Z0-9]{8,}/[A-Z0-9]{8,}/[A-Za-z0-9]{16,}"
ACCOUNT_KEY = r"(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{40,}"
BOT_TOKEN = r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}"  # noqa: S105

_START = "|".join(folded(shape.prefix) for shape in TOKEN_SHAPES)
TOKEN_START = re2.compile(rf"{EDGE}(?:{_START})")

# Beginning of a value: enough to leave out templates, short words and the ends of sentences.
_VALUE = r"[^\s<{\[$(\"'`]{6}"
_BEGUN = rf"(?:{_START})(?:{FOLD}?[A-Za-z0-9_.+/=-]){{8}}"

_FROM_NONE = re.compile(r"\{0,\d+\}")
_FROM_SOME = re.compile(r"\{[1-9]\d*,\d{2,}\}")


def loosened(pattern: str) -> str:
    """The pattern without upper bounds of repetition: it matches more, by an automaton that need not count."""
    return _FROM_SOME.sub("+", _FROM_NONE.sub("*", pattern))


def _unnamed(pattern: str) -> str:
    """The pattern with groups that keep nothing."""
    return re.sub(r"\(\?P<[a-z]+>", "(?:", pattern)


SECRET_TRIGGER = loosened(
    "|".join(
        (
            f"{EDGE}{_BEGUN}",
            rf"(?i:{ASSIGNMENT}{_VALUE})",
            rf"(?i:{HEADER}{_VALUE})",
            rf"(?i:{_unnamed(VALUE_FIRST)})",
            rf"(?i:{_unnamed(PAIR)})",
            rf"(?i:{BEARER}[A-Za-z0-9._~+/=-]{{8}})",
            rf"(?i:{BASIC}[A-Za-z0-9+/]{{8}})",
            JWT,
            folded("PRIVATE KEY"),
            KUBE_DATA,
            r"kind:\s*[\"']?Config\b",
            URL_USERINFO,
            SLACK_HOOK,
            ACCOUNT_KEY,
            BOT_TOKEN,
            ENCODED,
        )
    )
)
"""RE2 pattern that matches every text in which a built-in secret can be found."""
