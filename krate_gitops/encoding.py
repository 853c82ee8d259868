"""Values as JSON, JSON Lines and YAML text, safe to send to a terminal and equal when read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from krate_gitops.printable import escape_invisible, has_invisible

_SURROGATE = re.compile("[\ud800-\udfff]")


def plain(value: Any) -> Any:
    """Structs, enums and tuples as the objects, strings and lists that every format knows."""
    return msgspec.to_builtins(value, str_keys=True)


def strings_in(value: Any) -> list[str]:
    """Every string in a plain value, keys of objects too."""
    found: list[str] = []
    _collect(value, found)
    return found


def _collect(value: Any, found: list[str]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            found.append(key)
            _collect(item, found)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _collect(item, found)


def json_text(value: Any) -> str:
    """Indented JSON with a closing line feed; keys keep their order."""
    return escape_invisible(json.dumps(plain(value), ensure_ascii=False, indent=2)) + "\n"


def json_lines(values: Iterable[Any]) -> Iterator[str]:
    """One compact JSON document a line."""
    for value in values:
        yield escape_invisible(json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))) + "\n"


def yaml_text(value: Any) -> str:
    """Block style YAML; keys keep their order."""
    import yaml  # a third of the start-up time of a small command, and few ask for YAML

    class Dumper(yaml.CSafeDumper):
        """Quotes what is invisible, so that it can be escaped."""

        def ignore_aliases(self, _: Any) -> bool:
            """Anchors and aliases save little and surprise readers."""
            return True

    def text(dumper: yaml.CSafeDumper, string: str) -> yaml.ScalarNode:
        string = _SURROGATE.sub("\ufffd", string)
        style = '"' if has_invisible(string) else "|" if "\n" in string else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", string, style=style)

    Dumper.add_representer(str, text)
    dumped: str = yaml.dump(plain(value), Dumper=Dumper, sort_keys=False, allow_unicode=True, width=2**30)
    return escape_invisible(dumped)
