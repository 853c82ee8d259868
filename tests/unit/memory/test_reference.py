"""The forms in which a snapshot is named, and what is none of them."""

from __future__ import annotations

import pytest

from krate_gitops.memory.reference import ForeignReferenceError, snapshot_reference

NAME = "ams-0123456789ab"
FORMS = [
    "{org}/{name}",
    "{org}:{name}",
    "krate-org-{org}/{name}",
    "orgs/{org}/{name}",
    "/orgs/{org}/agents/memory/snapshots/{name}",
    "/api/orgs/{org}/agents/memory/snapshots/{name}",
    "https://krate.example:8443/orgs/{org}/agents/memory/snapshots/{name}",
]


def test_a_bare_name_is_looked_up_at_home() -> None:
    assert snapshot_reference(NAME, "acme") == NAME


@pytest.mark.parametrize("form", FORMS)
def test_every_form_means_the_own_organisation_or_is_refused_without_a_word_of_it(form: str) -> None:
    assert snapshot_reference(form.format(org="acme", name=NAME), "acme") == NAME
    with pytest.raises(ForeignReferenceError) as caught:
        snapshot_reference(form.format(org="other", name=NAME), "acme")
    assert NAME not in caught.value.message
    assert "other" not in caught.value.message


@pytest.mark.parametrize(
    "text", ["", "told.json", "main", "ams-0123", f"{NAME}.json", f"orgs/other/{NAME}.json", f"https://orgs/x/{NAME}/y"]
)
def test_other_texts_are_none(text: str) -> None:
    assert snapshot_reference(text, "acme") is None
