"""Edits of one file, by example: what people would have typed, and nothing else."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.brain.text import decode
from krate_gitops.errors import KrateError, UsageError
from krate_gitops.resources.edit.canonical import canonical_yaml
from krate_gitops.resources.edit.document import append_document, edit_document, remove_document
from krate_gitops.resources.edit.fields import assigned, parse_path, parse_value, pointer
from krate_gitops.resources.parse import parse_text, settle
from tests.proportion import assert_in_proportion

EXAMPLES = sorted((Path(__file__).parents[3] / "examples" / "config-repo").rglob("*.yaml"))
Edit = Callable[[dict[str, Any]], object]


def read(text: str, path: str = "a.yaml") -> list[Any]:
    return [settle(document.value) for document in parse_text(path, decode(text.encode()))]


def edited(text: str, edit: Edit, *, ordinal: int = 0, path: str = "a.yaml") -> str:
    wanted = copy.deepcopy(read(text, path)[ordinal])
    edit(wanted)
    return edit_document(path, text.encode(), ordinal, wanted).decode()


def put(*steps: Any) -> Edit:
    """Sets the last step at the path of the others; None removes."""
    *path, last, new = steps

    def edit(value: Any) -> None:
        for step in path:
            value = value[step]
        if new is None:
            del value[last]
        else:
            value[last] = new

    return edit


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ("a: 1 # one\nb: 2\n", put("a", 3), "a: 3 # one\nb: 2\n"),
        ("a: 'x'\n", put("a", "it's"), "a: 'it''s'\n"),
        ('a: "x"\n', put("a", "y\tz"), 'a: "y\\tz"\n'),
        ("a: x\n", put("a", "yes"), "a: 'yes'\n"),
        ("a: x\n", put("a", "1e3"), 'a: "1e3"\n'),
        ("a: 1\n", put("a", "1"), 'a: "1"\n'),
        ("a: x # c\nb: 1\n", put("a", "y\nz\n"), "a: | # c\n  y\n  z\nb: 1\n"),
        ("a: |\n  x\n  y\n\nb: 1\n", put("a", "x\nz\n"), "a: |\n  x\n  z\n\nb: 1\n"),
        ("a: |   # c\n     x\n     y\nb: 1\n", put("a", "x\nz\n"), "a: |   # c\n     x\n     z\nb: 1\n"),
        ("a: |-\n  x\nb: 1\n", put("a", "short"), "a: short\nb: 1\n"),
        ("a: 1\nb: 2\n", put("a", None), "b: 2\n"),
        ("a: 1\nb: 2\n", put("b", None), "a: 1\n"),
        ("a: 1\nb: 2", put("b", None), "a: 1"),
        ("a: 1\nb: 2", put("c", 3), "a: 1\nb: 2\nc: 3"),
        ("a:\n  b: 1\n", put("a", "b", None), "a: {}\n"),
        ("a: # c\n  b: 1\nd: 2\n", put("a", 5), "a: 5 # c\nd: 2\n"),
        ("a: {}\n", put("a", "b", [1]), "a:\n  b:\n    - 1\n"),
        ("a:\nb: 1\n", put("a", "x"), "a: x\nb: 1\n"),
        ("a: 1\nn: null\nm: ~\nb:\n", put("a", 2), "a: 2\nn: null\nm: ~\nb:\n"),
        ("l:\n- a\n- b # two\n- c\n", put("l", 1, None), "l:\n- a\n- c\n"),
        ("l:\n  # first\n  - a\n", lambda v: v["l"].insert(0, "z"), "l:\n  - z\n  # first\n  - a\n"),
        ("l:\n- a\n", lambda v: v["l"].append({"x": 1, "y": [2]}), "l:\n- a\n- x: 1\n  y:\n    - 2\n"),
        ("l:\n- x: 1\n  y: 2\n", put("l", 0, "x", None), "l:\n- y: 2\n"),
        ("l:\n- x: 1 # c\n  # about y\n  y: 2\n", put("l", 0, "x", None), "l:\n- \n  # about y\n  y: 2\n"),
        ("l:\n- - a\n  - b\n", put("l", 0, 0, None), "l:\n- - b\n"),
        ("f: {a: 1, 'b': [x, y]} # c\n", put("f", "b", 0, None), "f: {a: 1, 'b': [y]} # c\n"),
        ("f: {a: 1, b: 2}\n", put("f", "b", None), "f: {a: 1}\n"),
        ("f: {a: 1, b: 2}\n", put("f", "a", None), "f: {b: 2}\n"),
        ("f: {a: 1}\n", put("f", "b", {"c": "d, e"}), "f: {a: 1, b: {c: 'd, e'}}\n"),
        ("f: [\n  a,\n  b,\n]\n", lambda v: v["f"].insert(2, "c"), "f: [\n  a,\n  b,\n  c,\n]\n"),
        ("f: []\n", lambda v: v["f"].append("a"), "f:\n  - a\n"),
        ("x: &n {a: 1}\ny: *n\n", put("y", "a", 2), "x: &n {a: 1}\ny:\n  a: 2\n"),
        ("? a\n: 1\n? b\n: 2\n", put("a", 3), "a: 3\nb: 2\n"),
        ('{"a": 1}', put("a", 2), '{"a": 2}'),
    ],
)  # fmt: skip
def test_an_edit_looks_as_if_somebody_had_typed_it(text: str, edit: Edit, expected: str) -> None:
    assert edited(text, edit) == expected


@pytest.mark.parametrize(
    ("text", "edit", "expected"),
    [
        ('{"a": 1, "b": [1, 2]}\n', put("b", 0, None), '{"a": 1, "b": [2]}\n'),
        ('{\n\t"a": 1\n}', put("b", {"c": [1]}), '{\n\t"a": 1,\n\t"b": {\n\t\t"c": [\n\t\t\t1\n\t\t]\n\t}\n}'),
        ('{\n  "a": {\n    "x": "é"\n  }\n}\n', put("a", "x", "\u202e"), '{\n  "a": {\n    "x": "\\u202e"\n  }\n}\n'),
        ('{"a":1}', put("a", None), "{}"),
    ],
)
def test_json_files_keep_their_form_too(text: str, edit: Edit, expected: str) -> None:
    assert edited(text, edit, path="a.json") == expected


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from leaves(item, (*path, key))
        if not isinstance(item, (dict, list)):
            yield (*path, key)


@pytest.mark.parametrize("file", EXAMPLES, ids=[file.stem for file in EXAMPLES])
def test_in_the_example_every_scalar_is_changed_in_its_line_and_back(file: Path) -> None:
    data = file.read_bytes()
    lines = data.split(b"\n")
    changed = 0
    for ordinal, value in enumerate(read(data.decode())):
        for *path, last in leaves(value):
            wanted = copy.deepcopy(value)
            here = wanted
            for step in path:
                here = here[step]
            was, here[last] = here[last], "another: one"
            result = edit_document("a.yaml", data, ordinal, wanted)
            if not isinstance(was, str) or "\n" not in was:
                after = result.split(b"\n")
                assert len(after) == len(lines)
                assert sum(one != other for one, other in zip(after, lines, strict=True)) == 1
                assert edit_document("a.yaml", result, ordinal, value).count(b"\n") == data.count(b"\n")
            changed += 1
    assert changed


def test_a_long_key_has_its_colon_on_its_line() -> None:
    key = "a" * 300
    text = edited("m: {}\nn: 1\n", put("m", key, "x"))
    assert text == f"m:\n  {key}: x\nn: 1\n"
    assert edited(text, put("m", key, "y")) == f"m:\n  {key}: y\nn: 1\n"


def test_line_ends_the_byte_order_mark_and_neighbours_stay() -> None:
    data = b"\xef\xbb\xbf# top\r\na: 1\r\n---\r\nb: |\r\n  x\r\n---\n# odd\nc:   'z'"
    result = edit_document("a.yaml", data, 1, {"b": "y\nz\n", "n": [1]})
    assert result == (b"\xef\xbb\xbf# top\r\na: 1\r\n---\r\nb: |\r\n  y\r\n  z\r\nn:\r\n  - 1\r\n---\n# odd\nc:   'z'")


def test_documents_are_cut_out_with_their_marker_and_the_head_of_the_file_stays() -> None:
    text = "# modeline\na: 1\n---\n# two\nb: 2\n---\nc: 3\n"
    assert remove_document("a.yaml", text.encode(), 0) == b"# modeline\n---\n# two\nb: 2\n---\nc: 3\n"
    assert remove_document("a.yaml", text.encode(), 1) == b"# modeline\na: 1\n---\nc: 3\n"
    assert remove_document("a.yaml", text.encode(), 2) == b"# modeline\na: 1\n---\n# two\nb: 2\n"
    assert remove_document("a.yaml", b"a: 1\n", 0) is None
    assert append_document("a.yaml", b"a: 1", {"b": 2}) == b"a: 1\n---\nb: 2\n"
    assert append_document("a.yaml", b"# only\n", {"b": 2}) == b"# only\n---\nb: 2\n"


@pytest.mark.parametrize("data", [b"a: [", b"\xff", b"a: !!x 1\n", b"<<: {a: 1}\n"])
def test_a_file_that_can_not_be_read_is_not_edited(data: bytes) -> None:
    with pytest.raises(KrateError) as caught:
        edit_document("a.yaml", data, 0, {"a": 1})
    assert caught.value.code == "CONFIG_NOT_EDITABLE"


def test_the_canonical_form_has_its_order_and_nothing_of_a_server() -> None:
    value = {
        "status": {"phase": "Ready"},
        "spec": {"b": "1", "a": [{"x": "y\nz\n"}, []]},
        "metadata": {
            "labels": {"l": "on"}, "uid": "u", "name": "n", "managedFields": [{}], "generation": 3,
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"},
        },
        "kind": "K",
        "apiVersion": "v1",
    }  # fmt: skip
    assert canonical_yaml(value) == (
        "apiVersion: v1\nkind: K\nmetadata:\n  name: n\n  labels:\n    l: 'on'\n"
        'spec:\n  b: "1"\n  a:\n    - x: |\n        y\n        z\n    - []\n'
    )


@pytest.mark.parametrize(
    "value", [{"a": "\0"}, {"a": "\ud800"}, {1: 2}, {"a": object()}, {"a": b"x"}, {"a": 2**60}, {"\ud800": 1}]
)
def test_what_no_file_can_hold_is_refused(value: dict[Any, Any]) -> None:
    with pytest.raises(KrateError):
        edit_document("a.yaml", b"a: 1\n", 0, value)


def test_depth_is_bounded() -> None:
    value: Any = 1
    for _ in range(5000):
        value = {"a": value}
    with pytest.raises(UsageError, match="deeper"):
        edit_document("a.yaml", b"a: 1\n", 0, value)


def test_work_grows_with_the_file_and_no_faster() -> None:
    def edit(size: int) -> None:
        text = "l:\n" + "".join(f"  - name: n{number}\n    size: {number}\n" for number in range(size))
        data = text.encode()
        edit_document(
            "a.yaml", data, 0, {"l": [{"name": f"n{number}", "size": number} for number in range(size)] + [{}]}
        )

    assert_in_proportion(edit, 400)


# Fields


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        ("baseAgent", ("spec", "baseAgent")),
        ("spec.a.b", ("spec", "a", "b")),
        ("metadata.labels.x", ("metadata", "labels", "x")),
        ('metadata.annotations["a.b/c"]', ("metadata", "annotations", "a.b/c")),
        ("a[0].b", ("spec", "a", 0, "b")),
        ("a['x y'][12]", ("spec", "a", "x y", 12)),
    ],
)
def test_paths_of_fields(text: str, steps: tuple[Any, ...]) -> None:
    assert parse_path(text) == steps
    assert parse_path(pointer(steps)) == steps


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5), ("1.50", 1.5), ("true", True), ("True", "True"), ("null", None), ("yes", "yes"), ("x: y", "x: y"),
        ("a: 1\nb: 2", "a: 1\nb: 2"), ("[1, x]", [1, "x"]), ("{a: 1}", {"a": 1}), ('"5"', "5"), ("'x'", "x"), ("", ""),
        ("a #b", "a #b"), ("*a", "*a"), ("&a b", "&a b"), ("!!int 5", "!!int 5"), ("- a", "- a"), ("007", 7),
        ("1e400", float("inf")), ("---", "---"), ("{{ x }}x", UsageError), ("[", UsageError), ("'", UsageError),
        ("[a]\n---\nb", UsageError), ("{a: 1, a: 2}", UsageError),
    ],
)  # fmt: skip
def test_values_as_they_are_typed(text: str, value: Any) -> None:
    if value is UsageError:
        with pytest.raises(UsageError):
            parse_value(text)
    else:
        assert repr(parse_value(text)) == repr(value)


def test_fields_are_set_in_a_copy() -> None:
    value = {"spec": {"l": [1, {"a": 2}]}}
    assert assigned(value, ("spec", "l", 1, "a"), 3) == {"spec": {"l": [1, {"a": 3}]}}
    assert assigned(value, ("spec", "m", "n"), 1)["spec"]["m"] == {"n": 1}
    assert assigned(value, ("spec", "k", 0), 1)["spec"]["k"] == [1]
    assert assigned(value, ("spec", "l", 0), None) == {"spec": {"l": [{"a": 2}]}}
    assert assigned(value, ("spec", "x", "y"), None) == value
    assert value == {"spec": {"l": [1, {"a": 2}]}}
    for steps in (("spec", "l", 5), ("spec", "l", "a"), ("spec", 0), ("spec", "l", 0, "a")):
        with pytest.raises(UsageError, match="no field"):
            assigned(value, steps, 1)


def test_a_text_of_several_lines_goes_behind_the_last_line_of_a_file_without_a_line_end() -> None:
    made = edit_document("a.yaml", b"# about\na: 1  # one\nb: 2", 0, {"a": 1, "b": 2, "c": "x\ny\n"})
    assert made == b"# about\na: 1  # one\nb: 2\nc: |\n  x\n  y\n"


def test_the_last_two_members_of_a_file_without_a_line_end_go_and_no_comment_with_them() -> None:
    made = edit_document("a.yaml", b"# about\na: 1  # one\nb: 2\nc: 3", 0, {"a": 1})
    assert made.startswith(b"# about\na: 1  # one")
