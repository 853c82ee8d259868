"""Typed access to the fields of a record that is being read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krate_gitops.brain.base_fields import SENSITIVITIES, SUMMARY_CHARACTERS, TITLE_CHARACTERS
from krate_gitops.brain.model import Finding
from krate_gitops.brain.timestamps import normalise_timestamp
from krate_gitops.brain.values import settle, text_of


class FieldReader:
    """Typed access to one mapping; what has the wrong type is reported and read as absent."""

    def __init__(self, ordinal: int, findings: list[Finding], prefix: str) -> None:
        self.ordinal = ordinal
        self.prefix = prefix
        self._findings = findings

    def add(self, code: str, message: str, field: str, *, at_key: bool = False, hint: str = "") -> None:
        self._findings.append(Finding(code, message, self.ordinal, field, at_key=at_key, hint=hint))

    def top_text(self, raw: Mapping[str, Any], name: str) -> str | None:
        return self.text_at(raw.get(name), name)

    def text(self, source: Mapping[str, Any], name: str) -> str | None:
        return self.text_at(source.get(name), self.prefix + name)

    def text_at(self, value: Any, field: str) -> str | None:
        """The text of a value that stands at the field."""
        try:
            return text_of(value) or None
        except TypeError:
            self.add("KB021", f"{field.rpartition('.')[2]} must be text", field)
            return None

    def texts(self, source: Mapping[str, Any], name: str) -> tuple[str, ...]:
        value = source.get(name)
        if value is None:
            return ()
        field = self.prefix + name
        if type(value) is not list:
            self.add("KB021", f"{name} must be a list of strings", field)
            text = None if type(value) is dict else text_of(value)
            return (text,) if text else ()
        if all(type(item) is str for item in value):
            return tuple(value)
        items: list[str] = []
        for at, item in enumerate(value):
            try:
                text = text_of(item)
            except TypeError:
                text = None
            if text is None:
                self.add("KB021", f"{name} must be a list of strings", f"{field}[{at}]")
            else:
                items.append(text)
        return tuple(items)

    def title(self, source: Mapping[str, Any], name: str) -> str | None:
        title = self.text(source, name)
        if title is None:
            return None
        if "\n" in title.rstrip("\n") or len(title) > TITLE_CHARACTERS:
            self.add("KB021", f"title must be one line of at most {TITLE_CHARACTERS} characters", self.prefix + name)
        return title.strip() or None

    def summary(self, source: Mapping[str, Any], name: str) -> str | None:
        summary = self.text(source, name)
        if summary is not None and len(summary) > SUMMARY_CHARACTERS:
            self.add("KB021", f"summary is longer than {SUMMARY_CHARACTERS} characters", self.prefix + name)
        return summary

    def timestamp(self, source: Mapping[str, Any], name: str) -> str | None:
        text = self.text(source, name)
        if text is None:
            return None
        normal = normalise_timestamp(text)
        if normal is None:
            hint = "write it as 2026-06-02T09:15:00Z"
            self.add("KB024", f'"{text[:40]}" is not a timestamp with an offset', self.prefix + name, hint=hint)
        return normal

    def sensitivity(self, source: Mapping[str, Any], name: str) -> str | None:
        text = self.text(source, name)
        if text is None or text in SENSITIVITIES:
            return text
        hint = "one of " + ", ".join(SENSITIVITIES)
        self.add("KB023", f'"{text[:60]}" is not a sensitivity', self.prefix + name, hint=hint)
        # A level nobody can read is treated as the most careful one that still names the record.
        return "restricted"

    def flag(self, source: Mapping[str, Any], name: str) -> bool:
        value = settle(source.get(name), 1, False)
        if isinstance(value, bool):
            return value
        self.add("KB021", f"{name} must be true or false", self.prefix + name)
        return False
