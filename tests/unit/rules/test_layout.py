"""Rules about paths: what must be there, what may not be, and what clashes."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.layout import EXPECTED_ENTRIES, REQUIRED_ENTRIES, classify
from krate_gitops.brain.model import FileClass, Severity
from krate_gitops.brain.rules.collisions import check_collisions, colliding, fold, spellings
from krate_gitops.brain.rules.layout import check_entries, check_path, path_problem, tree_problem

FILE, EXECUTABLE, SYMLINK, SUBMODULE = 0o100644, 0o100755, 0o120000, 0o160000
ALL = frozenset((*REQUIRED_ENTRIES, *EXPECTED_ENTRIES))


def entries(present: frozenset[str], *, outside: bool = False) -> list[tuple[str, Severity | None]]:
    found = check_entries(present.__contains__, root=".company-brain", root_present=True, outside=outside)
    assert all(finding.code == "KB010" and finding.message == f"{path} not found" for path, finding in found)
    return [(path, finding.severity) for path, finding in found]


def test_a_brain_with_all_entries_is_fine() -> None:
    assert entries(ALL) == []


@pytest.mark.parametrize("path", REQUIRED_ENTRIES)
def test_a_missing_kind_file_is_an_error(path: str) -> None:
    assert entries(ALL - {path}) == [(path, Severity.ERROR)]


@pytest.mark.parametrize("path", EXPECTED_ENTRIES)
def test_another_missing_entry_is_a_warning(path: str) -> None:
    assert entries(ALL - {path}) == [(path, Severity.WARNING)]


def test_an_ontology_kept_outside_is_not_missed_inside() -> None:
    assert [path for path, _ in entries(frozenset(), outside=True)] == ["README.md", "babysitter/MEMORY.md"]


def test_a_missing_root_is_one_error() -> None:
    [(path, finding)] = check_entries(ALL.__contains__, root=".company-brain", root_present=False)
    assert (path, finding.code, finding.severity) == ("", "KB010", None)
    assert finding.message == "the memory root .company-brain does not exist"


def path_codes(path: str, mode: int = FILE) -> list[str]:
    return [finding.code for finding in check_path(path, mode, classify(path))]


@pytest.mark.parametrize(
    ("path", "mode", "expected"),
    [
        ("runbooks/a.md", FILE, []),
        ("runbooks/a.md", EXECUTABLE, []),
        ("notes/überblick 2026.md", FILE, []),
        ("graph/.gitkeep", FILE, []),
        ("graph/dump.csv", FILE, ["KB012"]),
        ("pages/x.md", SYMLINK, ["KB013"]),
        ("graph/vendor", SUBMODULE, ["KB013"]),
        ("pages/../x.md", FILE, ["KB013"]),
        ("notes/a\nb.md", FILE, ["KB013"]),
        ("notes/kubeconfig-prod.md", FILE, ["KB064"]),
        ("notes/ID_RSA.md", FILE, ["KB064"]),
        ("keys/server.pem", FILE, ["KB064", "KB012"]),
        ("keys/server.KEY", FILE, ["KB064", "KB012"]),
        (".env.production", FILE, ["KB064", "KB012"]),
        ("store.p12", FILE, ["KB064", "KB012"]),
        ("notes/environment.md", FILE, []),
        ("notes/keys.md", FILE, []),
        ("babysitter/runs/r1/run.yaml", FILE, []),
        ("babysitter/runs/r1/journal/000001.yaml", FILE, []),
        ("babysitter/runs/r1/tasks/t1.log", FILE, ["KB012", "KB093"]),
        ("babysitter/runs/README.md", FILE, []),
    ],
)
def test_a_path_says_enough(path: str, mode: int, expected: list[str]) -> None:
    assert path_codes(path, mode) == expected


def test_a_file_the_brain_ignores_is_neither_unclassified_nor_an_artifact() -> None:
    assert check_path("babysitter/runs/r1/raw.log", FILE, FileClass.IGNORED) == []


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/etc/passwd", "is absolute"),
        ("a/../b", 'holds the component ".."'),
        ("../b", 'holds the component ".."'),
        ("a/./b", 'holds the component "."'),
        ("a//b", 'holds the component ""'),
        ("a/", 'holds the component ""'),
        ("", 'holds the component ""'),
        ("a\\b", "holds a backslash"),
        ("a\x1b[2Jb", "holds the control character U+001B"),
        ("a\u202eb", "holds the control character U+202E"),
        ("a\udcff", "is not UTF-8"),
        ("a./b", "holds a component that ends in a dot or space"),
        ("a /b", "holds a component that ends in a dot or space"),
        ("a/b.", "holds a component that ends in a dot or space"),
        (".hidden/..a/a.b", ""),
        ("a b/c d.md", ""),
    ],
)
def test_a_path_names_one_place_on_every_machine(path: str, reason: str) -> None:
    assert path_problem(path) == reason


def test_messages_show_hostile_paths_harmlessly() -> None:
    [finding] = check_path("notes/a\x1b[2J\udcff.md", FILE, FileClass.NOTE)
    assert finding.message == "the path notes/a\\x1b[2J\\udcff.md holds the control character U+001B"
    assert tree_problem("a", "is there twice").message == "the path a is there twice"


# Collisions


def collisions(*paths: str) -> list[tuple[str, str]]:
    found = check_collisions(paths)
    assert all(finding.code == "KB014" for _, finding in found)
    return [(path, finding.message) for path, finding in found]


def test_paths_that_differ_in_more_than_case_are_fine() -> None:
    assert collisions("notes/a.md", "notes/b.md", "runbooks/a.md", "notes/straße.md", "notes/strase.md") == []


def test_files_that_differ_in_case_collide() -> None:
    assert collisions("notes/A.md", "notes/a.md", "notes/b.md") == [
        ("notes/A.md", "notes/A.md collides with notes/a.md"),
        ("notes/a.md", "notes/a.md collides with notes/A.md"),
    ]


def test_folders_that_differ_in_case_collide_once_each() -> None:
    assert collisions("Runbooks/a.md", "Runbooks/b.md", "runbooks/a.md", "runbooks/c.md") == [
        ("Runbooks/a.md", "Runbooks/ collides with runbooks/"),
        ("runbooks/a.md", "runbooks/ collides with Runbooks/"),
    ]


def test_a_file_and_a_folder_collide() -> None:
    assert collisions("graph/Core", "graph/core/a.yaml") == [
        ("graph/Core", "graph/Core collides with graph/core/"),
        ("graph/core/a.yaml", "graph/core/ collides with graph/Core"),
    ]


def test_two_unicode_forms_of_one_name_collide() -> None:
    composed, decomposed = "notes/caf\u00e9.md", "notes/cafe\u0301.md"
    assert collisions(composed, decomposed) == [
        (decomposed, "notes/cafe\\u0301.md collides with notes/caf\u00e9.md"),
        (composed, "notes/caf\u00e9.md collides with notes/cafe\\u0301.md"),
    ]


def test_capital_sharp_s_and_dotted_i_fold() -> None:
    assert fold("STRA\u1e9eE") == fold("strasse")
    assert fold("\u0130") == fold("i\u0307")


def test_parts_of_a_brain_are_compared_by_their_keys() -> None:
    parts = [spellings(["notes/A.md", "runbooks/x.md"]), spellings(["notes/a.md", "runbooks/y.md"])]
    folds = colliding(parts)
    paths = ["notes/A.md", "notes/a.md", "runbooks/x.md", "runbooks/y.md"]
    assert check_collisions(paths, folds) == check_collisions(paths)
    assert len(folds) == 1
    assert colliding(parts[:1]) == frozenset()
    assert colliding([]) == frozenset()


names = st.lists(st.text("aAbBéE\u0301ß", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join)


@given(st.lists(names, max_size=12), st.integers(0, 12))
def test_comparing_parts_finds_what_comparing_everything_finds(paths: list[str], cut: int) -> None:
    whole = check_collisions(paths)
    assert check_collisions(paths, colliding([spellings(paths[:cut]), spellings(paths[cut:])])) == whole
    folded = {unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold()) for path in set(paths)}
    if len(folded) < len(set(paths)):
        assert whole
