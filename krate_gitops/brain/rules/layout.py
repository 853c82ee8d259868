"""Rules that look at paths and modes alone: what must be there, what may not, and names that clash.

Everything here judges a single path or takes what it compares with as a parameter, so a changed commit costs what
changed. Findings come with the path they are about.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from krate_gitops.brain.layout import EXPECTED_ENTRIES, REQUIRED_ENTRIES, is_marker
from krate_gitops.brain.model import FileClass, Finding, Severity
from krate_gitops.brain.rules.place import Placed
from krate_gitops.brain.rules.run_memory import RUNS, is_normalised_run_file
from krate_gitops.printable import printable

SYMLINK, SUBMODULE = 0o120000, 0o160000
_KIND_OF_ENTRY = 0o170000

# Control characters, separators of lines, characters that turn the direction of writing, bytes that are not UTF-8
# (which Python shows as lone surrogates), and backslashes.
_HOSTILE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\\]")
_BAD_COMPONENT = re.compile(r"(?:^|/)(?:\.{0,2}|[^/]*[. ])(?:/|$)")

_CREDENTIAL_STARTS = ("id_rsa", "kubeconfig", ".env")
_CREDENTIAL_ENDS = (".pem", ".key", ".p12")


def check_entries(
    present: Callable[[str], bool], *, root: str, root_present: bool, outside: bool = False
) -> list[Placed]:
    """KB010 for entries a brain must or should have.

    ``present`` tells whether a file exists, by its path below the memory root ``root``. ``outside`` says that the
    ontology is kept outside the brain, so that the brain need not hold its files.
    """
    if not root_present:
        message = f"the memory root {root} does not exist"
        return [("", Finding("KB010", message, hint="create it, or name the right folder as rootPath"))]
    found: list[Placed] = []
    for entries, severity in ((REQUIRED_ENTRIES, Severity.ERROR), (EXPECTED_ENTRIES, Severity.WARNING)):
        for path in entries:
            if not (outside and path.startswith("ontology/")) and not present(path):
                found.append((path, Finding("KB010", f"{path} not found", severity=severity)))
    return found


def check_path(path: str, mode: int, file_class: FileClass) -> list[Finding]:
    """What the path and the mode of one file say: KB012, KB013, KB064, KB093."""
    kind = mode & _KIND_OF_ENTRY
    if kind == SYMLINK:
        return [Finding("KB013", f"symlink {printable(path)} is not followed", offset=0)]
    if kind == SUBMODULE:
        return [Finding("KB013", f"submodule {printable(path)} is not part of this repository", offset=0)]
    findings: list[Finding] = []
    reason = path_problem(path)
    if reason:
        findings.append(tree_problem(path, reason))
    if is_marker(path):
        return findings
    if is_credential_name(path):
        findings.append(Finding("KB064", f"{printable(path.rpartition('/')[2])} is not allowed", offset=0))
    if file_class is FileClass.UNCLASSIFIED:
        findings.append(Finding("KB012", f"{printable(path)} matches no file class", offset=0))
    if path.startswith(RUNS) and file_class is not FileClass.IGNORED and not is_normalised_run_file(path):
        findings.append(Finding("KB093", f"{printable(path.removeprefix(RUNS))} is a raw artifact", offset=0))
    return findings


def path_problem(path: str) -> str:
    """Why a path is not a plain name below the memory root; empty when it is."""
    hostile = _HOSTILE.search(path)
    if hostile:
        character = hostile[0]
        if character == "\\":
            return "holds a backslash"
        if "\ud800" <= character <= "\udfff":
            return "is not UTF-8"
        return f"holds the control character U+{ord(character):04X}"
    if path.startswith("/"):
        return "is absolute"
    # Nearly every path ends here, without a second search.
    if "./" not in path and " /" not in path and "//" not in path and path[-1:] not in ("", ".", " ", "/"):
        return ""
    bad = _BAD_COMPONENT.search(path)
    if bad is None:
        return ""
    component = bad[0].strip("/")
    if component in ("", ".", ".."):
        return f'holds the component "{component}"'
    return "holds a component that ends in a dot or space"


def tree_problem(path: str, reason: str) -> Finding:
    """KB013 for an entry that a reader of trees refused, such as a name that is there twice."""
    return Finding("KB013", f"the path {printable(path)} {reason}", offset=0)


def is_credential_name(path: str) -> bool:
    """Whether the file name is one under which keys and credentials are kept."""
    name = path.rpartition("/")[2].lower()
    return name.startswith(_CREDENTIAL_STARTS) or name.endswith(_CREDENTIAL_ENDS)
