"""JSON values as a program written in Go shows them in its messages."""

from __future__ import annotations

from typing import Any


def go_text(value: Any) -> str:
    """As ``%v``: ``map[a:1 b:[x y]]``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{go_text(value[name])}" for name in sorted(value)) + "]"
    if isinstance(value, list):
        return "[" + " ".join(map(go_text, value)) + "]"
    return "<nil>" if value is None else str(value)


def go_type(value: Any) -> str:
    """As ``%T``."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, dict):
        return "map[string]interface {}"
    if isinstance(value, (int, float)):
        return "int64" if isinstance(value, int) else "float64"
    return "[]interface {}" if isinstance(value, list) else "string"


def go_literal(value: Any) -> str:
    """As ``%#v``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        inner = ", ".join(f'"{name}":{go_literal(value[name])}' for name in sorted(value))
        return f"map[string]interface {{}}{{{inner}}}"
    if isinstance(value, list):
        return f"[]interface {{}}{{{', '.join(map(go_literal, value))}}}"
    return f'"{value}"' if isinstance(value, str) else str(value)
