"""The report as JUnit XML: one test case a rule, so that a CI system's history shows which rule began to fail."""

from __future__ import annotations

import re
from collections import defaultdict
from xml.etree import ElementTree

from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.report.model import Report, at_least
from krate_gitops.brain.report.presentation import Presentation, headline
from krate_gitops.brain.report.table import count_of
from krate_gitops.printable import printable

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_junit(report: Report, presentation: Presentation) -> str:
    """A test suite with a case for every rule; findings below ``fail_on`` are its output, not its failure."""
    by_code: dict[str, list[Diagnostic]] = defaultdict(list)
    for found in report.diagnostics:
        by_code[found.code].append(found)
    names = {code: f"{code} {rule.name}" for code, rule in presentation.rules.items()}
    names |= {code: headline(found[0]) for code, found in by_code.items()}

    suite_name = f"krate-gitops.{presentation.subject}"
    suite = ElementTree.Element("testsuite", name=suite_name, errors="0", skipped="0")
    failures = 0
    for code, name in sorted(names.items()):
        case = ElementTree.SubElement(suite, "testcase", classname=suite_name, name=_clean(name), time="0")
        failures += _fill(case, by_code[code], presentation)
    seconds = f"{report.duration_ms / 1000:.3f}"
    totals = {"tests": str(len(names)), "failures": str(failures), "time": seconds}
    suite.attrib.update(totals)
    properties = ElementTree.Element("properties")
    for key in ("repository", "commit", "profile", "result"):
        ElementTree.SubElement(properties, "property", name=key, value=_clean(str(getattr(report, key))))
    suite.insert(0, properties)

    suites = ElementTree.Element("testsuites", {"name": "krate-gitops", "errors": "0", **totals})
    suites.append(suite)
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _fill(case: ElementTree.Element, found: list[Diagnostic], presentation: Presentation) -> bool:
    """Adds what a rule found to its test case; whether that fails it."""
    failing = [one for one in found if at_least(one.severity, presentation.fail_on)]
    passing = [one for one in found if not at_least(one.severity, presentation.fail_on)]
    if failing:
        message = failing[0].message if len(failing) == 1 else count_of(len(failing), "finding")
        failure = ElementTree.SubElement(case, "failure", type=failing[0].code, message=_clean(message))
        failure.text = _listing(failing, presentation)
    if passing:
        ElementTree.SubElement(case, "system-out").text = _listing(passing, presentation)
    return bool(failing)


def _listing(found: list[Diagnostic], presentation: Presentation) -> str:
    return "\n".join(_line(one, presentation) for one in found)


def _line(one: Diagnostic, presentation: Presentation) -> str:
    place = f"{_clean(presentation.path(one.path))}:{one.line or 1}:{one.column or 1}"
    hint = f" (hint: {_clean(one.hint)})" if one.hint else ""
    return f"{place}: {one.severity} {_clean(one.message)}{hint}"


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", printable(text))
