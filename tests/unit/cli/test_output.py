from __future__ import annotations

import json

import pytest
import yaml

from krate_gitops.cli.output import fields_table, rows_table, show

VALUE = {"name": "a", "items": [1, 2]}


def test_each_form_prints_the_same_value(capsys: pytest.CaptureFixture[str]) -> None:
    show("json", VALUE, table="")
    assert json.loads(capsys.readouterr().out) == VALUE
    show("yaml", VALUE, table="")
    assert yaml.safe_load(capsys.readouterr().out) == VALUE
    show("jsonl", VALUE, table="")
    assert capsys.readouterr().out == '{"name":"a","items":[1,2]}\n'
    show("table", VALUE, table="NAME\na")
    assert capsys.readouterr().out == "NAME\na\n"


def test_json_lines_print_the_items_of_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    show("jsonl", VALUE, table="", items=VALUE["items"])  # type: ignore[arg-type]
    assert capsys.readouterr().out == "1\n2\n"


def test_fields_are_aligned_and_absent_ones_left_out() -> None:
    table = fields_table({"commit": "abc", "approved": True, "tag": None, "note": "a\x1bb", "at": ""})
    assert table == "commit    abc\napproved  yes\nnote      a\\x1bb\n"


def test_rows_are_as_wide_as_their_widest_cell() -> None:
    table = rows_table(("id", "owners"), [("runbook:a", ("team:x", "team:y")), ("b", None)])
    assert table == "ID          OWNERS\nrunbook:a   team:x, team:y\nb\n"


def test_empty_tables_print_headings_and_nothing_else() -> None:
    assert rows_table(("id",), []) == "ID\n"
    assert fields_table({}) == ""
