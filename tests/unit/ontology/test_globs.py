"""Path globs, by table and against a naive matcher."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.globs import compile_globs
from tests.proportion import assert_in_proportion

TABLE = [
    ("**", "a", True),
    ("**", "a/b/c.md", True),
    ("a/**", "a", False),
    ("a/**", "a/b", True),
    ("a/**", "a/b/c", True),
    ("a/**", "ab/c", False),
    ("**/x", "x", True),
    ("**/x", "a/b/x", True),
    ("**/x", "a/x/b", False),
    ("a/**/b", "a/b", True),
    ("a/**/b", "a/c/d/b", True),
    ("a/**/b/**/c", "a/x/b/c/b/y/c", True),
    ("a/**/b/**/c", "a/x/c", False),
    ("**/**", "a", True),
    ("a/**/**", "a", False),
    ("a/*", "a/b", True),
    ("a/*", "a/b/c", False),
    ("a/*", "a/.hidden", True),
    ("*.md", "README.md", True),
    ("*.md", "docs/README.md", False),
    ("a*b*c", "aXbYbc", True),
    ("a*b*c", "aXcYb", False),
    ("a**c", "abbc", True),
    ("a**c", "ab/bc", False),
    ("run-??.yaml", "run-01.yaml", True),
    ("run-??.yaml", "run-1.yaml", False),
    ("a?b", "a/b", False),
    ("?", "é", True),
    ("[ab].md", "a.md", False),
    ("[ab].md", "[ab].md", True),
    ("{a,b}.md", "a.md", False),
    ("a.md", "axmd", False),
    ("Runbooks/**", "runbooks/a", False),
    ("babysitter/runs/*/run.yaml", "babysitter/runs/01/run.yaml", True),
    ("babysitter/runs/*/run.yaml", "babysitter/runs/01/02/run.yaml", False),
    ("a/*/**", "a/b", False),
    ("a/*/**", "a/b/c", True),
    ("*\n", "a\n", True),
    ("!a", "a", False),
]


@pytest.mark.parametrize(("pattern", "path", "expected"), TABLE)
def test_a_pattern_matches_as_the_table_says(pattern: str, path: str, expected: bool) -> None:
    assert compile_globs((pattern,))(path) is expected


def test_no_pattern_matches_nothing() -> None:
    assert not compile_globs(())("a")


def test_a_list_matches_when_any_pattern_does() -> None:
    matches = compile_globs(["README.md", "runbooks/**", "*/x?.md"])
    assert [matches(path) for path in ("README.md", "runbooks/a", "a/x1.md", "a/b/x1.md")] == [True, True, True, False]


def test_compiled_lists_are_reused() -> None:
    assert compile_globs(["a/*"]) is compile_globs(("a/*",))


@pytest.mark.parametrize("pattern", ["*a" * 200 + "b", "**/a/" * 200 + "b", "**/*a*/" * 50 + "b"])
@pytest.mark.parametrize(("piece", "end"), [("a", ""), ("a/", "c")])
def test_a_path_costs_a_hostile_pattern_no_more_than_its_length(pattern: str, piece: str, end: str) -> None:
    matches = compile_globs((pattern,))
    assert not matches(piece * 2_000 + end)
    assert_in_proportion(lambda count: matches(piece * count + end), 250)


def naive(pattern: list[str], path: list[str]) -> bool:
    """Segment by segment, trying everything."""
    if not pattern:
        return not path
    if pattern[0] == "**":
        least = 1 if len(pattern) == 1 else 0
        return any(naive(pattern[1:], path[taken:]) for taken in range(least, len(path) + 1))
    return bool(path) and segment(pattern[0], path[0]) and naive(pattern[1:], path[1:])


def segment(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(segment(pattern[1:], text[taken:]) for taken in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and segment(pattern[1:], text[1:])


SEGMENTS = st.one_of(st.just("**"), st.text(alphabet="ab*?.[", min_size=1, max_size=5))
PATHS = st.lists(st.text(alphabet="ab.[", min_size=1, max_size=4), min_size=1, max_size=5)


@given(st.lists(st.lists(SEGMENTS, min_size=1, max_size=5), max_size=3), PATHS)
def test_lists_of_patterns_agree_with_a_naive_matcher(patterns: list[list[str]], path: list[str]) -> None:
    expected = any(naive(pattern, path) for pattern in patterns)
    assert compile_globs(["/".join(pattern) for pattern in patterns])("/".join(path)) is expected
