"""What a run's workspace adds to the organization's ``MEMORY.md``: sections that are new or say more than before.

Nothing is ever taken away, and blocks that a controller generates stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

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
    """The file as it is proposed; ``added`` and ``changed`` are headings, cleaned."""

    text: str
    added: tuple[str, ...]
    changed: tuple[str, ...]


def propose(workspace: str, baseline: bytes | None, scrub: Scrub, account: Account) -> Proposal | str:
    """The baseline with what the workspace's file adds to it, or one line that says why there is no proposal.

    ``workspace`` is the file of the run's workspace as it stands there. All of it is cleaned, for a passage that no
    agent may read stops the import wherever it stands.
    """
    cleaned = scrub.text(workspace, account)
    if baseline is None:
        return NO_BASELINE
    try:
        before = decode(baseline)
    except EncodingProblem:
        return NO_BASELINE
    blocks = {match[1]: _ended(match.group()) for match in _BLOCK.finditer(before)}
    old = dict(_keyed(split(_held(before, blocks))))
    raw = [section for _, section in _keyed(split(_held(workspace.replace("\r\n", "\n").replace("\0", ""), blocks)))]
    new = list(_keyed(split(_held(cleaned, blocks))))
    same_as_before = {section.text.strip() for section in old.values()}
    untouched = (
        {at for at, section in enumerate(raw) if section.text.strip() in same_as_before}
        if len(raw) == len(new)
        else set()
    )
    added: list[str] = []
    changed: list[str] = []
    order = list(old)
    texts = {key: section.text for key, section in old.items()}
    previous: Key | None = None
    for at, (key, section) in enumerate(new):
        key = key if key in old else _namesake(key, old, {known for known, _ in new}) or key
        if key in old:
            text = _with_blocks_of(section.text, old[key].text)
            if at not in untouched and _says_more(text, old[key].text):
                texts[key] = closed(_ended(text))
                changed.append(section.title)
        elif at not in untouched and (text := _HELD.sub("", section.text)).strip():
            order.insert(order.index(previous) + 1 if previous is not None else len(order), key)
            texts[key] = closed(_ended(text))
            added.append(section.title)
        else:
            continue
        previous = key
    if not added and not changed:
        return UNCHANGED
    parts: list[str] = []
    for at, key in enumerate(order):
        text = texts[key]
        if key not in old or texts[key] != old[key].text:
            # A section of its own stands apart from the next.
            text = text if at + 1 == len(order) or text.endswith("\n\n") else text + "\n"
            if parts and not parts[-1].endswith("\n"):
                parts[-1] += "\n"
            if parts and key not in old and not parts[-1].endswith("\n\n"):
                parts[-1] += "\n"
        parts.append(text)
    text = _HELD.sub(lambda held: blocks[held[1]], "".join(parts))
    return Proposal(text, tuple(added), tuple(changed))


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
