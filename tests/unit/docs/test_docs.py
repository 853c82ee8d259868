from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).parents[3]
PAGES = sorted([*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)#\s]+)")


def test_the_reference_is_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, TOP / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(TOP)) for page in PAGES])
def test_links_lead_to_files_that_are_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    broken = [link for link in _LINK.findall(prose) if not (page.parent / link).exists()]
    assert broken == []


def test_make_lists_every_target_that_it_has() -> None:
    makefile = (TOP / "Makefile").read_text(encoding="utf-8")
    [phony] = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    listed = subprocess.run(["make", "-C", TOP], capture_output=True, text=True, check=True).stdout
    for target in phony.split():
        assert re.search(rf"^  make {target} ", listed, flags=re.MULTILINE), target
