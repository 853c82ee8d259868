from __future__ import annotations

from krate_gitops.brain.model import Diagnostic
from krate_gitops.brain.report import ReportFormat, render
from tests.unit.report.samples import HOSTILE, diagnostic, report_of


def commands(*diagnostics: Diagnostic) -> list[str]:
    return render(report_of(diagnostics), ReportFormat.GITHUB).splitlines()


def test_an_annotation_names_file_line_column_and_rule() -> None:
    assert commands(diagnostic())[0] == (
        "::error file=graph/a.yaml,line=3,col=5,title=KB038 dangling-edge"
        "::service:fx-rate does not exist%0Ahint: correct the target"
    )


def test_a_finding_without_a_place_has_no_line() -> None:
    assert commands(diagnostic("KB010", line=0, column=0, hint=""))[0].startswith(
        "::error file=graph/a.yaml,title=KB010 layout-missing-entry::"
    )


def test_levels_come_worst_first_and_the_summary_last() -> None:
    lines = commands(diagnostic("KB041"), diagnostic("KB053"), diagnostic("KB038"))
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::notice", "::notice"]
    assert lines[-1] == "::notice title=krate-gitops%3A invalid::1 error, 1 warning, 1 info in 12 files"


def test_no_more_than_github_shows_are_printed_and_the_rest_is_counted() -> None:
    many = [diagnostic(code, line=line) for code in ("KB038", "KB053", "KB041") for line in range(1, 31)]
    lines = commands(*many)
    for level in ("::error ", "::warning ", "::notice "):
        assert sum(line.startswith(level) for line in lines) == 10
    assert "; 61 not shown here" in lines[-1]


def test_a_brain_cannot_issue_workflow_commands() -> None:
    lines = commands(diagnostic(path=f"a,b:c{HOSTILE}", message=HOSTILE, hint=HOSTILE))
    assert len(lines) == 2
    properties = lines[0].removeprefix("::error ").split("::")[0]
    assert properties.startswith(r"file=a%2Cb%3Ac\x1b[31mred\x1b[0m\r\n%3A%3Aerror%3A%3Aforged")
    assert "100%25" in properties
