"""The documents of a brain, as the index sees them, read with plain git."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from krate_gitops.brain.model import FileClass
from krate_gitops.git.local import find_repository
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import list_tree
from krate_gitops.index.shard import Entry
from krate_gitops.index.source import Target, open_source

_UNREAD = (FileClass.IGNORED, FileClass.INDEX)


def list_entries(git_dir: Path, commit: str, ontology: Path | None) -> list[Entry]:
    """Every file that an index of the commit covers, so that a floor is asked for the same blobs and no more."""
    target = Target(find_repository(git_dir), commit, None, ontology)
    with ObjectReader(target.repository) as reader:
        source = open_source(target, reader)
        return source.entries(list_tree(reader, commit, source.root).entries)


def read_blobs(git_dir: Path, oids: Sequence[str]) -> list[bytes]:
    """Content of blobs by one ``git cat-file --batch``, everything asked for at once and read in one go."""
    with tempfile.TemporaryFile() as wanted:
        wanted.write("".join(f"{oid}\n" for oid in oids).encode())
        wanted.seek(0)
        command = ["git", "--git-dir", str(git_dir), "cat-file", "--batch", "--buffer"]
        with subprocess.Popen(command, stdin=wanted, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            answer = child.stdout.read()
    blobs, at = [], 0
    for _ in oids:
        start = answer.index(b"\n", at) + 1
        size = int(answer[at : start - 1].rpartition(b" ")[2])
        blobs.append(answer[start : start + size])
        at = start + size + 1
    return blobs


def is_document(entry: Entry) -> bool:
    """Whether the file is parsed and searched."""
    return entry.file_class not in _UNREAD


def yaml_text(path: str, text: str) -> str | None:
    """The YAML in a file: all of it, or the frontmatter of a Markdown file; None when there is none."""
    if path.endswith((".yaml", ".yml")):
        return text
    if not text.startswith("---\n"):
        return None
    end = text.find("\n---\n", 3)
    return text[4 : end + 1] if end > 0 else None
