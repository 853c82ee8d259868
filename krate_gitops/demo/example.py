"""The examples as they are shipped."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from krate_gitops.errors import UnavailableError


def example_brain() -> dict[str, bytes]:
    """Files of the example brain by path, sorted. Raises ``UnavailableError`` when the installation lacks them."""
    return _files(_folder("brain", "ontology/node-kinds.yaml"))


def example_config() -> dict[str, bytes]:
    """Files of the example config repository, in the same way."""
    return _files(_folder("config-repo", "platform/organizations.yaml"))


def example_run() -> dict[str, bytes]:
    """Files of the example workspace of a finished run, in the same way."""
    return _files(_folder("run", "session.md"))


def example_updates() -> dict[str, bytes]:
    """Files of the example proposal, in the same way."""
    return _files(_folder("updates", "refund-marks.yaml"))


def _files(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*") if file.is_file())
    return dict(sorted((file.relative_to(folder).as_posix(), file.read_bytes()) for file in files))


def _folder(name: str, known: str) -> Path:
    # A wheel carries the files inside the package; a checkout has them at its top level.
    packaged = Path(str(resources.files("krate_gitops"))) / "examples" / name
    checkout = Path(__file__).parents[2] / "examples" / name
    for folder in (packaged, checkout):
        if (folder / known).is_file():
            return folder
    raise UnavailableError(
        "EXAMPLE_MISSING",
        f"the example {name} is not part of this installation",
        hint="install krate-gitops again",
        location=str(packaged),
    )
