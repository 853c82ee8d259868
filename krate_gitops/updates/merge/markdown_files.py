"""Merge of Markdown files: frontmatter as a record, the body by line."""

from __future__ import annotations

from typing import Any, NamedTuple

from krate_gitops.brain.frontmatter import FENCE, find_frontmatter
from krate_gitops.updates.merge.by_line import merge_lines
from krate_gitops.updates.merge.outcome import TextMerge, of_lines
from krate_gitops.updates.merge.plain import read_map
from krate_gitops.updates.merge.records import RecordMerge, Sides
from krate_gitops.updates.merge.values import settled
from krate_gitops.updates.model import Conflict


class Page(NamedTuple):
    """A text in two: the YAML between its fences with its map, and what follows the line of the second fence."""

    matter: str
    value: dict[str, Any]
    body: str
    is_ended: bool

    @property
    def text(self) -> str:
        """The whole text; ``is_ended`` says whether a line end follows the second fence."""
        fence = FENCE + ("\n" if self.is_ended or self.body else "")
        return f"{FENCE}\n{self.matter}{fence}{self.body}"

    @property
    def body_line(self) -> int:
        """The number of the body's first line in the file, from 1."""
        return self.matter.count("\n") + 3


def read_page(text: str) -> Page | None:
    """A text with LF line ends; None without frontmatter that holds a map."""
    found = find_frontmatter(text)
    if found is None or not found.closed:
        return None
    matter = text[found.start : found.end]
    value = read_map(matter)
    if value is None:
        return None
    return Page(matter, value, text[found.body :], text[found.end : found.body].endswith("\n"))


def merge_markdown(path: str, base: str, ours: str, theirs: str) -> TextMerge | None:
    """Merges Markdown texts with LF line ends; None where one has no frontmatter that holds a map."""
    pages = [read_page(text) for text in (base, ours, theirs)]
    old, mine, current = pages
    if old is None or mine is None or current is None:
        return None
    matter = RecordMerge(path, "", 2, True).merge(
        Sides(old.matter, mine.matter, current.matter), Sides(old.value, mine.value, current.value)
    )
    # Ours may have changed the body alone of a record that was retired since.
    retired = retired_page(path, base, ours, theirs)
    conflicts = (*retired, *(one for one in matter.conflicts if one not in retired))
    body = merge_lines(old.body, mine.body, current.body)
    conflicts += tuple(of_lines(path, clash, current.body_line, "body") for clash in body.clashes)
    is_ended = Sides(old.is_ended, mine.is_ended, current.is_ended).picked
    page = Page(matter.text, {}, body.text, bool(is_ended))
    if read_page(page.text) is None:
        return None
    return TextMerge(page.text, conflicts)


def retired_page(path: str, base: str, ours: str, theirs: str) -> tuple[Conflict, ...]:
    """The conflict of a page that was retired since; the other two need no frontmatter for it."""
    values = (page.value if page else {} for page in map(read_page, (base, ours, theirs)))
    return RecordMerge(path, "", 2, True).retired(Sides(base, ours, theirs), Sides(*values))


def same_markdown(one: str, other: str) -> bool:
    """Whether two texts have frontmatter that means the same, and the same body."""
    first, second = read_page(one), read_page(other)
    if first is None or second is None:
        return False
    return first.body == second.body and settled(first.value) == settled(second.value)
