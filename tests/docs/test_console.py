from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.docs.console import Example, agrees, examples, run_all

PAGE = """Text
```console
$ echo one \\
    two
one two
$ cat <<END
> text
> END
text
$ false
$ echo $?
1
```
```sh
$ not run
```
"""


def test_a_page_gives_commands_with_their_output() -> None:
    assert examples(PAGE) == [
        Example("echo one \\\n    two", "one two"),
        Example("cat <<END\ntext\nEND", "text"),
        Example("false", ""),
        Example("echo $?", "1"),
    ]


def test_a_block_that_begins_with_output_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="begins with a command"):
        examples("```console\nprinted\n```\n")


def test_commands_share_a_shell_and_their_codes_are_told(tmp_path: Path) -> None:
    ran = run_all(["mkdir a; cd a", "basename $PWD", "false", "echo $?"], tmp_path, dict(os.environ))
    assert [(each.output, each.code) for each in ran] == [("", 0), ("a", 0), ("", 1), ("1", 0)]


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a b", "a b", True),
        ("a b", "a c", False),
        ("a … d", "a b c d", True),
        ("first\n…\nlast", "first\n1\n2\nlast", True),
        ("first\n…", "first", True),
        ("first\n…\nlast", "first\n1\n2", False),
        ("at 0123456789ab in 3 ms", "at ba9876543210 in 41 ms", True),
        ("spent 3 days", "spent 4 days", False),
    ],
)
def test_ellipses_ids_and_durations_may_differ_and_nothing_else(shown: str, printed: str, same: bool) -> None:
    assert agrees(shown, printed) is same
