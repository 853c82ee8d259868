"""What a run's workspace adds to the organization's ``MEMORY.md``: sections that are new or say more than before.

Nothing is ever taken away, and blocks that a controller generates stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.scrub import Scrub
from krate_gitops.updates.imports.sections import Section, closed, split, words_of

PATH = "babysitter/MEMORY.md"
NO_BASELINE = "MEMORY.md was not compared: the organization's file at the run's snapshot is not known"
UNCHANGED = "MEMORY.md says nothing new"
_BLOCK = re.compile(
    r"^[ ]{0,3}<!-- krate:generated name=([a-z0-9-]+)[^\n]*-->[ \t]*\n.*?"
    r"^[ ]{0,3}<!-- krate:end name=\1 -->[ \t]*(?:\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
_MARKER = re.compile(r"^[ ]{0,3}<!--[ ]*krate:(?:generated|end)\b[^\n]*\n?", re.MULTILINE)

_HELD = re.compile("\0([a-z0-9-]+)\0\n")

Key = tuple[tuple[str, ...], int]
"""A section by the headings that lead to it, and which of those with the same it is."""


class Proposal(msgspec.Struct, frozen=True):
    """The file as it is proposed, made from the version ``base``; ``added`` and ``changed`` are headings, cleaned."""

    text: str
    added: tuple[str, ...]
    changed: tuple[str, ...]
    base: bytes = b""


class _News(NamedTuple):
    """A section that says more than before. ``after`` is the section it comes behind; None for the end of the file."""

    key: Key
    title: str
    text: str
    is_added: bool
    after: Key | None


class _File(NamedTuple):
    """A version of the file: sections in order, and generated blocks by name, of which sections hold the places."""

    sections: dict[Key, Section]
    blocks: dict[str, str]


def propose(
    workspace: str, baseline: bytes | None, scrub: Scrub, account: Account, *, current: bytes | None = None
) -> Proposal | str:
    """The organization's file with what the workspace's adds to it, or one line that says why there is no proposal.

    ``workspace`` is the file of the run's workspace as it stands there. All of it is cleaned, for a passage that no
    agent may read stops the import wherever it stands. ``baseline`` is what the run was told; where ``current``, the
    file of now, has the same in the places concerned, that is what the proposal is made from.
    """
    cleaned = scrub.text(workspace, account)
    old = _read(baseline)
    if old is None or baseline is None:
        return NO_BASELINE
    news = _news(workspace, cleaned, old)
    if not news:
        return UNCHANGED
    now = _read(current) if current != baseline else None
    base, data = old, baseline
    if now is not None and current is not None and _fits(news, old, now):
        base, data = now, current
        news = [one for one in news if not one.is_added or one.key not in now.sections]
        if not news:
            return UNCHANGED
    return Proposal(
        _applied(news, base),
        tuple(one.title for one in news if one.is_added),
        tuple(one.title for one in news if not one.is_added),
        data,
    )


def _read(data: bytes | None) -> _File | None:
    if data is None:
        return None
    try:
        text = decode(data)
    except EncodingProblem:
        return None
    blocks = {match[1]: _ended(match.group()) for match in _BLOCK.finditer(text)}
    return _File(dict(_keyed(split(_held(text, blocks)))), blocks)


def _news(workspace: str, cleaned: str, old: _File) -> list[_News]:
    raw = split(_held(workspace.replace("\r\n", "\n").replace("\0", ""), old.blocks))
    new = _keyed(split(_held(cleaned, old.blocks)))
    known = {section.text.strip() for section in old.sections.values()}
    # Cleaning may change what was there before, and that is no news.
    is_old = [section.text.strip() in known for section in raw] if len(raw) == len(new) else [False] * len(new)
    taken = {key for key, _ in new}
    found: list[_News] = []
    after: Key | None = None
    for (key, section), was_there in zip(new, is_old, strict=True):
        key = key if key in old.sections else _namesake(key, old.sections, taken) or key
        before = old.sections.get(key)
        if before is not None:
            text = _with_blocks_of(section.text, before.text)
            if not was_there and _says_more(text, before.text):
                found.append(_News(key, section.title, closed(_ended(text)), False, None))
        elif not was_there and (text := _HELD.sub("", section.text)).strip():
            found.append(_News(key, section.title, closed(_ended(text)), True, after))
        else:
            continue
        after = key
    return found


def _fits(news: Sequence[_News], old: _File, now: _File) -> bool:
    """Whether the file of now has, in each place that changes, what the run was told or what is proposed."""
    for one in news:
        present = now.sections.get(one.key)
        if one.is_added:
            if present is not None and present.text.strip() != one.text.strip():
                return False
        elif present is None or present.text.strip() != old.sections[one.key].text.strip():
            return False
    return True


def _applied(news: Sequence[_News], base: _File) -> str:
    order = list(base.sections)
    texts = {key: section.text for key, section in base.sections.items()}
    for one in news:
        if one.is_added:
            order.insert(order.index(one.after) + 1 if one.after in texts else len(order), one.key)
        texts[one.key] = one.text
    parts: list[str] = []
    for at, key in enumerate(order):
        text = texts[key]
        if key not in base.sections or text != base.sections[key].text:
            # A section of its own stands apart from the next.
            text = text if at + 1 == len(order) or text.endswith("\n\n") else text + "\n"
            if parts and not parts[-1].endswith("\n"):
                parts[-1] += "\n"
            if parts and key not in base.sections and not parts[-1].endswith("\n\n"):
                parts[-1] += "\n"
        parts.append(text)
    return _HELD.sub(lambda held: base.blocks[held[1]], "".join(parts))


def _keyed(sections: list[Section]) -> list[tuple[Key, Section]]:
    found: list[tuple[Key, Section]] = []
    path: list[tuple[int, str]] = []
    seen: dict[tuple[str, ...], int] = {}
    for section in sections:
        while path and path[-1][0] >= section.level:
            path.pop()
        path.append((section.level, words_of(section.title)))
        headings = tuple(words for _, words in path)
        seen[headings] = seen.get(headings, 0) + 1
        found.append(((headings, seen[headings]), section))
    return found


def _namesake(key: Key, old: Mapping[Key, Section], taken: set[Key]) -> Key | None:
    """The one section of the same heading that stands elsewhere, and of which nothing else is the counterpart."""
    if not key[0] or not key[0][-1]:
        return None
    same = [one for one in old if one[0] and one[0][-1] == key[0][-1] and one not in taken]
    return same[0] if len(same) == 1 else None


def _says_more(new: str, old: str) -> bool:
    """Whether a section has lines that were not there before; one that only lost some is a deletion."""
    known = {" ".join(line.split()) for line in old.splitlines()}
    return any(words and words not in known for words in (" ".join(line.split()) for line in new.splitlines()))


def _held(text: str, blocks: Mapping[str, str]) -> str:
    """A text with a place for each of the known generated blocks, and without any other."""
    placed: set[str] = set()

    def place(match: re.Match[str]) -> str:
        if match[1] not in blocks or match[1] in placed:
            return ""
        placed.add(match[1])
        return f"\0{match[1]}\0\n"

    return _MARKER.sub("", _BLOCK.sub(place, text))


def _with_blocks_of(text: str, old: str) -> str:
    """A section with the places of blocks that it had before, and no others."""
    wanted = _HELD.findall(old)
    found = [name for name in _HELD.findall(text) if name in wanted]
    text = _ended(_HELD.sub(lambda held: held.group() if held[1] in wanted else "", text))
    for name in wanted:
        if name not in found:
            text = f"{text.rstrip()}\n\n\0{name}\0\n"
    return text


def _ended(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
