"""The configuration file: TOML, named by ``--config`` or found in the user's configuration folder.

Nothing is ever read from the current folder or from a repository, so that a cloned one can't widen what is allowed.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from krate_gitops.errors import UsageError

FILE_NAME = "config.toml"


class ConfiguredRepository(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[repositories.NAME]``: a name for a path or URL."""

    location: str


class Config(msgspec.Struct, frozen=True, kw_only=True, rename="kebab", forbid_unknown_fields=True):
    """Defaults for what a command line leaves out. Relative paths start at the file's folder."""

    home: str | None = None
    records: str | None = None
    org: str | None = None
    output: str | None = None
    log_format: str | None = None
    jobs: Annotated[int, msgspec.Meta(ge=0)] | None = None
    deadline_seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None
    allow_file_protocol: bool | None = None
    repositories: Mapping[str, ConfiguredRepository] = {}


def default_config_file() -> Path:
    """Where the file is looked for when none is named."""
    from platformdirs import user_config_path

    return user_config_path("krate-gitops", appauthor=False) / FILE_NAME


def read_config(file: Path) -> Config:
    """The file's settings. Raises ``UsageError(CONFIG_INVALID)`` for anything but well-formed known ones."""
    try:
        document = tomllib.loads(file.read_bytes().decode())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _invalid(file, str(error), hint="the file must be TOML in UTF-8") from None
    _refuse_unknown(file, document)
    try:
        return msgspec.convert(document, Config)
    except msgspec.ValidationError as error:
        raise _invalid(file, str(error), hint="see docs/configuration.md for the settings and their types") from None


def _refuse_unknown(file: Path, document: Mapping[str, Any]) -> None:
    known = [field.encode_name for field in msgspec.structs.fields(Config)]
    for key in document:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known settings: {', '.join(known)}"
            raise _invalid(file, f"unknown setting {key!r}", hint=hint)


def _invalid(file: Path, message: str, *, hint: str) -> UsageError:
    return UsageError("CONFIG_INVALID", message, hint=hint, location=str(file))
