"""The one way to run git.

Every call has a fixed environment, so that neither the user's configuration, nor the repository's hooks, replace refs,
grafts or promisor remotes, can change what is read. Text from outside enters a command line only after it has been
checked to be an object id, a full ref name or a URL; paths and revisions of users never do.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from krate_gitops.errors import UnavailableError

READ_DEADLINE_SECONDS = 300.0
"""Longest wait for a local read that makes no progress; only a broken disk or a hostile repository gets here."""

_ALWAYS: Mapping[str, str] = {
    "LC_ALL": "C",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_ADVICE": "0",
    "GIT_PAGER": "cat",
}
_READ_ONLY: Mapping[str, str] = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    # Git before 2.44 doesn't know GIT_NO_LAZY_FETCH: with no protocol allowed, a promisor remote named in a hostile
    # repository's configuration can't start anything either.
    "GIT_ALLOW_PROTOCOL": "",
}
_SAFE_OPTIONS = (
    f"core.hooksPath={os.devnull}",
    "core.fsmonitor=false",
    "core.quotePath=false",
    "log.showSignature=false",
    "advice.graftFileDeprecated=false",
    "gc.auto=0",
    "maintenance.auto=false",
    # A commit-graph keeps 34 bits of a date and lies where it is stale or forged: history comes from the commits.
    "core.commitGraph=false",
)
_REMOTE_OPTIONS = ("http.followRedirects=false", "fetch.recurseSubmodules=false", "transfer.bundleURI=false")
_PASSED_TO_READS = ("PATH", "TMPDIR", "SYSTEMROOT")
_PASSED_TO_REMOTES = frozenset(
    {"GIT_SSH", "GIT_SSH_COMMAND", "GIT_SSH_VARIANT", "GIT_ASKPASS", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH"}
)
_MESSAGE_LENGTH = 600
_USERINFO = re.compile(r"(?<=://)[^/\s@'\"]*@")
_SECRET_HEADER = re.compile(r"(?i)((?:proxy-)?authorization: *)\S.*")


class GitFailedError(UnavailableError):
    """git answered with an error. ``status`` is its exit status, ``detail`` what it said, without credentials."""

    def __init__(self, verb: str, status: int, detail: str) -> None:
        super().__init__("MEMORY_REPOSITORY_UNAVAILABLE", f"git {verb} failed: {detail or f'exit status {status}'}")
        self.status = status
        self.detail = detail


class GitTimeoutError(UnavailableError):
    """git didn't finish before its deadline and was killed."""

    def __init__(self, verb: str, seconds: float) -> None:
        super().__init__(
            "MEMORY_REPOSITORY_UNAVAILABLE",
            f"git {verb} gave no answer within {seconds:.3g} seconds and was stopped",
            hint="check the network and the remote, or raise the deadline",
        )


def run_git(
    git_dir: Path | None,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    deadline: float = READ_DEADLINE_SECONDS,
    answers: Sequence[int] = (0,),
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """Output of a local git command that talks to nobody.

    ``environment`` are variables beside the fixed ones. ``answers`` are the exit statuses that are no failure. Raises
    ``GitFailedError`` and ``GitTimeoutError``.
    """
    variables = _read_environment(git_dir) | dict(environment or {})
    return _finish(_command(git_dir, arguments), variables, stdin, deadline, answers, ())


def run_git_with_remote(
    git_dir: Path | None,
    arguments: Sequence[str],
    *,
    protocols: Sequence[str],
    deadline: float,
    stdin: bytes = b"",
    held_files: Sequence[int] = (),
    login: Mapping[str, str] | None = None,
) -> bytes:
    """Output of a git command that may talk to a remote by one of ``protocols``.

    ``login`` are variables that let git sign in, see ``git/credentials.py``.

    The user's own configuration takes part, since credential helpers, proxies and certificates live there. Redirects
    are refused. ``held_files`` are descriptors the child keeps open: a lock outlives a killed parent as long as the
    child lives. Raises ``GitFailedError`` and ``GitTimeoutError``.
    """
    command = _command(git_dir, arguments, _REMOTE_OPTIONS)
    environment = _remote_environment(git_dir, protocols) | dict(login or {})
    return _finish(command, environment, stdin, deadline, (0,), held_files)


class Answer(NamedTuple):
    """How a command ended: its exit status, its output, and what it said beside, made safe to show."""

    status: int
    output: bytes
    complaint: str


def ask_remote(git_dir: Path, arguments: Sequence[str], *, protocols: Sequence[str], deadline: float) -> Answer:
    """``run_git_with_remote`` for commands whose failure is an answer too. Raises ``GitTimeoutError``."""
    command, environment = _command(git_dir, arguments, _REMOTE_OPTIONS), _remote_environment(git_dir, protocols)
    return _ended(command, environment, b"", deadline, ())


@contextlib.contextmanager
def start_git(git_dir: Path, arguments: Sequence[str]) -> Iterator[tuple[IO[bytes], IO[bytes], IO[bytes]]]:
    """Standard input, output and errors (a file) of a local git child; it is killed when the block ends."""
    with tempfile.TemporaryFile() as complaints:
        child = _spawn(_command(git_dir, arguments), _read_environment(git_dir), complaints, ())
        try:
            if child.stdin and child.stdout:
                yield child.stdin, child.stdout, complaints
        finally:
            _kill(child)


def redact_credentials(text: str) -> str:
    """The text without user names and passwords of URLs, and without authorization headers."""
    return _SECRET_HEADER.sub(r"\1[REDACTED]", _USERINFO.sub("", text))


def complaint_text(output: bytes) -> str:
    """What git or a remote said, made safe to show: one line, printable, short, without credentials."""
    text = redact_credentials(output.decode("utf-8", "replace"))
    words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return words if len(words) <= _MESSAGE_LENGTH else words[:_MESSAGE_LENGTH] + "…"


def _finish(
    command: list[str],
    environment: dict[str, str],
    stdin: bytes,
    deadline: float,
    answers: Sequence[int],
    held_files: Sequence[int],
) -> bytes:
    answer = _ended(command, environment, stdin, deadline, held_files)
    if answer.status not in answers:
        raise GitFailedError(_verb(command), answer.status, answer.complaint)
    return answer.output


def _ended(
    command: list[str], environment: dict[str, str], stdin: bytes, deadline: float, held_files: Sequence[int]
) -> Answer:
    with tempfile.TemporaryFile() as complaints:
        child = _spawn(command, environment, complaints, held_files)
        try:
            output, _ = child.communicate(stdin, timeout=deadline)
        except subprocess.TimeoutExpired:
            raise GitTimeoutError(_verb(command), deadline) from None
        finally:
            _kill(child)
        complaints.seek(0)
        said = complaint_text(complaints.read(64_000)) if child.returncode else ""
        return Answer(child.returncode, output, said)


def _spawn(
    command: list[str], environment: dict[str, str], complaints: IO[bytes], held_files: Sequence[int]
) -> subprocess.Popen[bytes]:
    try:
        # A session of its own: a deadline then reaches ssh and the http helper too, not only git.
        return subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            pass_fds=held_files,
            start_new_session=True,
            bufsize=0,
        )
    except FileNotFoundError:
        raise UnavailableError(
            "MEMORY_REPOSITORY_UNAVAILABLE", "the git program was not found", hint="install git 2.36 or newer"
        ) from None


def _kill(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe:
            with contextlib.suppress(OSError):
                pipe.close()
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _command(git_dir: Path | None, arguments: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    trusted = (f"safe.directory={git_dir}",) if git_dir else ()
    settings = (word for option in (*_SAFE_OPTIONS, *options, *trusted) for word in ("-c", option))
    return ["git", *settings, *arguments]


def _verb(command: Sequence[str]) -> str:
    words = iter(command[1:])
    for word in words:
        if word != "-c":
            return word
        next(words)
    return ""


def _read_environment(git_dir: Path | None) -> dict[str, str]:
    passed = {name: os.environ[name] for name in _PASSED_TO_READS if name in os.environ}
    return passed | dict(_ALWAYS) | dict(_READ_ONLY) | _repository(git_dir)


def _remote_environment(git_dir: Path | None, protocols: Sequence[str]) -> dict[str, str]:
    passed = {
        name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name in _PASSED_TO_REMOTES
    }
    passed.setdefault("GIT_SSH_COMMAND", "ssh -oBatchMode=yes")
    return passed | dict(_ALWAYS) | {"GIT_ALLOW_PROTOCOL": ":".join(protocols)} | _repository(git_dir)


def _repository(git_dir: Path | None) -> dict[str, str]:
    # Without a repository git would search from the current folder, and obey the configuration it finds there.
    return {"GIT_DIR": str(git_dir or os.devnull)}
