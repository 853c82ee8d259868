"""The example brain as it is shipped."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from krate_gitops.errors import UnavailableError


def example_brain() -> dict[str, bytes]:
    """Files of the example brain by path, sorted. Raises ``UnavailableError`` when the installation lacks them."""
    folder = _folder()
    files = (file for file in folder.rglob("*") if file.is_file())
    return dict(sorted((file.relative_to(folder).as_posix(), file.read_bytes()) for file in files))


def _folder() -> Path:
    # A wheel carries the files inside the package; a checkout has them at its top level.
    packaged = Path(str(resources.files("krate_gitops"))) / "examples" / "brain"
    checkout = Path(__file__).parents[2] / "examples" / "brain"
    for folder in (packaged, checkout):
        if (folder / "ontology" / "node-kinds.yaml").is_file():
            return folder
    raise UnavailableError(
        "EXAMPLE_BRAIN_MISSING",
        "the example brain is not part of this installation",
        hint="install krate-gitops again",
        location=str(packaged),
    )
