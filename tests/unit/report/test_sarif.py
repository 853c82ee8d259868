"""SARIF 2.1.0. The standard's schema isn't shipped with any dependency, so its rules are written out here."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.report import Presentation, ReportFormat, render
from krate_gitops.brain.report.sarif import fingerprints
from krate_gitops.brain.rules.table import RULES
from tests.unit.report.samples import EVERY_SHAPE, diagnostic, report_of

URI_REFERENCE = re.compile(r"(?:[A-Za-z0-9._~/!$&'()*+,;=:@-]|%[0-9A-F]{2})*")


def run_of(*diagnostics: Diagnostic, base: str = "") -> dict[str, Any]:
    log = json.loads(render(report_of(diagnostics), ReportFormat.SARIF, Presentation(base=base)))
    assert log["version"] == "2.1.0"
    assert log["$schema"].endswith("sarif-schema-2.1.0.json")
    [run] = log["runs"]
    assert isinstance(run, dict)
    return run


def test_the_driver_lists_every_rule_with_text_and_level() -> None:
    driver = run_of()["tool"]["driver"]
    assert driver["name"] == "krate-gitops"
    assert [rule["id"] for rule in driver["rules"]] == sorted(RULES)
    for rule in driver["rules"]:
        assert rule["defaultConfiguration"]["level"] in {"error", "warning", "note"}
        assert all(rule[key]["text"] for key in ("shortDescription", "fullDescription", "help"))


def test_every_result_is_well_formed() -> None:
    run = run_of(*EVERY_SHAPE)
    assert run["columnKind"] == "unicodeCodePoints"
    assert len(run["results"]) == len(EVERY_SHAPE)
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        assert len(result["locations"]) == 1
        assert list(result["partialFingerprints"]) == ["krateFinding/v1"]
        for location in [*result["locations"], *result.get("relatedLocations", [])]:
            physical = location["physicalLocation"]
            artifact = physical["artifactLocation"]
            assert URI_REFERENCE.fullmatch(artifact["uri"])
            assert artifact["uriBaseId"] in run["originalUriBaseIds"]
            assert all(number >= 1 for number in physical.get("region", {}).values())


def test_a_path_becomes_an_escaped_reference_from_the_top() -> None:
    [result] = run_of(diagnostic(path="notes/a é%.md"), base=".company-brain")["results"]
    [location] = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": ".company-brain/notes/a%20%C3%A9%25.md", "uriBaseId": "SRCROOT"},
        "region": {"startLine": 3, "startColumn": 5},
    }


def test_related_places_are_numbered_and_say_why() -> None:
    [result] = run_of(EVERY_SHAPE[1])["results"]
    [related] = result["relatedLocations"]
    assert related["id"] == 1
    assert related["message"]["text"] == "runbook:a first defined here"


def test_a_brain_cannot_put_links_into_messages() -> None:
    [result] = run_of(diagnostic(message="[click](http://evil.example) tags[0]"))["results"]
    assert result["message"]["text"] == r"\[click](http://evil.example) tags\[0]"


@given(shift=st.integers(1, 500))
def test_fingerprints_stay_when_lines_above_come_and_go(shift: int) -> None:
    before = [
        diagnostic(line=line, message=f"key repeated at line {line}", column=column)
        for line, column in ((3, 1), (3, 7), (9, 2))
    ]
    after = [
        diagnostic(line=one.line + shift, message=f"key repeated at line {one.line + shift}", column=one.column)
        for one in before
    ]
    assert fingerprints(before) == fingerprints(after)
    assert len(set(fingerprints(before))) == 3


def test_fingerprints_differ_by_rule_path_record_field_and_ids_in_the_message() -> None:
    found = [
        diagnostic(),
        diagnostic("KB037"),
        diagnostic(path="graph/b.yaml"),
        diagnostic(record_id="runbook:b"),
        diagnostic(field="edges[1].target"),
        diagnostic(message="decision:12 does not exist"),
        diagnostic(message="decision:13 does not exist"),
    ]
    assert len(set(fingerprints(found))) == len(found)
