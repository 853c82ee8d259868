"""The fields that every record may have, and the words and lengths they admit."""

from __future__ import annotations

STATUSES = ("draft", "approved", "deprecated", "archived")
SENSITIVITIES = ("public", "internal", "restricted", "secret-metadata")
RUN_STATUSES = frozenset(("running", "completed", "failed", "partial", "cancelled"))
RUN_MEMORY_KINDS = frozenset(
    ("BabysitterRun", "BabysitterSession", "RunJournalEvent", "RunTaskResult", "RunRetrospective")
)
TITLE_CHARACTERS = 200
SUMMARY_CHARACTERS = 500

_LISTS = ("owners", "aliases", "tags", "repoRefs", "sourceRefs")
_TEXTS = ("title", "status", "updatedAt", "summary", "sensitivity")
BASE_FIELDS = frozenset((*_LISTS, *_TEXTS, "generated"))
