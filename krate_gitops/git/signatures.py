"""Is a commit signed by one of the keys that count? Asked of git, anew each time: a key may have been revoked since."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from krate_gitops.git.command import GitFailedError, run_git
from krate_gitops.git.local import Repository

ALLOWED_SIGNERS = "allowed_signers"
"""Name of the key material in the form of ssh: ``principal key-type key`` a line."""
_SECONDS = 60.0


def is_signed(repository: Repository, commit: str, keys: Mapping[str, str]) -> bool:
    """Whether a commit has a good signature by one of ``keys``: ``allowed_signers`` for ssh, others armoured PGP keys.

    Raises ``GitTimeoutError``.
    """
    with tempfile.TemporaryDirectory(prefix="krate-keys-") as name:
        folder = Path(name)
        folder.chmod(0o700)
        signers = folder / ALLOWED_SIGNERS
        signers.write_text(keys.get(ALLOWED_SIGNERS, ""), encoding="utf-8")
        armoured = [text for key, text in sorted(keys.items()) if key != ALLOWED_SIGNERS]
        environment = _keyring(folder, armoured) | {
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "gpg.ssh.allowedSignersFile",
            "GIT_CONFIG_VALUE_0": str(signers),
            "GIT_CONFIG_KEY_1": "gpg.minTrustLevel",
            "GIT_CONFIG_VALUE_1": "undefined",
        }
        try:
            run_git(repository.git_dir, ["verify-commit", commit], environment=environment)
        except GitFailedError:
            return False
        return True


def _keyring(folder: Path, armoured: list[str]) -> dict[str, str]:
    """A keyring that holds just these keys."""
    home = {"GNUPGHOME": str(folder), "HOME": str(folder)}
    environment = {"PATH": os.environ.get("PATH", os.defpath), **home}
    for text in armoured:
        command = ["gpg", "--batch", "--quiet", "--no-tty", "--import"]
        subprocess.run(
            command, input=text.encode(), env=environment, capture_output=True, timeout=_SECONDS, check=False
        )
    return home
