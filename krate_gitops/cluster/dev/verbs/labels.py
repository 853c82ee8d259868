"""Label selectors, read and refused as a real API server does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from krate_gitops.cluster.dev.failure import ApiFailure
from krate_gitops.cluster.dev.refusals import bad_request
from krate_gitops.cluster.dev.schemas.faults import go_quote

_TOKEN = re.compile(r"\s*(==|!=|[=!(),<>]|[^\s=!(),<>]+)")
_OPERATORS = {"=": "=", "==": "=", "in": "in", "!=": "notin", "notin": "notin", ">": ">", "<": "<"}
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_NAME_RULE = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_PREFIX_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_LONGEST = 63


class Requirement(NamedTuple):
    """One condition. ``values`` is empty for the operators ``exists`` and ``!``."""

    key: str
    operator: str
    values: frozenset[str]

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels fulfil it."""
        value = labels.get(self.key)
        if self.operator == "exists":
            return value is not None
        if self.operator == "!":
            return value is None
        if self.operator == "notin":
            return value is None or value not in self.values
        if value is None:
            return False
        if self.operator in "<>":
            return _compares(value, self.operator, next(iter(self.values)))
        return value in self.values


class LabelSelector(NamedTuple):
    """Conditions that must all hold."""

    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether the labels fulfil every condition."""
        return all(requirement.holds(labels) for requirement in self.requirements)


EVERYTHING = LabelSelector(())


def parse_labels(text: str) -> LabelSelector:
    """The selector that ``text`` writes down. Raises ``ApiFailure`` 400."""
    return _Parser(text).selector() if text.strip() else EVERYTHING


def _compares(value: str, operator: str, limit: str) -> bool:
    try:
        return int(value) > int(limit) if operator == ">" else int(value) < int(limit)
    except ValueError:
        return False


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = [*_TOKEN.findall(text), ""]
        self._at = 0

    def selector(self) -> LabelSelector:
        found: list[Requirement] = []
        while True:
            token = self._peek()
            if token == "":
                return LabelSelector(tuple(found))
            if token != "!" and not _is_word(token):  # noqa: S105
                raise bad_request(f"found '{token}', expected: !, identifier, or 'end of string'")
            found.append(self._requirement())
            token = self._take()
            if token == "":
                return LabelSelector(tuple(found))
            if token != ",":  # noqa: S105
                raise bad_request(f"found '{token}', expected: ',' or 'end of string'")
            if self._peek() != "!" and not _is_word(self._peek()):
                raise bad_request(f"found '{self._peek()}', expected: identifier after ','")

    def _requirement(self) -> Requirement:
        absent = self._peek() == "!"
        if absent:
            self._take()
        key = self._take()
        if not _is_word(key):
            raise _unable(f"found '{key}', expected: identifier")
        _check_key(key)
        if absent:
            return Requirement(key, "!", frozenset())
        if self._peek() in ("", ","):
            return Requirement(key, "exists", frozenset())
        word = self._take()
        operator = _OPERATORS.get(word)
        if operator is None:
            raise _unable(f"found '{word}', expected: in, notin, =, ==, !=, gt, lt")
        values = self._values() if word in ("in", "notin") else frozenset({self._exact_value()})
        for value in values:
            _check_value(key, value)
        if operator in "<>" and not next(iter(values)).lstrip("+-").isdecimal():
            shown = go_quote(next(iter(values)))
            raise _unable(f"values[0]: Invalid value: {shown}: for 'Gt', 'Lt' operators, the value must be an integer")
        return Requirement(key, operator, values)

    def _exact_value(self) -> str:
        if self._peek() in ("", ","):
            return ""
        value = self._take()
        if not _is_word(value):
            raise _unable(f"found '{value}', expected: identifier")
        return value

    def _values(self) -> frozenset[str]:
        token = self._take()
        if token != "(":  # noqa: S105
            raise _unable(f"found '{token}' expected: '('")
        found: set[str] = set()
        expects_value = True
        while (token := self._take()) != ")":
            if token == ",":  # noqa: S105
                if expects_value:
                    found.add("")
                expects_value = True
            elif _is_word(token) and expects_value:
                found.add(token)
                expects_value = False
            else:
                raise _unable(f"found '{token}', expected: ',', ')' or identifier")
        return frozenset(found | {""} if expects_value else found)

    def _peek(self) -> str:
        return str(self._tokens[self._at])

    def _take(self) -> str:
        token = self._peek()
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token


def _is_word(token: str) -> bool:
    return bool(token) and token[0] not in "=!(),<>"


def _unable(why: str) -> ApiFailure:
    return bad_request(f"unable to parse requirement: {why}")


def _check_key(key: str) -> None:
    """Raises ``ApiFailure`` 400 for what can't be the name of a label."""
    prefix, slash, name = key.rpartition("/")
    faults: list[str] = []
    if slash and not prefix:
        faults.append("prefix part must be non-empty")
    elif slash and not _PREFIX.fullmatch(prefix):
        faults.append(f"prefix part {_PREFIX_RULE}")
    if not name:
        faults.append("name part must be non-empty")
    elif len(name) > _LONGEST:
        faults.append(f"name part must be no more than {_LONGEST} bytes")
    if not _NAME.fullmatch(name):
        faults.append(f"name part {_NAME_RULE}")
    if faults:
        raise _unable(f"<nil>: Invalid value: {go_quote(key)}: {'; '.join(faults)}")


def _check_value(key: str, value: str) -> None:
    if len(value) > _LONGEST:
        why = f"must be no more than {_LONGEST} bytes"
    elif not _VALUE.fullmatch(value):
        why = _VALUE_RULE
    else:
        return
    raise _unable(f"values[0][{key}]: Invalid value: {go_quote(value)}: {why}")
