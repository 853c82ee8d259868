"""Rules of names: of objects, labels, keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

_SUBDOMAIN: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_OLD_LABEL: Final = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_NAME_PART: Final = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE: Final = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_CONFIG_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+")
_PORT_NAME: Final = re.compile(r"[-a-z0-9]+")

SUBDOMAIN_TEXT: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL_TEXT: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
OLD_LABEL_TEXT: Final = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
    "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
    "'[a-z]([-a-z0-9]*[a-z0-9])?')"
)
NAME_PART_TEXT: Final = (
    "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
LABEL_VALUE_TEXT: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
CONFIG_KEY_TEXT: Final = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)


def subdomain(name: str) -> list[str]:
    """What is wrong with a DNS subdomain."""
    faults = ["must be no more than 253 characters"] if len(name) > 253 else []
    return faults if _SUBDOMAIN.fullmatch(name) else [*faults, SUBDOMAIN_TEXT]


def label(name: str) -> list[str]:
    """What is wrong with a DNS label."""
    faults = ["must be no more than 63 characters"] if len(name) > 63 else []
    if _LABEL.fullmatch(name):
        return faults
    return [*faults, "must not contain dots" if _SUBDOMAIN.fullmatch(name) else LABEL_TEXT]


def old_label(name: str) -> list[str]:
    """What is wrong with a label that must start with a letter."""
    faults = ["must be no more than 63 characters"] if len(name) > 63 else []
    return faults if _OLD_LABEL.fullmatch(name) else [*faults, OLD_LABEL_TEXT]


def path_segment(name: str) -> list[str]:
    """What is wrong with a name that must only fit into a path."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{character}'" for character in "/%" if character in name]


def qualified(key: str) -> list[str]:
    """What is wrong with a key of a label or annotation: a name with an optional prefix."""
    prefix, slash, name = key.partition("/")
    faults: list[str] = []
    if not slash:
        name = prefix
    elif "/" in name:
        return [
            "a valid label key "
            + NAME_PART_TEXT
            + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    elif not prefix:
        faults.append("prefix part must be non-empty")
    else:
        faults.extend("prefix part " + text for text in subdomain(prefix))
    if not name:
        faults.append("name part must be non-empty")
    elif len(name.encode()) > 63:
        faults.append("name part must be no more than 63 bytes")
    if not _NAME_PART.fullmatch(name):
        faults.append("name part " + NAME_PART_TEXT)
    return faults


def label_value(value: str) -> list[str]:
    """What is wrong with the value of a label."""
    faults = ["must be no more than 63 bytes"] if len(value.encode()) > 63 else []
    return faults if _LABEL_VALUE.fullmatch(value) else [*faults, LABEL_VALUE_TEXT]


def config_key(key: str) -> list[str]:
    """What is wrong with a key of a ConfigMap or Secret."""
    faults = ["must be no more than 253 characters"] if len(key) > 253 else []
    if not _CONFIG_KEY.fullmatch(key):
        faults.append(CONFIG_KEY_TEXT)
    elif key in (".", ".."):
        faults.append(f"must not be '{key}'")
    elif key.startswith(".."):
        faults.append("must not start with '..'")
    return faults


def port_name(name: str) -> list[str]:
    """What is wrong with the name of a port."""
    faults = ["must be no more than 15 characters"] if len(name) > 15 else []
    if not _PORT_NAME.fullmatch(name):
        faults.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not any(character in "abcdefghijklmnopqrstuvwxyz" for character in name):
        faults.append("must contain at least one letter (a-z)")
    if "--" in name:
        faults.append("must not contain consecutive hyphens")
    if name[:1] == "-" or name[-1:] == "-":
        faults.append("must not begin or end with a hyphen")
    return faults


NAME_RULES: Final[dict[str, Callable[[str], list[str]]]] = {
    "subdomain": subdomain,
    "label": label,
    "old-label": old_label,
    "path-segment": path_segment,
}
"""The rules of object names, by the word that kinds use for them."""
