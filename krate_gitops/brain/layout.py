"""What a path is: the memory root and the file classes."""

from __future__ import annotations

import re
from collections.abc import Callable

from krate_gitops.brain.model import FileClass, Foreign

DEFAULT_ROOT = ".company-brain"

REQUIRED_ENTRIES = ("ontology/node-kinds.yaml", "ontology/edge-kinds.yaml")
EXPECTED_ENTRIES = (
    "README.md",
    "babysitter/MEMORY.md",
    "ontology/controlled-vocabulary.yaml",
    "ontology/validation-rules.yaml",
)

# First match wins; the table of the layout, in its order.
_PATTERNS: tuple[tuple[FileClass, str], ...] = (
    (FileClass.ONTOLOGY, r"ontology/(?:.+/)?[^/]+\.ya?ml"),
    (FileClass.INDEX, r"indexes/.+"),
    (FileClass.ENTRYPOINT, r"babysitter/MEMORY\.md"),
    (FileClass.ARTIFACT_MANIFEST, r"babysitter/runs/[^/]+/artifacts/manifest\.yaml"),
    (FileClass.GRAPH, r"(?:graph|babysitter/runs)/(?:.+/)?[^/]+\.ya?ml"),
    (
        FileClass.MARKDOWN_RECORD,
        r"(?:runbooks|decisions|incidents|repositories|pages|agents|babysitter/(?:sessions|retrospectives))"
        r"/(?:.+/)?[^/]+\.md",
    ),
    (FileClass.NOTE, r"(?:notes|meetings|scratch|babysitter/process-notes)/(?:.+/)?[^/]+\.md"),
    (FileClass.README, r"(?:.+/)?README\.md"),
)
_CLASS = re.compile("|".join(f"(?P<c{at}>{pattern})" for at, (_, pattern) in enumerate(_PATTERNS)), re.DOTALL)
_BY_GROUP = [file_class for file_class, _ in _PATTERNS]

SERVED = frozenset((FileClass.ENTRYPOINT, FileClass.GRAPH, FileClass.MARKDOWN_RECORD, FileClass.NOTE, FileClass.README))
"""Classes whose text may be searched and read."""

Globs = Callable[[str], bool]


def classify(path: str) -> FileClass:
    """Class of a path relative to the memory root."""
    match = _CLASS.fullmatch(path)
    if match is None or match.lastindex is None:
        return FileClass.UNCLASSIFIED
    return _BY_GROUP[match.lastindex - 1]


def is_marker(path: str) -> bool:
    """``.gitkeep`` files keep folders in Git and are nothing else."""
    return path == ".gitkeep" or path.endswith("/.gitkeep")


class Classifier:
    """Classes with the extra patterns of a foreign brain, which come first."""

    def __init__(self, foreign: Foreign | None, compile_globs: Callable[[tuple[str, ...]], Globs]) -> None:
        self._extra: list[tuple[FileClass, Globs]] = []
        if foreign:
            if foreign.ignore:
                self._extra.append((FileClass.IGNORED, compile_globs(foreign.ignore)))
            for pattern, name in foreign.classes.items():
                self._extra.append((FileClass(name), compile_globs((pattern,))))

    def __call__(self, path: str) -> FileClass:
        if is_marker(path):
            return FileClass.IGNORED
        for file_class, matches in self._extra:
            if matches(path):
                return file_class
        return classify(path)
