"""Names of objects, of labels and of keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from krate_gitops.cluster.dev.schemas import names


@pytest.mark.parametrize(
    ("rule", "right", "wrong"),
    [
        (
            names.subdomain,
            ["a", "a.b-c.1", "1", "a" * 253],
            ["", "A", "a_b", "-a", "a-", "a..b", "a/b", "ü", " a", "a\n", "a" * 254],
        ),
        (names.label, ["a", "1a", "a" * 63], ["", "a.b", "A", "-a", "a" * 64, "a\n"]),
        (names.old_label, ["a", "a-1"], ["1a", "", "a.b", "a" * 64]),
        (names.path_segment, ["system:Any_Thing", "a.b", "..."], [".", "..", "a/b", "a%b"]),
        (
            names.qualified,
            ["a", "A_b.c-1", "example.com/Name"],
            ["", "a b", "/a", "a/", "a/b/c", "Example.com/a", "a" * 64, "-a"],
        ),
        (names.label_value, ["", "a", "V_1.x-y", "b" * 63], ["b c", "-", "b" * 64, "a\n"]),
        (names.config_key, ["a", ".hidden", "A_b-c.1", "k" * 253], ["", "a b", ".", "..", "..a", "k" * 254]),
        (names.port_name, ["http", "a-1"], ["", "1", "A", "a--b", "-a", "a-", "a" * 16]),
    ],
)
def test_a_rule_lets_names_of_its_sort_through(
    rule: Callable[[str], list[str]], right: list[str], wrong: list[str]
) -> None:
    assert [name for name in right if rule(name)] == []
    assert [name for name in wrong if not rule(name)] == []


def test_a_name_that_is_too_long_and_wrong_is_told_both() -> None:
    assert names.subdomain("A" * 254) == ["must be no more than 253 characters", names.SUBDOMAIN_TEXT]


def test_a_label_with_dots_is_told_so() -> None:
    assert names.label("a.b") == ["must not contain dots"]


def test_an_empty_key_is_told_what_it_should_be() -> None:
    assert names.qualified("") == ["name part must be non-empty", f"name part {names.NAME_PART_TEXT}"]


def test_a_prefix_is_told_apart_from_the_name() -> None:
    assert names.qualified("A/b") == [f"prefix part {names.SUBDOMAIN_TEXT}"]
    assert names.qualified("/b") == ["prefix part must be non-empty"]
