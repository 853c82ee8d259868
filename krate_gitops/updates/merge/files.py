"""Three-way merge of one file of a brain: what the proposer saw, what is proposed, what stands at the target now.

The file at the target is the canvas. What is proposed is put onto it, and nothing else of it changes: comments, order,
quotes, line ends, byte order mark and the final line end stay where the proposal leaves them alone. A proposal that
does nothing but change all line ends, or the byte order mark, of a file that changed since has no effect.
"""

from __future__ import annotations

from krate_gitops.brain.text import EncodingProblem, decode
from krate_gitops.updates.merge.by_line import merge_lines
from krate_gitops.updates.merge.line_ends import encoded_like
from krate_gitops.updates.merge.markdown_files import merge_markdown, retired_page, same_markdown
from krate_gitops.updates.merge.outcome import (
    CHANGED,
    CREATED,
    DELETED,
    MAX_CONFLICTS,
    OVERLAP,
    FileMerge,
    TextMerge,
    of_lines,
    of_whole,
)
from krate_gitops.updates.merge.yaml_files import merge_yaml, same_yaml
from krate_gitops.updates.model import Conflict

MAX_MERGED_BYTES = 4 << 20
"""Files that are larger are equal or in conflict; no file of a brain may be as large."""
YAML = (".yaml", ".yml")
MARKDOWN = (".md", ".markdown")


def merge_file(path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None) -> FileMerge:
    """Merges the versions of a file, each None where it is absent: seen, proposed, and present at the target.

    ``updatedAt`` that both sides changed is no conflict: the later moment stands. Raises nothing.
    """
    if ours in (base, theirs):
        return FileMerge(theirs)
    if theirs == base:
        return FileMerge(ours)
    if theirs is None or ours is None:
        whole = of_whole(path, DELETED if theirs is None else CHANGED, map(_shown, (base, ours, theirs)))
        return FileMerge(theirs, (whole,))
    try:
        if max(len(data) for data in (base or b"", ours, theirs)) > MAX_MERGED_BYTES:
            raise EncodingProblem("too large", 0)
        texts = [decode(data) for data in (base or b"", ours, theirs)]
    except EncodingProblem:
        reason = CREATED if base is None else OVERLAP
        return FileMerge(theirs, (of_whole(path, reason, map(_shown, (base, ours, theirs))),))
    if base is None:
        return FileMerge(theirs, _created(path, texts[1], texts[2]))
    merged = _merged(path, *texts)
    return FileMerge(encoded_like(theirs, texts[2], merged.text), merged.conflicts[:MAX_CONFLICTS])


def _merged(path: str, base: str, ours: str, theirs: str) -> TextMerge:
    if ours in (base, theirs):
        return TextMerge(theirs)
    merged: TextMerge | None = None
    name = "lines"
    if path.endswith(YAML):
        merged = merge_yaml(path, base, ours, theirs)
    elif path.endswith(MARKDOWN):
        name = "body"
        merged = merge_markdown(path, base, ours, theirs)
    if merged is not None:
        return merged
    lines = merge_lines(base, ours, theirs)
    retired = retired_page(path, base, ours, theirs) if name == "body" else ()
    return TextMerge(lines.text, (*retired, *(of_lines(path, clash, 1, name) for clash in lines.clashes)))


def _created(path: str, ours: str, theirs: str) -> tuple[Conflict, ...]:
    is_same = ours.rstrip("\n") == theirs.rstrip("\n")
    if not is_same and path.endswith(YAML):
        is_same = same_yaml(ours, theirs)
    if not is_same and path.endswith(MARKDOWN):
        is_same = same_markdown(ours, theirs)
    return () if is_same else (of_whole(path, CREATED, (None, ours, theirs)),)


def _shown(data: bytes | None) -> str | None:
    if data is None:
        return None
    try:
        return decode(data) if len(data) <= MAX_MERGED_BYTES else f"{len(data)} bytes"
    except EncodingProblem:
        return f"{len(data)} bytes that are not text"
