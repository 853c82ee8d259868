"""Which forge a repository has, and where its token comes from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import UsageError
from krate_gitops.updates.forges.choose import ForgeChoice, ForgeKind, choose_forge, find_token, open_forge
from krate_gitops.updates.forges.client import Token
from krate_gitops.updates.forges.forgejo import ForgejoForge
from krate_gitops.updates.forges.github import GitHubForge
from krate_gitops.updates.forges.gitlab import GitLabForge

LOCAL = ForgeChoice(kind=ForgeKind.LOCAL)


def remote(kind: ForgeKind, api: str, repository: str = "acme/brain") -> ForgeChoice:
    return ForgeChoice(kind=kind, api=api, repository=repository)


@pytest.mark.parametrize(
    ("given", "choice"),
    [
        ({"location": "/srv/brain.git"}, LOCAL),
        ({"location": "brain"}, LOCAL),
        ({"location": "file:///srv/brain.git"}, LOCAL),
        ({"location": "https://git.acme.example/acme/brain.git"}, LOCAL),
        ({"location": "https://github.com/acme/brain", "provider": "git"}, LOCAL),
        ({"location": "https://github.com/acme/brain", "forge": "local", "provider": "github"}, LOCAL),
        ({"location": "https://github.com/acme/brain.git"}, remote(ForgeKind.GITHUB, "https://api.github.com")),
        ({"location": "git@github.com:acme/brain.git"}, remote(ForgeKind.GITHUB, "https://api.github.com")),
        ({"location": "ssh://git@GitHub.com:22/acme/brain/"}, remote(ForgeKind.GITHUB, "https://api.github.com")),
        (
            {"location": "https://git.acme.example/acme/brain", "provider": "github"},
            remote(ForgeKind.GITHUB, "https://git.acme.example/api/v3"),
        ),
        (
            {"location": "git@gitlab.com:acme/teams/brain.git"},
            remote(ForgeKind.GITLAB, "https://gitlab.com/api/v4", "acme/teams/brain"),
        ),
        (
            {"location": "https://git.acme.example:8443/acme/brain.git", "provider": "gitea"},
            remote(ForgeKind.FORGEJO, "https://git.acme.example:8443/api/v1"),
        ),
        ({"location": "https://codeberg.org/acme/brain"}, remote(ForgeKind.FORGEJO, "https://codeberg.org/api/v1")),
        (
            {"location": "/srv/brain", "forge": "forgejo", "api": "https://f.example/api/v1/", "repository": "a/b"},
            remote(ForgeKind.FORGEJO, "https://f.example/api/v1", "a/b"),
        ),
        (
            {"location": "https://github.com.evil.example/acme/brain"},
            LOCAL,
        ),
    ],
)  # fmt: skip
def test_option_provider_and_host_say_which_forge(given: dict[str, Any], choice: ForgeChoice) -> None:
    assert choose_forge(**given) == choice


@pytest.mark.parametrize(
    "given",
    [
        {"location": "https://github.com/acme/brain", "forge": "sourcehut"},
        {"location": "/srv/brain", "provider": "github"},
        {"location": "https://github.com/brain"},
        {"location": "https://github.com/acme/../brain"},
        {"location": "https://github.com/acme/brain", "api": "https://user:secret@x/"},
        {"location": "https://github.com/acme/brain", "repository": "acme/br ain"},
        {"location": "https://github.com/acme/brain", "repository": "acme/brain\n"},
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        choose_forge(**given)
    assert caught.value.code == "CONFIG_INVALID"
    assert "secret" not in caught.value.message


def test_each_kind_is_opened() -> None:
    made: list[str] = []

    def local() -> Any:
        made.append("local")
        return None

    token = Token("t0ken")
    open_forge(LOCAL, local=local, token=None)
    assert made == ["local"]
    for kind, expected in (
        (ForgeKind.GITHUB, GitHubForge),
        (ForgeKind.GITLAB, GitLabForge),
        (ForgeKind.FORGEJO, ForgejoForge),
    ):
        choice = remote(kind, "https://x.example/api")
        assert type(open_forge(choice, local=local, token=token)) is expected
        with pytest.raises(UsageError, match="no token"):
            open_forge(choice, local=local, token=None)


def test_the_token_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n")
    file.chmod(0o600)

    def revealed(environment: dict[str, str], given: Path | None = None) -> str | None:
        found = find_token(environment, file=given)
        return found.reveal() if found else None

    assert revealed({}) is None
    assert revealed({"KRATE_FORGE_TOKEN": " from-variable\n"}) == "from-variable"
    assert revealed({"KRATE_FORGE_TOKEN_FILE": str(file)}) == "from-file"
    assert revealed({"KRATE_FORGE_TOKEN": "from-variable"}, file) == "from-file"
    assert revealed({"KRATE_FORGE_TOKEN": "from-variable", "KRATE_FORGE_TOKEN_FILE": str(file)}) == "from-variable"


def test_a_token_file_that_is_none_is_refused(tmp_path: Path) -> None:
    shared, empty, large, binary, pipe = (tmp_path / name for name in ("shared", "empty", "large", "binary", "pipe"))
    shared.write_text("secret-of-all")
    shared.chmod(0o644)
    for file, content in ((empty, b"\n"), (large, b"x" * 5000), (binary, b"\xff\x00")):
        file.write_bytes(content)
        file.chmod(0o600)
    os.mkfifo(pipe, 0o600)
    for file in (shared, empty, large, binary, pipe, tmp_path, tmp_path / "absent"):
        with pytest.raises(UsageError) as caught:
            find_token({}, file=file)
        assert caught.value.code == "CONFIG_INVALID"
        assert "secret-of-all" not in caught.value.message
