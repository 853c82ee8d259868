from __future__ import annotations

from xml.etree import ElementTree

from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.report import Presentation, ReportFormat, render
from krate_gitops.brain.rules.table import RULES
from tests.unit.report.samples import EVERY_SHAPE, HOSTILE, diagnostic, report_of


def suite_of(*diagnostics: Diagnostic, fail_on: str = "error") -> ElementTree.Element:
    text = render(report_of(diagnostics), ReportFormat.JUNIT, Presentation(fail_on=fail_on))
    suites = ElementTree.fromstring(text)
    [suite] = suites.findall("testsuite")
    assert suites.tag == "testsuites"
    assert int(suite.attrib["tests"]) == len(suite.findall("testcase"))
    assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
    return suite


def test_every_rule_is_a_test_case_that_passes_without_findings() -> None:
    suite = suite_of()
    assert len(suite.findall("testcase")) == len(RULES)
    assert suite.attrib["failures"] == "0"
    assert suite.attrib["time"] == "1.234"


def test_a_rule_with_findings_fails_and_lists_each_place() -> None:
    suite = suite_of(diagnostic(), diagnostic(line=9))
    [case] = suite.findall("testcase[@name='KB038 dangling-edge']")
    [failure] = case.findall("failure")
    assert failure.attrib == {"type": "KB038", "message": "2 findings"}
    assert (failure.text or "").splitlines() == [
        f"graph/a.yaml:{line}:5: error service:fx-rate does not exist (hint: correct the target)" for line in (3, 9)
    ]


def test_findings_below_the_threshold_are_output_and_not_failures() -> None:
    assert suite_of(diagnostic("KB053")).attrib["failures"] == "0"
    assert "KB053" not in [one.attrib["type"] for one in suite_of(diagnostic("KB053")).findall("testcase/failure")]
    assert len(suite_of(diagnostic("KB053")).findall("testcase/system-out")) == 1
    assert suite_of(diagnostic("KB053"), fail_on="warning").attrib["failures"] == "1"


def test_hostile_text_and_unknown_rules_leave_valid_xml() -> None:
    suite = suite_of(*EVERY_SHAPE, diagnostic("KB013", message="\ufffe\uffff\x00"))
    assert len(suite.findall("testcase[@name='KB999']")) == 1
    failures = {one.attrib["type"]: one.text or "" for one in suite.findall("testcase/failure")}
    assert "]]>&<b>" in failures["KB013"]
    assert HOSTILE not in failures["KB013"]
