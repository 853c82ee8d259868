"""Why a pass ends before it has applied everything."""

from __future__ import annotations

from krate_gitops.errors import KrateError

_EXIT_CODES = {"KR701": 3, "KR702": 3, "KR703": 2, "KR704": 2, "KR705": 3, "KR724": 4, "KR726": 4, "KR741": 3}


class Stop(KrateError):
    """A stage that failed: the condition it sets to False, and the reason.

    ``exit_code`` follows from the code: 1 where the content says no, 3 where something can't be reached, 4 where
    rights are missing.
    """

    def __init__(
        self, condition: str, reason: str, code: str, message: str, *, hint: str = "", location: str = ""
    ) -> None:
        super().__init__(code, message, hint=hint, location=location)
        self.condition = condition
        self.reason = reason
        self.exit_code = _EXIT_CODES.get(code, 1)
