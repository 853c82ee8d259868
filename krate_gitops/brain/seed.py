"""The base ontology, and the first commit of a new brain."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from krate_gitops.brain.ontology.load import EDGE_KINDS, NODE_KINDS, RULES, VOCABULARY
from krate_gitops.errors import UnavailableError, UsageError

_FILES = (NODE_KINDS, EDGE_KINDS, VOCABULARY, RULES)

_FOLDERS = (
    *(f"graph/{name}" for name in (
        "teams", "repositories", "services", "products", "runbooks", "decisions", "incidents", "agent-practices",
    )),
    "pages", "runbooks", "decisions", "incidents", "repositories",
    "agents/stacks", "agents/skills", "agents/tools", "agents/subagents",
    "notes/meetings", "notes/investigations", "notes/scratch",
    "babysitter/sessions", "babysitter/runs", "babysitter/retrospectives", "babysitter/process-notes",
    "indexes",
)  # fmt: skip

_ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")

_README = """# The company brain of {organization}

What people and agents of {organization} know and share, as plain Markdown and YAML. Git is the only authority:
everything else, such as search indexes, is derived from a commit and can be rebuilt.

| Folder | Holds |
| --- | --- |
| `ontology/` | the kinds of records and edges, their words, and the rules of checking |
| `graph/` | records as YAML: teams, repositories, services, products and more |
| `runbooks/`, `decisions/`, `incidents/`, `repositories/`, `pages/` | records as Markdown, with their fields on top |
| `agents/` | what agents use: stacks, skills, tools, subagents |
| `notes/` | free text: meetings, investigations, scratch |
| `babysitter/` | memory of agent runs; `MEMORY.md` is where every run starts reading |
| `indexes/` | derived files; never edit them |

Add a team under `graph/teams/` first: every record needs an owner. Then check the brain:

```sh
krate-gitops brain validate .
```
"""

_MEMORY = """# Shared memory of {organization}

Practices, conventions and lessons that every run should know. Keep it short: a durable fact belongs into a record of
its own, with an id, and is linked from here.
"""


def base_ontology() -> dict[str, bytes]:
    """The four files of the base ontology, by their path in a brain.

    Raises ``UnavailableError`` when the installation lacks them.
    """
    folder = _data_folder()
    return {path: (folder / path.rpartition("/")[2]).read_bytes() for path in _FILES}


def seed_files(organization: str) -> dict[str, bytes]:
    """The complete first commit of a brain, by path below the memory root.

    Raises ``UsageError`` when the organization is not a name.
    """
    if not _ORGANIZATION.match(organization):
        raise UsageError(
            "ORG_NAME_INVALID",
            f'"{organization[:80]}" is not the name of an organization',
            hint="letters, digits, dots, hyphens and underscores, at most 63",
        )
    files = base_ontology()
    files["README.md"] = _README.format(organization=organization).encode()
    files["babysitter/MEMORY.md"] = _MEMORY.format(organization=organization).encode()
    files.update((f"{folder}/.gitkeep", b"") for folder in _FOLDERS)
    return dict(sorted(files.items()))


def _data_folder() -> Path:
    # A wheel carries the files inside the package; a checkout has them at its top level.
    packaged = Path(str(resources.files("krate_gitops"))) / "ontology"
    checkout = Path(__file__).parents[2] / "ontology"
    for folder in (packaged, checkout):
        if (folder / "node-kinds.yaml").is_file():
            return folder
    raise UnavailableError(
        "BASE_ONTOLOGY_MISSING",
        "the base ontology is not part of this installation",
        hint="install krate-gitops again",
        location=str(packaged),
    )
