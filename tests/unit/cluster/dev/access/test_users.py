"""The users file."""

from __future__ import annotations

from pathlib import Path

import pytest

from krate_gitops.cluster.dev.access.identity import User
from krate_gitops.cluster.dev.access.users import MAX_USERS_FILE_BYTES, read_tokens, read_users
from krate_gitops.errors import UsageError


def written(path: Path, text: str) -> Path:
    file = path / "users.csv"
    file.write_text(text)
    return file


def test_a_line_is_a_user(tmp_path: Path) -> None:
    file = written(tmp_path, '# who\n\nt1,jane,u-1,"a, b"\nt2 , joe\nt3,x,,\n')
    assert read_tokens(file) == {"t1": User("jane", ("a", "b"), "u-1"), "t2": User("joe"), "t3": User("x")}


def test_everybody_of_the_file_is_in_the_group_of_all_who_authenticated(tmp_path: Path) -> None:
    users = read_users(written(tmp_path, "t1,jane,,a\n"))
    assert users.by_token("t1") == User("jane", ("a", "system:authenticated"))
    assert users.by_token("t2") is None
    assert users.by_token("\udcff") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("secret-token\n", "A user needs a token and a name"),
        (",jane\n", "A user needs a token and a name"),
        ("secret-token,a\nsecret-token,b\n", "Two users have the same token"),
        ('secret-token,"a\n' + "x" * 200_000, "The users file is not CSV in UTF-8"),
        ("x" * (MAX_USERS_FILE_BYTES + 1), "The users file is bigger than 1 MiB"),
    ],
)
def test_a_wrong_file_is_refused_without_telling_its_tokens(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        read_users(written(tmp_path, text))
    assert refusal.value.message == message
    assert "secret-token" not in f"{refusal.value} {refusal.value.hint} {refusal.value.location}"


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_bytes(b"\xff\xfe,a\n")
    with pytest.raises(UsageError, match="not CSV in UTF-8"):
        read_users(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        read_users(tmp_path / "none")
