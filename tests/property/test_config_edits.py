"""Edits of config files change what they mean to and nothing else, whatever the file looks like."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from krate_gitops.brain.text import decode
from krate_gitops.resources.edit.canonical import canonical_object, canonical_yaml
from krate_gitops.resources.edit.document import append_document, edit_document, remove_document
from krate_gitops.resources.edit.values import same, without_nulls
from krate_gitops.resources.parse import parse_text, settle

KEYS = st.one_of(
    st.sampled_from(["a", "b", "spec", "name", "on", "1", "true", "k.e/y", "a b", "x:y", "- k", "#k", "é", "null"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=6),
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            "yes", "on", "null", "~", "", "0777", "1e3", "0x1F", "1:30", "2026-05-10", "---", "...", "- a", "a: b",
            "#c", "a #c", "&a", "*a", "!t", "| x", "> y", "%d", "@x", "`x", "{", "[x]", "'", '"', "a\nb\n",
            "a\n\n  b", "\n",
            " lead", "trail ", "tab\there", "a\n---\nb: c\n", "\u2028", "\u0085", "\ufeff", "\u202e", "😀", "a\r\nb",
            "=",
        ]
    ),
    st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12),
)  # fmt: skip
SCALARS = st.one_of(
    TEXTS, st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, min_size=1, max_size=5)
FORMS = ("canonical", "plain", "wide", "flow", "mixed", "json", "tight-json")


def written(value: dict[str, Any], form: str) -> str:
    """A document as different people and programs write it."""
    if form == "canonical":
        return canonical_yaml(value)
    if form == "json":
        return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    if form == "tight-json":
        return json.dumps(value, separators=(",", ":")) + "\n"
    options = {
        "plain": {},
        "wide": {"indent": 4},
        "flow": {"default_flow_style": True},
        "mixed": {"default_flow_style": None},
    }
    # Every text in quotes: PyYAML knows only which plain ones YAML 1.1 would misread.
    return str(yaml.dump(value, Dumper=_Quoting, sort_keys=False, allow_unicode=False, width=60, **options[form]))


class _Quoting(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


_Quoting.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if text.isalpha() and len(text) == 1 else '"'
    ),
)


def read(path: str, data: bytes) -> list[Any]:
    return [settle(document.value) for document in parse_text(path, decode(data))]


def mutated(value: Any, dice: random.Random, fresh: list[Any]) -> Any:
    """The value with one thing changed somewhere: a member or item added, removed, or replaced."""
    value = copy.deepcopy(value)
    here, path = value, []
    while isinstance(here, (dict, list)) and here and dice.random() < 0.7:
        key = dice.choice(list(here) if isinstance(here, dict) else range(len(here)))
        if not isinstance(here[key], (dict, list)) or not here[key]:
            break
        path.append(key)
        here = here[key]
    new = dice.choice(fresh)
    action = dice.choice(("add", "remove", "replace"))
    if isinstance(here, dict):
        keys = list(here)
        if action == "add" or not keys:
            here["new" + str(dice.randrange(3))] = new
        elif action == "remove" and (len(keys) > 1 or path):
            del here[dice.choice(keys)]
        else:
            here[dice.choice(keys)] = new
    else:
        at = dice.randrange(len(here) + 1)
        if action == "add" or not here:
            here.insert(at, new)
        elif action == "remove":
            del here[min(at, len(here) - 1)]
        else:
            here[min(at, len(here) - 1)] = new
    return value


def readable(path: str, text: str, value: Any) -> bool:
    try:
        found = read(path, text.encode())
    except Exception:
        return False
    return len(found) == 1 and same(found[0], value)


@settings(max_examples=300, deadline=None)
@given(OBJECTS)
def test_the_canonical_form_means_the_object_and_is_a_fixed_point(value: dict[str, Any]) -> None:
    wanted = canonical_object(value)
    text = canonical_yaml(value)
    assert "\r" not in text
    assert text.endswith("\n")
    [found] = read("a.yaml", text.encode()) or [{}]
    assert same(found, wanted)
    assert canonical_yaml(found) == text


@settings(max_examples=600, deadline=None)
@given(OBJECTS, st.lists(VALUES, min_size=1, max_size=3), st.sampled_from(FORMS), st.randoms(use_true_random=False))
def test_an_edited_document_has_the_wanted_value_and_its_neighbours_every_byte(
    value: dict[str, Any], fresh: list[Any], form: str, dice: random.Random
) -> None:
    value = without_nulls(value)
    text = written(value, form)
    path = "a.json" if "json" in form else "a.yaml"
    if not readable(path, text, value):
        return
    wanted = mutated(value, dice, fresh)
    if not isinstance(wanted, dict):
        return
    if path == "a.json":
        result = edit_document(path, text.encode(), 0, wanted)
        assert same(read(path, result), [wanted])
        return
    before, behind = b"# first\none: 1 # kept\n---\n", b"---\n# third\r\nthree: {a: 'b'}"
    data = before + text.encode() + behind
    result = edit_document(path, data, 1, wanted)
    assert result.startswith(before)
    assert result.endswith(behind)
    assert same(read(path, result), [{"one": 1}, wanted, {"three": {"a": "b"}}])


BLOCK = """# about the file
spec:
  # about a
  a: one # first
  items: # all of them
  # about x
  - name: x
    size: 1
  # about y
  - name: "y"
    size: 2 # two
  flow: {p: 1, 'q': [1, 2]} # in brackets
  text: |
    line one
    line two
  # the end
other: 'kept' # other
"""
VALUE = read("a.yaml", BLOCK.encode())[0]
PLACES = (
    ("spec", "a"), ("spec", "items", 0, "name"), ("spec", "items", 1, "name"), ("spec", "items", 1, "size"),
    ("spec", "flow", "p"), ("spec", "flow", "q", 1), ("other",),
)  # fmt: skip


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def variants() -> st.SearchStrategy[tuple[str, str]]:
    """Line end, and what the file ends with."""
    return st.tuples(st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\n"]))


def file_of(text: str, form: tuple[str, str], mark: bool) -> bytes:
    line_end, ending = form
    return (b"\xef\xbb\xbf" if mark else b"") + (text.rstrip("\n") + ending).replace("\n", line_end).encode()


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(PLACES),
    SCALARS.filter(lambda new: not isinstance(new, str) or "\n" not in new),
    variants(),
    st.booleans(),
)
def test_another_scalar_changes_one_line(path: tuple[Any, ...], new: Any, form: tuple[str, str], mark: bool) -> None:
    wanted = copy.deepcopy(VALUE)
    at(wanted, path[:-1])[path[-1]] = new
    data = file_of(BLOCK, form, mark)
    old_lines = data.split(form[0].encode())
    lines = edit_document("a.yaml", data, 0, wanted).split(form[0].encode())
    assert len(lines) == len(old_lines)
    differing = [number for number, (one, other) in enumerate(zip(old_lines, lines, strict=True)) if one != other]
    assert len(differing) <= 1
    for number in differing:
        comment = old_lines[number].partition(b" #")[2]
        assert lines[number].endswith(comment)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([("spec",), ("spec", "items", 0), ("spec", "items", 1), ()]), VALUES, variants(), st.booleans())
def test_a_new_field_only_adds_lines(path: tuple[Any, ...], new: Any, form: tuple[str, str], mark: bool) -> None:
    wanted = copy.deepcopy(VALUE)
    at(wanted, path)["added"] = new
    data = file_of(BLOCK, form, mark)
    assert_subsequence(data.split(form[0].encode()), edit_document("a.yaml", data, 0, wanted).split(form[0].encode()))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2), VALUES, variants(), st.booleans())
def test_a_new_item_only_adds_lines(place: int, new: Any, form: tuple[str, str], mark: bool) -> None:
    wanted = copy.deepcopy(VALUE)
    wanted["spec"]["items"].insert(place, new)
    data = file_of(BLOCK, form, mark)
    assert_subsequence(data.split(form[0].encode()), edit_document("a.yaml", data, 0, wanted).split(form[0].encode()))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from([("spec", "a"), ("spec", "items", 1, "size"), ("spec", "flow"), ("spec", "text"), ("other",)]),
        unique=True, min_size=1,
    ),
    variants(),
    st.booleans(),
)  # fmt: skip
def test_removed_fields_take_only_their_own_lines_with_them(
    paths: list[tuple[Any, ...]], form: tuple[str, str], mark: bool
) -> None:
    wanted = copy.deepcopy(VALUE)
    for path in paths:
        del at(wanted, path[:-1])[path[-1]]
    data = file_of(BLOCK, form, mark)
    result = edit_document("a.yaml", data, 0, wanted)
    assert_subsequence(result.split(form[0].encode()), data.split(form[0].encode()))
    for comment in (b"# about the file", b"# about a", b"# about x", b"# about y", b"# the end"):
        assert comment in result


def assert_subsequence(part: list[bytes], whole: list[bytes]) -> None:
    rest = iter(whole)
    missing = [line for line in part if not any(line == other for other in rest)]
    assert missing == []


@settings(max_examples=200, deadline=None)
@given(st.lists(OBJECTS, min_size=2, max_size=4), st.data())
def test_a_document_that_is_removed_or_added_leaves_the_others_as_they_are(
    values: list[dict[str, Any]], data: st.DataObject
) -> None:
    texts = [canonical_yaml(value) for value in values]
    parsed = [read("a.yaml", text.encode()) for text in texts]
    if any(len(found) != 1 for found in parsed):
        return
    whole = "---\n".join(texts).encode()
    gone = data.draw(st.integers(0, len(values) - 1))
    result = remove_document("a.yaml", whole, gone)
    assert result is not None
    rest = [text for number, text in enumerate(texts) if number != gone]
    assert result.removeprefix(b"---\n") == "---\n".join(rest).encode()
    assert append_document("a.yaml", whole, values[0]) == whole + b"---\n" + texts[0].encode()


WORDS = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=5).filter(
    lambda word: word not in ("null", "true", "false", "yes", "no", "on", "off", "y", "n")
)
PLAIN = st.recursive(
    st.one_of(WORDS, st.integers(0, 99), st.booleans()),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=4), st.dictionaries(WORDS, inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)


def commented(text: str, dice: random.Random) -> tuple[str, list[str]]:
    """The text with comments and blank lines all over it, and the comments."""
    lines: list[str] = []
    comments: list[str] = []

    def comment() -> str:
        comments.append(f"# c{len(comments)}: - 'x")
        return comments[-1]

    for line in text.splitlines():
        if dice.random() < 0.2:
            lines.append(" " * dice.randrange(6) + comment())
        if dice.random() < 0.1:
            lines.append(" " * dice.randrange(3))
        lines.append(f"{line}  {comment()}" if dice.random() < 0.3 else line)
    lines.extend(comment() for _ in range(dice.randrange(2)))
    return "\n".join(lines) + "\n", comments


def grown(value: Any, dice: random.Random, fresh: Any) -> Any:
    """The value with a member or item added, or one scalar replaced by another."""
    value = copy.deepcopy(value)
    here = value
    while True:
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = dice.choice(keys)
        if not isinstance(here[key], (dict, list)):
            break
        here = here[key]
        if dice.random() < 0.3:
            break
    keys = list(here) if isinstance(here, dict) else list(range(len(here)))
    scalars = [key for key in keys if not isinstance(here[key], (dict, list))]
    if scalars and dice.random() < 0.5:
        here[dice.choice(scalars)] = "replaced"
    elif isinstance(here, dict):
        here["added"] = fresh
    else:
        here.insert(dice.randrange(len(here) + 1), fresh)
    return value


@settings(max_examples=500, deadline=None)
@given(st.dictionaries(WORDS, PLAIN, min_size=1, max_size=4), PLAIN, st.randoms(use_true_random=False))
def test_no_comment_is_lost_by_what_is_added_or_replaced(
    value: dict[str, Any], fresh: Any, dice: random.Random
) -> None:
    text, comments = commented(canonical_yaml(value), dice)
    assert same(read("a.yaml", text.encode()), [canonical_object(value)])
    wanted = grown(canonical_object(value), dice, fresh)
    result = edit_document("a.yaml", text.encode(), 0, wanted).decode()
    assert same(read("a.yaml", result.encode()), [wanted])
    assert [comment for comment in comments if comment not in result] == []
    kept = [line for line in text.splitlines() if line.strip()[:1] == "#"]
    assert [line for line in result.splitlines() if line.strip()[:1] == "#"] == kept
