"""Files of the chart that are written from the code: values with their schema, and the environment of processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from krate_gitops.encoding import json_text, yaml_text
from krate_gitops.resources import shapes
from krate_gitops.resources.package import environment, kinds
from krate_gitops.resources.package.values import ChartValues
from krate_gitops.resources.schema import closed_schema
from krate_gitops.resources.shapes import Field, Object, shape_of

_NOTE = "# Made by `make docs`; edit the models in krate_gitops/resources/package."


def chart_files() -> Mapping[str, str]:
    """Path below the chart and content of every file that is written from the code."""
    return {
        "values.yaml": values_yaml(),
        "values.schema.json": json_text(closed_schema(shape_of(ChartValues), "Values of the chart krate-gitops")),
        "templates/_environment.tpl": environment.template(dict(value_paths())),
        "templates/_kinds.tpl": kinds.template(),
    }


def values_yaml() -> str:
    """All values with their defaults, and what they mean as comments."""
    return "\n".join([_NOTE, *_lines(shape_of(ChartValues), "")]) + "\n"


def value_paths() -> Iterator[tuple[str, Field]]:
    """Dotted path and field of every value that is no group of values, in the order of ``values.yaml``."""
    yield from _paths(shape_of(ChartValues), "")


def _paths(shape: Object, above: str) -> Iterator[tuple[str, Field]]:
    for field in shape.fields.values():
        if isinstance(field.shape, Object):
            yield from _paths(field.shape, f"{above}{field.name}.")
        else:
            yield f"{above}{field.name}", field


def _lines(shape: Object, indent: str) -> Iterator[str]:
    for field in shape.fields.values():
        if not indent:
            yield ""
        if comment := _said(field):
            yield f"{indent}# {comment}"
        if isinstance(field.shape, Object):
            yield f"{indent}{field.name}:"
            yield from _lines(field.shape, indent + "  ")
        else:
            yield from (f"{indent}{line}" for line in yaml_text({field.name: field.default}).splitlines())


def _said(field: Field) -> str:
    """What a value means, and which there are."""
    choices = field.shape.choices if isinstance(field.shape, shapes.Text) else ()
    among = f"One of {', '.join(choices)}." if choices else ""
    return " ".join(part for part in (field.shape.description, among) if part)
