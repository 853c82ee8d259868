"""Merges of generated records: both sides' edits arrive, and no line changes that nobody meant to change."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from krate_gitops.brain.text import decode
from krate_gitops.brain.yaml_exact import parse_exact
from krate_gitops.updates.merge.files import merge_file
from krate_gitops.updates.merge.places import changed_places

Element = tuple[str, tuple[str, ...]]
"""A kind, and lines that all hold the element's name: ``n`` and a number. Ours have numbers from 500 on."""


def _field(name: str, word: str, style: str) -> tuple[str, ...]:
    if style == "block":
        return (f"  {name}: |", f"    {word} {name}", f"    end: {name} # no comment")
    text = {"plain": f"{word} {name}", "single": f"'{word} {name}'", "double": f'"{word}: {name}"'}[style]
    return (f"  {name}: {text}",)


def _edge(name: str, word: str, style: str) -> tuple[str, ...]:
    if style in ("plain", "single"):
        quote = "'" if style == "single" else ""
        return (f"    - {quote}thing:{word}-{name}{quote}",)
    return (f"    - target: thing:{word}-{name}", f"      note: {word} {name}  # {name} why")


WORDS = st.sampled_from(["amber", "basil", "cedar", "delta"])
STYLES = st.sampled_from(["plain", "single", "double", "block"])
MAKERS = {"field": _field, "edge": _edge}


def _made(kind: str, number: int, word: str, style: str) -> Element:
    return kind, MAKERS[kind](f"n{number}", word, style)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Element], list[Element], list[Element], list[Element], set[int]]:
    """Elements of base, ours, theirs, and of what they come to; and the numbers that ours means to touch."""
    base: list[Element] = [("head", ("# n0 head",)), ("head", ("id: thing:n1",)), ("head", ("attributes: # n2",))]
    for kind, opening in (("field", "  n3: first"), ("edge", "edges: # n30"), ("edge", "  needs: # n31")):
        base.append(("head", (opening,)))
        if opening.startswith("edges"):
            continue
        for at in range(draw(st.integers(1, 5))):
            number = len(base) + 100
            if at and draw(st.booleans()):
                margin = "    " if kind == "edge" else "  "
                base.append(("comment", (f"{margin}# n{number} says",)))
                number += 1
            base.append(_made(kind, number, draw(WORDS), draw(STYLES)))
    ours, theirs, both, touched = list[Element](), list[Element](), list[Element](), set[int]()
    first_edge = next(at for at, one in enumerate(base) if one[0] == "edge")
    for at, element in enumerate(base):
        kind = element[0]
        side = draw(st.sampled_from(["nobody", "ours", "theirs"])) if kind in MAKERS else "nobody"
        choices = ["change", "insert"] if at == first_edge else ["change", "insert", "remove"]
        what = draw(st.sampled_from(choices)) if side != "nobody" else "keep"
        changed = [element]
        if what != "keep":
            number = _numbers(element)
            fresh = at + (500 if side == "ours" else 300)
            if what == "remove":
                changed = []
            elif what == "change":
                changed = [_made(kind, number, "egret", _style(element))]
            else:
                changed = [element, _made(kind, fresh, draw(WORDS), draw(STYLES))]
            if side == "ours":
                touched |= {number, fresh} if what != "insert" else {fresh}
        ours += changed if side == "ours" else [element]
        theirs += changed if side == "theirs" else [element]
        both += changed
    return base, ours, theirs, both, touched


def _numbers(element: Element) -> int:
    return int(re.findall(r"\bn([0-9]+)", element[1][0])[0])


def _style(element: Element) -> str:
    lines = element[1]
    if element[0] == "edge":
        return "double" if len(lines) > 1 else "single" if "'" in lines[0] else "plain"
    return "block" if len(lines) > 1 else "single" if "'" in lines[0] else "double" if '"' in lines[0] else "plain"


def _text(elements: list[Element]) -> str:
    return "\n".join(line for _, lines in elements for line in lines)


def _untouched(text: str, touched: set[int]) -> list[str]:
    lines = text.split("\n")
    return [line for line in lines if not {int(one) for one in re.findall(r"\bn([0-9]+)", line)} & touched]


def _value(text: str) -> Any:
    value = parse_exact(text)[0].value
    for kind, items in value.get("edges", {}).items():
        value["edges"][kind] = sorted(items, key=str)
    return value


@given(cases(), st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\ufeff"]), st.booleans(), st.booleans())
def test_a_merge_has_both_sides_edits_and_leaves_all_other_lines_as_they_stand(
    case: tuple[list[Element], list[Element], list[Element], list[Element], set[int]],
    line_end: str,
    mark: str,
    is_ended: bool,
    ours_in_lf: bool,
) -> None:
    base, ours, theirs, both = (_text(elements) + ("\n" if is_ended else "") for elements in case[:4])

    def data(text: str, end: str) -> bytes:
        return (mark + text.replace("\n", end)).encode()

    versions = (data(base, line_end), data(ours, "\n" if ours_in_lf else line_end), data(theirs, line_end))
    merged = merge_file("graph/a.yaml", *versions)
    assert merged.conflicts == ()
    assert merged.content is not None
    text = decode(merged.content)
    assert _value(text) == _value(both)
    assert _untouched(text, case[4]) == _untouched(theirs, case[4])
    if ours != base and theirs != base:
        assert merged.content.decode().startswith(mark)
        assert text.endswith("\n") == is_ended
        assert merged.content.count(b"\r\n") == (text.count("\n") if line_end == "\r\n" else 0)


@given(cases())
def test_a_page_is_merged_as_a_graph_record_is(
    case: tuple[list[Element], list[Element], list[Element], list[Element], set[int]],
) -> None:
    matters = [_text(elements) for elements in case[:4]]
    bodies = ["a\nb\nc\nd\n", "A\nb\nc\nd\n", "a\nb\nc\nd\ne\n", "A\nb\nc\nd\ne\n"]
    texts = [f"---\n{matter}\n---\n{body}" for matter, body in zip(matters, bodies, strict=True)]
    merged = merge_file("page.md", *(text.encode() for text in texts[:3]))
    assert merged.conflicts == ()
    assert merged.content is not None
    matter, _, body = merged.content.decode()[4:].rpartition("---\n")
    assert _value(matter) == _value(matters[3])
    assert body == bodies[3]
    assert _untouched(matter.rstrip("\n"), case[4]) == _untouched(matters[2], case[4])


@given(cases())
def test_what_changed_is_told_by_the_names_of_what_changed(
    case: tuple[list[Element], list[Element], list[Element], list[Element], set[int]],
) -> None:
    base, ours = (_text(elements) for elements in case[:2])
    told = {int(one) for place in changed_places("a.yaml", base.encode(), ours.encode()) for one in _named(place.place)}
    assert told <= case[4]
    assert bool(told) == (base != ours)


def _named(place: str) -> list[str]:
    return re.findall(r"\bn([0-9]+)", place)


LINES = st.lists(
    st.sampled_from(
        [
            "---",
            "id: a",
            "attributes:",
            "  title: T",
            "  title: U",
            "  tags: [a]",
            "  tags: [b, c]",
            "edges:",
            "  k: &a x",
            "  k:",
            "    - x",
            "    - target: x",
            "    - {target: y, n: 1.10}",
            "  j: *a",
            "text",
            "",
            "# c",
            "status: archived",
            "attributes: {status: deprecated}",
            "  updatedAt: 2026-01-02T03:04:05Z",
            "  ? q",
            "- x",
            "  - kind: k",
            "\t",
            "    target: x",
            "  n: null",
            "  n: 0x1F",
            "  n: 1e400",
            "  'title': ''",
            "  b: |",
            "   deep",
            "related: x",
            "...",
        ]
    ),
    max_size=12,
)
FILES = st.one_of(
    st.none(),
    LINES.map(lambda lines: "\n".join(lines).encode()),
    st.binary(max_size=12),
    LINES.map(lambda lines: ("---\n" + "\r\n".join(lines) + "\n---\nbody\n").encode()),
)


@given(st.sampled_from(["a.yaml", "a.md", "a.txt"]), FILES, FILES, FILES)
@example("a.yaml", b"id: a\n", b"id: a\n---\n", b"id: a\n--- # c\n")
def test_whatever_the_files_are_a_merge_ends_and_keeps_to_its_rules(
    path: str, base: bytes | None, ours: bytes | None, theirs: bytes | None
) -> None:
    merged = merge_file(path, base, ours, theirs)
    assert merged == merge_file(path, base, ours, theirs)
    assert all(conflict.path == path for conflict in merged.conflicts)
    assert merge_file(path, base, ours, base).content == ours
    assert merge_file(path, base, base, theirs).content == theirs
    assert merge_file(path, base, ours, ours).content == ours
    if not merged.conflicts and merged.content is not None:
        # What came out is there to stay: merging it once more changes nothing.
        assert merge_file(path, base, merged.content, merged.content).content == merged.content
    changed_places(path, base, ours)
    other = merge_file(path, base, theirs, ours)
    assert bool(other.conflicts) == bool(merged.conflicts) or _is_retirement(merged.conflicts + other.conflicts)


def _is_retirement(conflicts: tuple[Any, ...]) -> bool:
    return any(conflict.reason == "RetiredSince" for conflict in conflicts)
