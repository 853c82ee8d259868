from __future__ import annotations

import re
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PAGE = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")
GUARDS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)))
FOLDERS = sorted(set(re.findall(r"`(krate_gitops/\w+)`", PAGE)))


@pytest.mark.parametrize(("file", "name"), GUARDS)
def test_a_test_that_is_said_to_guard_an_invariant_exists(file: str, name: str) -> None:
    assert re.search(rf"^def {name}\(", (TOP / file).read_text(encoding="utf-8"), flags=re.MULTILINE)


def test_every_folder_of_the_package_is_on_the_map() -> None:
    present = sorted(f"krate_gitops/{path.parent.name}" for path in (TOP / "krate_gitops").glob("*/__init__.py"))
    assert present == FOLDERS


def test_every_decision_is_listed_once() -> None:
    folder = TOP / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(path.name for path in folder.glob("[0-9]*.md"))
