"""Scans proposed contents for secrets and for instructions to their reader, before anything of them is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from krate_gitops.brain.model import PromptInjection, SecretScan, Severity
from krate_gitops.brain.scan.bulk import Reason, Scanner
from krate_gitops.brain.scan.injection import Verdict, scan_injection, worst
from krate_gitops.brain.text import LineIndex
from krate_gitops.memory.redact import RedactionConfig, redact
from krate_gitops.updates.model import WithheldSecret
from krate_gitops.updates.report import Injections, Redactions

MOST_PLACES = 50
_SECRETS = Reason.SECRET | Reason.ENTROPY


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """``clean`` are the contents with every secret replaced: what may be kept where the original may not."""

    clean: Mapping[str, bytes | None]
    secrets: tuple[WithheldSecret, ...] = ()
    redaction: Redactions = Redactions()
    injection: Injections = Injections()

    @property
    def holds_secrets(self) -> bool:
        """Whether any content holds one."""
        return bool(self.secrets)


def examine(
    contents: Mapping[str, bytes | None], *, secret: SecretScan | None = None, injection: PromptInjection | None = None
) -> Examined:
    """What the scans say of whole files, by path below the memory root.

    A file that is no text is withheld like one with a secret.

    Raises ``UnavailableError(MEMORY_REDACTION_FAILED)`` when a scan fails: then nothing may go on.
    """
    secret, injection = secret or SecretScan(), injection or PromptInjection()
    scanner, config = Scanner(secret, injection), RedactionConfig(secret_scan=secret)
    clean: dict[str, bytes | None] = {}
    found: list[WithheldSecret] = []
    kinds: Counter[str] = Counter()
    categories: Counter[str] = Counter()
    places: list[str] = []
    verdict = Verdict.CLEAN
    for path in sorted(contents):
        data = contents[path]
        clean[path] = data
        if data is None:
            continue
        if not _is_text(data):
            # What can't be read can't be searched, whatever it holds.
            found.append(WithheldSecret(path, "KB004", 1, 1, _UNREAD, _AS_TEXT))
            clean[path] = b""
            continue
        text = data.decode()
        here = [one for one in scanner.scan(text, _SECRETS) if one.severity is not Severity.INFO]
        lines = LineIndex(text)
        for one in here:
            found.append(WithheldSecret(path, one.code, *lines.position(one.offset), one.message, one.hint))
        redacted = redact(text, config=config)
        if here or redacted.counts:
            kinds.update(redacted.counts)
            left = [one for one in scanner.scan(redacted.text, _SECRETS) if one.severity is not Severity.INFO]
            clean[path] = b"" if left else redacted.text.encode()
            if not here:
                found.append(WithheldSecret(path, "KB060", 1, 1, "a credential is in this file", _HINT))
        hits = scan_injection(text, injection.extra_phrases)
        categories.update(str(hit.category) for hit in hits)
        places += [f"{path}:{lines.position(hit.start)[0]}" for hit in hits]
        verdict = max(verdict, worst(hits))
    return Examined(
        clean=clean,
        secrets=tuple(found),
        redaction=Redactions(sum(kinds.values()), dict(sorted(kinds.items()))),
        injection=Injections(
            verdict.name.lower(), dict(sorted(categories.items())), tuple(dict.fromkeys(places))[:MOST_PLACES]
        ),
    )


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in data


_UNREAD = "this is no UTF-8 text, so it can't be searched"
_AS_TEXT = "save the file as UTF-8 text"
_HINT = "remove the value, revoke it at its issuer, and name the secret by its grant instead"


def holds_secret(text: str, secret: SecretScan) -> bool:
    """Whether a text holds something that looks like a secret."""
    return without_secrets(text, secret) != text


def without_secrets(text: str, secret: SecretScan) -> str:
    """A text as it may be kept and shown. Raises ``UnavailableError(MEMORY_REDACTION_FAILED)``."""
    return redact(text, config=RedactionConfig(secret_scan=secret)).text
