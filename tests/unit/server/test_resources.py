from __future__ import annotations

from typing import Any

import pytest

from krate_gitops.errors import UsageError
from krate_gitops.server.mcp import resources
from krate_gitops.server.mcp.resources import Page, list_page
from tests.unit.server.brain import Served


def page(served: Served, cursor: str | None = None) -> Page:
    return served.index.submit(lambda opened: list_page(opened, served.pin, cursor)).result(30)


def test_records_and_documents_are_listed_once(owner: Served) -> None:
    names = [item.name for item in page(owner).items]
    assert {"runbook:refunds", "service:pay", "notes/long.md", "notes/naïve file.md"} <= set(names)
    assert "runbooks/refunds.md" not in names
    assert len(names) == len(set(names))


def test_everything_listed_can_be_read(owner: Served) -> None:
    for item in page(owner).items:
        assert owner.code("memory_record_read", path=item.uri) == "ok"


def test_only_what_may_be_read_is_listed(guest: Served) -> None:
    names = {item.name for item in page(guest).items}
    assert "runbook:refunds" in names
    assert not names & {"customer:acme", "notes/legal/secret-plan.md", "team:money"}


def test_a_list_comes_in_pages_and_ends(owner: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = page(owner).items
    monkeypatch.setattr(resources, "PAGE", 4)
    found: list[Any] = []
    cursor: str | None = None
    while True:
        part = page(owner, cursor)
        assert len(part.items) <= 4
        found += part.items
        cursor = part.next_cursor
        if cursor is None:
            break
    assert found == whole
    monkeypatch.setattr(resources, "MOST_LISTED", 5)
    assert len(page(owner).items) == 4
    assert len(page(owner, page(owner).next_cursor).items) == 1


@pytest.mark.parametrize("cursor", ["", "x", "YXQ6", "YXQ6LTE=", "YXQ6OTk5OTk5", "é", "bm90OjE="])
def test_a_cursor_that_was_not_given_out_is_refused(owner: Served, cursor: str) -> None:
    with pytest.raises(UsageError):
        page(owner, cursor)
