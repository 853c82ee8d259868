"""Which repository, branch and folder a source or an argument means."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.reconcile.writer.target import read_source, target_of_repository
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder, git

SOURCE = """apiVersion: krate.a5c.ai/v1alpha1
kind: GitOpsSource
metadata: {name: acme-config, namespace: krate-org-acme}
spec:
  organizationRef: acme
  source: {repoURL: "https://git.acme.example/config.git", targetRevision: trunk, path: orgs/acme/}
  allowedKinds: [AgentStack]
  writePolicy: {mode: direct, branchPrefix: changes/, reviewers: [dana]}
"""


def _file(folder: Path, text: str) -> Path:
    file = folder / "source.yaml"
    file.write_text(text)
    return file


def test_a_source_document_says_everything(tmp_path: Path) -> None:
    target = read_source(_file(tmp_path, SOURCE), organization="local")
    assert (target.name, target.uid, target.owner) == ("acme-config", "krate-org-acme/acme-config", "acme")
    assert (target.location, target.branch, target.path) == (
        "https://git.acme.example/config.git",
        "trunk",
        "orgs/acme",
    )
    assert (target.write_mode, target.branch_prefix, target.reviewers) == ("direct", "changes/", ("dana",))
    assert (target.allowed_kinds, target.any_mode) == (("AgentStack",), False)
    assert read_source(_file(tmp_path, SOURCE), organization="acme", location="/x").location == "/x"


def test_a_source_of_another_organization_is_not_written_to(tmp_path: Path) -> None:
    with pytest.raises(DeniedError) as caught:
        read_source(_file(tmp_path, SOURCE), organization="other")
    assert caught.value.code == "CROSS_ORG_REF_DENIED"
    assert "acme" not in caught.value.message


@pytest.mark.parametrize(
    "text",
    [
        "", "a: 1\n", SOURCE + "---\n" + SOURCE.replace("acme-config", "second"), "a: [\n",
        SOURCE.replace("https://git", "https://user:pass@git"),
        SOURCE.replace("targetRevision: trunk", "targetRevision: refs/tags/v1"),
        SOURCE.replace("path: orgs", "path: ../orgs"), SOURCE.replace("mode: direct", "mode: force"),
    ],
)  # fmt: skip
def test_what_is_no_single_sound_source_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_source(_file(tmp_path, text), organization="local")
    assert "pass" not in caught.value.message


def test_of_several_sources_the_organization_chooses(tmp_path: Path) -> None:
    other = SOURCE.replace("acme", "other")
    target = read_source(_file(tmp_path, f"{SOURCE}---\n{other}"), organization="other")
    assert target.name == "other-config"


def test_a_folder_in_a_checkout_is_that_folder_of_the_whole(tmp_path: Path, home: Path) -> None:
    repo = RepoBuilder(tmp_path / "c.git", default_branch="trunk")
    repo.commit({"orgs/acme/a.yaml": "a: 1\n"}, branch="trunk")
    git(None, "clone", "-q", str(repo.path), str(tmp_path / "co"))
    settings = Settings(home=home)

    def target(spec: str, path: str) -> tuple[str, str, str]:
        found = target_of_repository(
            str(tmp_path / spec), organization="acme", path=path, branch=None, settings=settings
        )
        return found.path, found.branch, found.uid

    assert target("co", "orgs/acme")[:2] == ("orgs/acme", "trunk")
    assert target("co/orgs", "acme") == target("co", "orgs/acme")
    assert target("c.git", "orgs/acme")[:2] == ("orgs/acme", "trunk")
    with pytest.raises(UsageError):
        target("co", "../x")
