"""Every command that the documentation shows with its output is run as a reader would run it."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from krate_gitops.demo.world import build_world
from tests.docs.console import agrees, examples, run_all

TOP = Path(__file__).parents[2]
PAGES = [
    page
    for page in sorted([TOP / "README.md", *(TOP / "docs").glob("*.md")])
    if examples(page.read_text(encoding="utf-8"))
]
MAKES_ITS_OWN_WORLD = ("README.md", "getting-started.md")
"""Pages that begin in an empty folder; all others are read in the folder that ``krate-gitops demo world`` makes."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_world(tmp_path_factory.mktemp("docs") / "world").folder


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(TOP)) for page in PAGES])
def test_commands_print_what_the_page_shows(page: Path, world: Path, tmp_path: Path) -> None:
    folder = tmp_path / "here"
    environment = _environment(tmp_path)
    if page.name in MAKES_ITS_OWN_WORLD:
        folder.mkdir()
    else:
        shutil.copytree(world, folder)
        environment["KRATE_CONFIG"] = str(folder / "config.toml")
    shown = examples(page.read_text(encoding="utf-8"))
    ran = run_all([example.command for example in shown], folder, environment)
    assert len(ran) == len(shown)
    for at, (example, result) in enumerate(zip(shown, ran, strict=True)):
        assert agrees(example.output, result.output), f"$ {example.command}\n{result.output}"
        told = at + 1 < len(shown) and shown[at + 1].command == "echo $?"
        assert result.code == 0 or told, f"$ {example.command} ended with {result.code}\n{result.output}"


def _environment(folder: Path) -> dict[str, str]:
    """The reader's shell: the program on the path, and nobody's settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KRATE_", "GIT_", "XDG_"))}
    return kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder / "user"),
        "EXAMPLES": str(TOP / "examples"),
        "NO_COLOR": "1",
        "GIT_AUTHOR_NAME": "A Reader",
        "GIT_AUTHOR_EMAIL": "reader@acme.example",
        "GIT_COMMITTER_NAME": "A Reader",
        "GIT_COMMITTER_EMAIL": "reader@acme.example",
    }


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(TOP)) for page in PAGES])
def test_no_page_holds_what_a_merge_could_not_decide(page: Path) -> None:
    assert re.search(r"^(?:<{7}|={7}|>{7})(?: |$)", page.read_text(encoding="utf-8"), flags=re.MULTILINE) is None
