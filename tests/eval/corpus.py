"""The evaluated brain: its repository, its ontology kept outside, and the text of its records as all systems get it."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from krate_gitops.brain import fields
from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.layout import SERVED, Classifier
from krate_gitops.brain.model import Ontology
from krate_gitops.brain.ontology import load_ontology
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.errors import UnavailableError
from krate_gitops.git.local import Repository, repository_at
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import list_tree
from tests.eval.units import Unit

MISSING = "EVAL_CORPUS_MISSING"

ONTOLOGY = "ontology"
"""Folder beside a judged set: how its brain is read."""

_COLUMNS = (
    (fields.ID,), (fields.TITLE,), (fields.ALIAS,), (fields.TAG,), (fields.SUMMARY,), (fields.ATTRIBUTE, fields.BODY),
)  # fmt: skip
"""Fields of the index that make each column of ``Unit``."""


def bundle_path(name: str) -> Path:
    """Bundle ``name`` in the folder of shared data: ``$KRATE_SHARED``, else ``shared`` beside the checkout.

    Raises ``UnavailableError(EVAL_CORPUS_MISSING)``.
    """
    folder = Path(os.environ.get("KRATE_SHARED", Path(__file__).parents[3] / "shared"))
    path = folder / "data" / name
    if not path.is_file():
        raise UnavailableError(MISSING, f"{path} does not exist", hint="set KRATE_SHARED, or give --bundle")
    return path


def clone_bundle(bundle: Path, folder: Path) -> Path:
    """A bare clone of a bundle, made once.

    Raises ``UnavailableError(EVAL_CORPUS_UNREADABLE)`` when git cannot read it.
    """
    target = folder / f"{bundle.stem}.git"
    if not target.exists():
        command = ["git", "clone", "--quiet", "--bare", str(bundle), str(target)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise UnavailableError("EVAL_CORPUS_UNREADABLE", made.stderr.strip() or f"git cannot clone {bundle}")
    return target


def read_ontology(folder: Path) -> Ontology:
    """The ontology kept outside the brain."""
    files = {f"ontology/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.yaml"))}
    return load_ontology(files, outside=True)


def read_units(git_dir: Path, commit: str, ontology: Ontology) -> list[Unit]:
    """Searchable text of every record at a commit, in path order. Notes have no id to be judged by and are left out."""
    return list(_units(repository_at(git_dir, name=git_dir.stem), commit, ontology))


def count_ids(units: list[Unit]) -> Counter[str]:
    """How many records carry each id."""
    return Counter(unit.id for unit in units)


def _units(repository: Repository, commit: str, ontology: Ontology) -> Iterator[Unit]:
    foreign = ontology.rules.foreign
    classify = Classifier(foreign, compile_globs)
    parser = FileParser(Profile(foreign, ontology.rules.limits))
    with ObjectReader(repository) as reader:
        listed = list_tree(reader, commit).entries
        entries = [(entry, kind) for entry in listed if (kind := classify(entry.path)) in SERVED]
        blobs = (answer[3] for answer in reader.stream([entry.oid for entry, _ in entries]))
        for (entry, file_class), data in zip(entries, blobs, strict=True):
            file, segments, _ = parser.parse(entry.path, entry.oid, file_class, data or b"")
            for number, record in enumerate(file.records):
                if not record.patch:
                    yield _unit([segment for segment in segments if segment.unit == number])


def _unit(segments: list[fields.Segment]) -> Unit:
    columns = ("\n".join(segment.text for segment in segments if segment.field in wanted) for wanted in _COLUMNS)
    return Unit(*columns)
