"""Items that are named rather than searched: the user's selection, and documents to read."""

from __future__ import annotations

from krate_gitops.errors import DeniedError, UsageError
from krate_gitops.memory.candidates import (
    DOCUMENT,
    Candidate,
    document_candidate,
    excerpt_candidate,
    record_candidate,
)
from krate_gitops.memory.exclusions import Lines, lines_of
from krate_gitops.memory.grep import span
from krate_gitops.memory.question import Question
from krate_gitops.memory.response import Denied
from krate_gitops.memory.texts import Text

NOT_READABLE = "not found or not readable"


def selected(question: Question) -> list[Candidate]:
    """Items of ``selection.include``, whatever the rest of the request says.

    Raises ``DeniedError(POLICY_DENIED)`` for one that is not there or may not be read, which are not told apart, and
    ``UsageError(INVALID_REQUEST)`` for lines that a readable file does not have.
    """
    return [_selected(question, item) for item in question.request.selection.include]


def _selected(question: Question, item: str) -> Candidate:
    columns = question.columns
    record = question.opened.graph.defined(item)
    if record >= 0 and question.admission.records[record]:
        return record_candidate(question, record, selected=True)
    lines = None if item in columns.file_number else lines_of(item)
    text = _text(question, lines.path if lines else item)
    if text is None:
        raise DeniedError("POLICY_DENIED", "a selected item does not exist or may not be read", location=item)
    if lines is None:
        return document_candidate(question, text, selected=True)
    return _selected_lines(question, text, lines, item)


def _selected_lines(question: Question, text: Text, lines: Lines, item: str) -> Candidate:
    window = span(text.safe, lines.first, lines.last)
    if window is None:
        raise UsageError("INVALID_REQUEST", "the selected lines do not exist", location=item)
    return excerpt_candidate(question, text, window, selected=True)


def named_documents(question: Question, already: list[Candidate]) -> tuple[list[Candidate], list[Denied]]:
    """Whole documents by path or id, but for those that ``already`` stand there and those left out by hand."""
    columns = question.columns
    known = {candidate.file for candidate in already if candidate.kind == DOCUMENT}
    found: list[Candidate] = []
    denied: list[Denied] = []
    paths = {path: path for path in question.request.documents.paths}
    for identifier in question.request.documents.ids:
        record = question.opened.graph.defined(identifier)
        # Only what the caller named is told, so an id is never answered with the path it stands at.
        paths[identifier] = columns.path_of_record(record) if record >= 0 else identifier
    for name, path in paths.items():
        number = columns.file_number.get(path, -1)
        if number in known or (number >= 0 and question.excluded.files[number]):
            continue
        text = _text(question, path)
        if text is None:
            denied.append(Denied("path", name, NOT_READABLE))
            continue
        known.add(number)
        found.append(document_candidate(question, text))
    return found, denied


def _text(question: Question, path: str) -> Text | None:
    """The text of a readable file; None also for one that is no text."""
    number = question.columns.file_number.get(path)
    if number is None or not question.admission.files[number]:
        return None
    return next(question.opened.texts([number]), None)


def denied_scopes(question: Question) -> list[Denied]:
    """Kinds and paths of the request that the policy keeps back; only what the request itself names."""
    request, policy = question.request, question.policy
    kinds = request.graph.kinds if question.wants_records else ()
    paths = request.grep.paths if question.wants_lines else ()
    found = [Denied("kind", kind, "not admitted") for kind in kinds if policy.denies_kind(kind)]
    return found + [denied for denied in (_denied_path(question, glob) for glob in paths) if denied]


def _denied_path(question: Question, glob: str) -> Denied | None:
    if "*" in glob or "?" in glob:
        return Denied("path", glob, "not admitted") if question.policy.denies_glob(glob) else None
    number = question.columns.file_number.get(glob)
    readable = number is not None and question.admission.files[number]
    return None if readable else Denied("path", glob, NOT_READABLE)
