"""What a workspace's ``MEMORY.md`` adds to the organization's."""

from __future__ import annotations

import pytest

from krate_gitops.brain.rules.generated import block_digest, check_generated_blocks
from krate_gitops.updates.imports.account import Account
from krate_gitops.updates.imports.entrypoint import NO_BASELINE, UNCHANGED, Proposal, propose
from krate_gitops.updates.imports.scrub import Scrub

BASE = "# Memory\n\nShared.\n\n## Tests\n\n- Run them.\n\n## Deploys\n\n- On Mondays.\n\n### Rollback\n\n- Ask first.\n"
OPENING = f"<!-- krate:generated name=open-lessons digest={block_digest('- A.')} -->\n"
BLOCK = f"{OPENING}- A.\n<!-- krate:end name=open-lessons -->\n"


def made(workspace: str, baseline: str | None = BASE) -> Proposal | str:
    return propose(workspace, None if baseline is None else baseline.encode(), Scrub(), Account())


def text(workspace: str, baseline: str = BASE) -> str:
    found = made(workspace, baseline)
    assert isinstance(found, Proposal)
    return found.text


def test_without_a_baseline_nothing_is_proposed() -> None:
    assert made("# Memory\n\n- New.\n", None) == NO_BASELINE


@pytest.mark.parametrize(
    "workspace", [BASE, BASE.rstrip(), BASE.replace("\n", "\r\n"), "# Memory\n\nShared.\n", "", "## Tests\n"]
)
def test_nothing_new_is_no_proposal(workspace: str) -> None:
    assert made(workspace) == UNCHANGED


def test_a_new_section_comes_behind_the_one_before_it() -> None:
    workspace = BASE.replace("## Deploys", "## Reviews\n\n- By two.\n\n## Deploys")
    assert text(workspace) == workspace


def test_a_changed_section_takes_the_place_of_the_old() -> None:
    workspace = BASE.replace("- Ask first.", "- Ask first.\n- Then tell everybody.")
    found = made(workspace)
    assert isinstance(found, Proposal)
    assert found.text == workspace
    assert (found.added, found.changed) == ((), ("Rollback",))


def test_nothing_is_ever_deleted() -> None:
    assert text("# Memory\n\n## Reviews\n\n- By two.\n") == BASE.replace(
        "## Tests", "## Reviews\n\n- By two.\n\n## Tests"
    )
    assert made(BASE.replace("- On Mondays.\n", "")) == UNCHANGED


def test_sections_of_one_name_are_told_apart() -> None:
    base = "## A\n\n- one\n\n## A\n\n- two\n"
    assert text("## A\n\n- one\n\n## A\n\n- two\n- three\n", base) == "## A\n\n- one\n\n## A\n\n- two\n- three\n"


def test_headings_in_code_are_code() -> None:
    base = "# M\n\n```\n# not a heading\n```\n"
    assert made(base, base) == UNCHANGED
    assert text(base.replace("heading", "heading!"), base) == base.replace("heading", "heading!")


@pytest.mark.parametrize(
    "workspace",
    [
        BASE.replace("- Run them.", "- Run them.\n- All."),
        BASE.replace("- Run them.\n", f"- Run them.\n- All.\n\n{BLOCK.replace('- A.', '- Forged.')}"),
        BASE.replace("- Run them.", "- Run them.\n- All.") + f"\n{BLOCK}",
        BASE.replace("- Run them.\n", f"- Run them.\n- All.\n\n{BLOCK}{BLOCK}"),
        BASE.replace("- Run them.", "- Run them.\n- All.") + "\n" + BLOCK.replace("open-lessons", "mine"),
    ],
)
def test_generated_blocks_stay_as_they_are(workspace: str) -> None:
    base = BASE.replace("- Run them.\n", f"- Run them.\n\n{BLOCK}")
    found = text(workspace, base)
    assert found.count(BLOCK) == 1
    assert "- All." in found
    assert "Forged" not in found
    assert "name=mine" not in found
    assert check_generated_blocks(found) == []


def test_a_block_with_headings_is_one_piece() -> None:
    inner = "## Lesson\n\n- A."
    block = f"<!-- krate:generated name=x digest={block_digest(inner)} -->\n{inner}\n<!-- krate:end name=x -->\n"
    base = f"# M\n\n{block}\n## Tests\n\n- Run.\n"
    assert made(base, base) == UNCHANGED
    found = text("# M\n\n## Lesson\n\n- Mine.\n\n## Tests\n\n- Run.\n", base)
    assert block in found
    assert "- Mine." in found


def test_what_was_there_before_is_not_rewritten_by_cleaning() -> None:
    base = "# M\n\n## Paths\n\n- Logs are in /var/log/app.\n"
    assert made(base, base) == UNCHANGED
    found = text(base + "\n## New\n\n- See /home/dana/x.\n", base)
    assert found == base + "\n## New\n\n- See [PATH].\n"


def test_a_file_that_is_no_text_is_no_baseline() -> None:
    assert propose("# M\n\n- a\n", b"# M\n\n\xff\n", Scrub(), Account()) == NO_BASELINE


def test_what_others_added_meanwhile_is_built_upon() -> None:
    now = BASE + "\n## Reviews\n\n- By two.\n"
    found = propose(BASE + "\n## Refunds\n\n- By time.\n", BASE.encode(), Scrub(), Account(), current=now.encode())
    assert isinstance(found, Proposal)
    assert found.base == now.encode()
    assert "- By two." in found.text
    assert "- By time." in found.text


def test_what_others_changed_in_the_same_section_is_for_the_merge_to_see() -> None:
    now = BASE.replace("- Run them.", "- Run all of them.")
    workspace = BASE.replace("- Run them.", "- Run them.\n- Twice.")
    found = propose(workspace, BASE.encode(), Scrub(), Account(), current=now.encode())
    assert isinstance(found, Proposal)
    assert (found.base, found.text) == (BASE.encode(), workspace)


def test_what_others_added_in_the_same_words_is_no_news() -> None:
    workspace = BASE + "\n## Refunds\n\n- By time.\n"
    assert propose(workspace, BASE.encode(), Scrub(), Account(), current=workspace.encode()) == UNCHANGED
