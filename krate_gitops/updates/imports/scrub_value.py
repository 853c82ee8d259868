"""A JSON value cleaned as a whole: its keys, its texts, and what only keys and texts together give away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from krate_gitops.brain.scan.patterns import SecretKind
from krate_gitops.brain.scan.secrets import SecretHit, find_secrets
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.scrub import Scrub, encodable, shorten

_DEEPEST = 8
_MOST_ITEMS = 64
_MOST_JOINED = 65_536
_NAMES = ("name", "key", "header", "variable", "env")
_MORE = "…"


def scrub_value(value: Any, scrub: Scrub, account: Account, *, most: int, depth: int = 1) -> Any:
    """The value with every text cleaned and cut to ``most`` characters; numbers that are no integers become text.

    What lies too deep, and items beyond a number that people look at, are replaced by an ellipsis.
    """
    if isinstance(value, str):
        return shorten(scrub.text(value, account), most)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        # A long number may be a card's; it is text then, or it stays the number it was.
        text = scrub.text(str(value), account) if abs(value) >= 10**8 else ""
        return value if abs(value) < 2**53 and text in ("", str(value)) else shorten(text or str(value), most)
    if isinstance(value, float):
        return repr(value)
    if depth > _DEEPEST:
        return _MORE
    if isinstance(value, dict):
        return _map(value, scrub, account, most, depth)
    if isinstance(value, list):
        return _list(value, scrub, account, most, depth)
    return scrub.line(str(value), account, most=most)


def _map(value: dict[Any, Any], scrub: Scrub, account: Account, most: int, depth: int) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    named = next((value[name] for name in _NAMES if isinstance(value.get(name), str)), "")
    for at, (key, item) in enumerate(value.items()):
        if at == _MOST_ITEMS:
            cleaned[_MORE] = f"{len(value) - at} more"
            break
        label = named if str(key).lower() == "value" and named else str(key)
        kind = _kind_of(label, item, scrub) if isinstance(item, (str, int)) and not isinstance(item, bool) else None
        if kind is not None:
            account.read += len(str(item))
            account.removed += len(str(item))
            account.redacted[kind] += 1
            item = f"[REDACTED:{kind}]"
        else:
            item = scrub_value(item, scrub, account, most=most, depth=depth + 1)
        cleaned[scrub.line(str(key), account, most=80)] = item
    return cleaned


def _kind_of(key: str, item: str | int, scrub: Scrub) -> str | None:
    """The kind of secret that a value is because of its key; None where it stands for itself."""
    head = f"{encodable(key)}: "
    for hit in find_secrets(head + encodable(str(item)[:4096]), scrub.secret_scan):
        # A secret further on is named by the text itself, which is cleaned for it.
        if hit.start <= len(head) < hit.end and hit.kind in (SecretKind.SECRET_KEY, SecretKind.WEBHOOK_SIGNATURE):
            return str(hit.kind)
    return None


def _list(value: list[Any], scrub: Scrub, account: Account, most: int, depth: int) -> list[Any]:
    kept = _joined(value[:_MOST_ITEMS], scrub, account)
    cleaned: list[Any] = []
    before = ""
    for item in kept:
        option = before.lstrip("-") if before.startswith("-") else ""
        kind = _kind_of(option, item, scrub) if option and isinstance(item, str) else None
        if kind is not None:
            account.read += len(item)
            account.removed += len(item)
            account.redacted[kind] += 1
            cleaned.append(f"[REDACTED:{kind}]")
        else:
            cleaned.append(scrub_value(item, scrub, account, most=most, depth=depth + 1))
        before = item if isinstance(item, str) else ""
    if len(value) > _MOST_ITEMS:
        cleaned.append(f"{_MORE} {len(value) - _MOST_ITEMS} more")
    return cleaned


def _joined(items: Sequence[Any], scrub: Scrub, account: Account) -> list[Any]:
    """The items, without the parts of secrets that begin in one text and go on in the next."""
    found = list(items)
    if sum(isinstance(item, str) for item in items) < 2:
        return found
    places = [(at, item) for at, item in enumerate(items) if isinstance(item, str)]
    text = encodable("".join(item for _, item in places))
    if len(text) > _MOST_JOINED:
        return found
    hits = [hit for hit in find_secrets(text, scrub.secret_scan) if hit.kind != SecretKind.EXAMPLE]
    start = 0
    for at, item in places:
        end = start + len(item)
        for hit in hits:
            if hit.start < end and hit.end > start and not _lies_within(hit, start, end):
                account.redacted[str(hit.kind)] += 1
                account.read += len(item)
                account.removed += len(item)
                found[at] = f"[REDACTED:{hit.kind}]"
        start = end
    return found


def _lies_within(hit: SecretHit, start: int, end: int) -> bool:
    return start <= hit.start and hit.end <= end
