"""How a credential gets written: plain, folded, escaped, encoded, in tables, in file names, in fields side by side.

Every form gives the fragment of text and the *traces*: the texts in it that are the credential, as written there.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote

from tests.planted_kinds import Credential


class Written(NamedTuple):
    """A fragment and what of it is the credential."""

    fragment: str
    traces: tuple[str, ...]


Form = Callable[[random.Random, Credential], Written]


def _plain(rng: random.Random, one: Credential) -> Written:
    return Written(f"{one.before}{one.value}{one.after}", (one.value,))


def _inline(one: Credential, value: str, *traces: str) -> Written:
    return Written(f"{one.before}{value}{one.after}", traces or (value,))


def _cut(rng: random.Random, value: str, fold: str) -> tuple[str, tuple[str, ...]]:
    """The value with one break, somewhere between its sixth character and the sixth from its end."""
    at = rng.randrange(6, max(7, len(value) - 6))
    return value[:at] + fold + value[at:], (value[:at], value[at:])


def _block_fold(rng: random.Random, one: Credential) -> Written:
    value, halves = _cut(rng, one.value, "\n  ")
    sign = rng.choice(("|", ">", ">-", "|+"))
    return Written(f"remark: {sign}\n  {one.before}{value}{one.after}", halves)


def _plain_fold(rng: random.Random, one: Credential) -> Written:
    value, halves = _cut(rng, one.value, "\n    ")
    return Written(f"remark: it was {one.before}{value}{one.after}", halves)


def _continued(rng: random.Random, one: Credential) -> Written:
    value, halves = _cut(rng, one.value, rng.choice(("\\\n  ", "\\\n  \\")))
    before, after = (json.dumps(part)[1:-1] for part in (one.before, one.after))
    return Written(f'remark: "{before}{value}{after}"', halves)


def _quoted_list(rng: random.Random, one: Credential) -> Written:
    value, halves = _cut(rng, one.value, "\n  > ")
    return Written(f"  > {one.before}{value}{one.after}", halves)


def _escaped(pattern: str, share: float) -> Form:
    def form(rng: random.Random, one: Credential) -> Written:
        chosen = [rng.random() < share for _ in one.value]
        chosen[0] = True
        value = "".join(
            pattern.format(ord(char)) if pick else json.dumps(char)[1:-1]
            for char, pick in zip(one.value, chosen, strict=True)
        )
        before, after = (json.dumps(part)[1:-1] for part in (one.before, one.after))
        return Written(f'{{"remark": "{before}{value}{after}"}}', (value,))

    return form


def _entities(share: float) -> Form:
    def form(rng: random.Random, one: Credential) -> Written:
        pattern = rng.choice(("&#{};", "&#x{:x};", "&#x{:X};", "&#0{};"))
        value = "".join(
            pattern.format(ord(char)) if at == 0 or rng.random() < share else char for at, char in enumerate(one.value)
        )
        return _inline(one, value)

    return form


def _json_string(depth: int) -> Form:
    def form(rng: random.Random, one: Credential) -> Written:
        text = f"{one.before}{one.value}{one.after}"
        value = one.value
        for _ in range(depth):
            text, value = json.dumps({"body": text}), json.dumps(value)[1:-1]
        return Written(text, (value,))

    return form


def _sibling(shape: str) -> Form:
    def form(rng: random.Random, one: Credential) -> Written:
        value = f"{one.scheme}{one.value}{one.after}"
        return Written(shape.format(name=json.dumps(one.name), value=json.dumps(value)), (json.dumps(one.value)[1:-1],))

    return form


def _yaml_sibling(rng: random.Random, one: Credential) -> Written:
    return Written(f"- name: {one.name}\n  value: {one.scheme}{one.value}{one.after}", (one.value,))


def _field(rng: random.Random, one: Credential) -> Written:
    value = json.dumps(f"{one.scheme}{one.value}{one.after}")
    return Written(f"{{{json.dumps(one.name)}: {value}}}", (json.dumps(one.value)[1:-1],))


def _url_query(rng: random.Random, one: Credential) -> Written:
    value = quote(one.value, safe="")
    name = one.name.replace(" ", "_")
    return Written(f"https://api.example.com/v1/charge?page=2&{name}={value}&limit=5", (value,))


def _url_nested(rng: random.Random, one: Credential) -> Written:
    before, value, after = (quote(part, safe="") for part in (one.before, one.value, one.after))
    return Written(f"see https://login.example.com/start?next={before}{value}{after}", (value,))


def _percent(rng: random.Random, one: Credential) -> Written:
    value = "".join(f"%{byte:02X}" for byte in one.value.encode())
    return _inline(one, value)


def _encoded(encode: Callable[[bytes], str], depth: int) -> Form:
    def form(rng: random.Random, one: Credential) -> Written:
        pad = "x" * rng.randrange(3)
        inline = rng.random() < 0.5 or one.name == "token"
        field = (
            {"log": f"{one.before}{one.value}{one.after}"} if inline else {one.name: one.scheme + one.value + one.after}
        )
        document = json.dumps({"id": pad, **field})
        spot = json.dumps(one.value)[1:-1]
        start = document.index(spot)
        end = start + len(spot)
        for _ in range(depth):
            blob = encode(document.encode())
            step = len(encode(b"x" * 3000)) / 3000
            start, end = int(-(-start // 3) * 3 * step), int(end // 3 * 3 * step)
            trace = blob[start:end]
            document = json.dumps({"payload": blob})
            start += document.index(blob)
            end += document.index(blob)
        return Written(document, (trace,))

    return form


def _table(rng: random.Random, one: Credential) -> Written:
    value = f"{one.scheme}{one.value}{one.after}"
    return Written(f"| Setting | Value | Owner |\n|---|---|---|\n| {one.name} | {value} | ops |", (one.value,))


def _table_code(rng: random.Random, one: Credential) -> Written:
    value = f"{one.scheme}{one.value}{one.after}"
    return Written(f"| `{one.name}` | `{value}` |", (one.value,))


def _emphasis(rng: random.Random, one: Credential) -> Written:
    marks = rng.choice(("**", "*", "`", "**`"))
    value = f"{one.scheme}{one.value}{one.after}"
    return Written(f"The **{one.name}:** {marks}{value}{marks[::-1]} was used.", (one.value,))


def _comment(rng: random.Random, one: Credential) -> Written:
    return Written(f"<!-- {one.before}{one.value}{one.after} -->", (one.value,))


def _code_block(rng: random.Random, one: Credential) -> Written:
    return Written(f"```sh\nexport {one.before}{one.value}{one.after}\n```", (one.value,))


def _file_name(rng: random.Random, one: Credential) -> Written:
    return Written(f"notes/2026/{one.value}.md", (one.value,))


def _as_key(rng: random.Random, one: Credential) -> Written:
    return Written(f'"{one.before}{one.value}{one.after}": true', (one.value,))


def _invisible(rng: random.Random, one: Credential) -> Written:
    value, halves = _cut(rng, one.value, rng.choice(("\u200b", "\u00ad", "\u2060", "\ufeff", "\u200d")))
    return _inline(one, value, *halves)


def _terminal(rng: random.Random, one: Credential) -> Written:
    value, halves = _cut(rng, one.value, rng.choice(("\x1b[0m", "\x1b[1;31m", "\x08", "\x7f")))
    return _inline(one, value, *halves)


def _standard(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


FORMS: dict[str, Form] = {
    "plain": _plain,
    "json-field": _field,
    "yaml-block-fold": _block_fold,
    "yaml-plain-fold": _plain_fold,
    "yaml-continued": _continued,
    "markdown-quote-fold": _quoted_list,
    "json-escape": _escaped("\\u{:04x}", 0.2),
    "json-escape-one": _escaped("\\u{:04X}", 0.0),
    "yaml-escape": _escaped("\\x{:02x}", 0.2),
    "escape-all": _escaped("\\u{:04x}", 1.0),
    "entity": _entities(0.2),
    "entity-all": _entities(1.0),
    "json-in-json": _json_string(1),
    "json-in-json-in-json": _json_string(3),
    "sibling-name-value": _sibling('{{"name": {name}, "value": {value}}}'),
    "sibling-key-value": _sibling('{{"key":{name},"type":"text","value":{value}}}'),
    "sibling-value-name": _sibling('{{"value": {value}, "name": {name}}}'),
    "sibling-pair": _sibling("[{name}, {value}]"),
    "sibling-yaml": _yaml_sibling,
    "url-query": _url_query,
    "url-nested": _url_nested,
    "url-percent": _percent,
    "base64-json": _encoded(_standard, 1),
    "base64url-json": _encoded(_urlsafe, 1),
    "base64-json-twice": _encoded(_standard, 2),
    "hex-json": _encoded(lambda data: data.hex(), 1),
    "table": _table,
    "table-code": _table_code,
    "emphasis": _emphasis,
    "html-comment": _comment,
    "code-block": _code_block,
    "file-name": _file_name,
    "as-key": _as_key,
    "invisible": _invisible,
    "terminal": _terminal,
}

_ONLY_TOKENS = frozenset(("file-name",))
_NAMED_FIELD = frozenset(("sibling-name-value", "sibling-key-value", "sibling-value-name", "sibling-pair"))


def suits(form: str, kind: str, one: Credential) -> bool:
    """Whether anybody would write it so: no private key in a file name, no token of a kubeconfig without the rest."""
    if form == "file-name":
        return kind in ("provider-token", "policy:psp-key")
    if one.name == "token":
        return not form.startswith(("sibling", "url-query", "table", "emphasis", "json-field"))
    if kind == "private-key":
        return form not in _NOT_FOR_LINES
    if kind == "base64-credential":
        return not form.startswith("url-")
    if kind == "kubeconfig":
        return form not in ("url-query", "as-key")
    return not (form == "url-query" and kind in ("url-credential", "basic", "bearer-token", "webhook-signature"))


_NOT_FOR_LINES = frozenset(
    ("sibling-yaml", "url-query", "table", "table-code", "emphasis", "as-key", "markdown-quote-fold", "yaml-continued")
)
