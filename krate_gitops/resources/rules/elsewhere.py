"""Codes that files alone don't decide: what they mean, and who finds them.

Together with the table of rules this is every code there is, so that none is used for two things.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from krate_gitops.resources.rules.table import Effect


class Finder(enum.StrEnum):
    """Who finds a breach."""

    REVIEW = "permission review"
    RECONCILER = "reconciler"
    WRITER = "writer of configuration"
    RECORDS = "nothing yet: runs are not recorded"
    PACKAGE = "package check"


class FoundElsewhere(msgspec.Struct, frozen=True):
    """One code. ``reasons`` are those of the permission review that mean it."""

    code: str
    effect: Effect
    says: str
    finder: Finder
    reasons: tuple[str, ...] = ()


_R, _S, _B, _W, _H, _F = Effect.REJECT, Effect.STOP, Effect.BLOCK, Effect.WARN, Effect.HOLD, Effect.REFUSE


def _found(number: int, effect: Effect, finder: Finder, says: str, *reasons: str) -> FoundElsewhere:
    return FoundElsewhere(f"KR{number:03}", effect, says, finder, reasons)


_V, _C, _E, _D, _P = Finder.REVIEW, Finder.RECONCILER, Finder.WRITER, Finder.RECORDS, Finder.PACKAGE

_ALL = (
    _found(309, _B, _V, "the target of a grant is there", "SecretMissing", "ConfigMapMissing"),
    _found(310, _B, _V, "the target of a grant has the keys", "SecretKeyMissing", "ConfigKeyMissing"),
    _found(313, _H, _C, "a binding gives no more than the applying identity may give", "EscalationDenied"),
    _found(320, _B, _V, "the target of a grant is as it was when the grant was checked", "GrantStale"),
    _found(321, _B, _V, "native objects are as they were written; a warning where no privilege hangs on it",
           "ServiceAccountDrifted", "RoleBindingDrifted"),
    _found(322, _W, _V, "values are rotated in time", "RotationOverdue"),
    _found(501, _R, _D, "specs of records and fields that are written once don't change"),
    _found(502, _R, _D, "phases follow each other as they may"),
    _found(503, _R, _D, "an attempt has the digests of its context and permissions"),
    _found(504, _R, _D, "a digest is that of the record it names"),
    _found(505, _R, _D, "an approval is decided once, and against what it was asked for"),
    _found(601, _R, _P, "every kind has its definition, and both agree"),
    _found(602, _R, _P, "definitions have a status, required fields and organizationRef"),
    _found(603, _R, _P, "records have no definition among those that are always installed"),
    _found(604, _R, _P, "every kind has a valid example"),
    _found(605, _R, _P, "no role of the package has wildcards, and that of the web reads no Secret"),
    _found(606, _R, _P, "no Secret is made from values in plain text"),
    _found(607, _W, _P, "every value is declared, and used"),
    _found(701, _S, _C, "the repository answers"),
    _found(702, _S, _C, "the revision is there, and no abbreviated commit"),
    _found(703, _S, _C, "the revision means one thing"),
    _found(705, _S, _C, "the repository takes the credentials"),
    _found(707, _S, _C, "history goes on from what was applied"),
    _found(708, _S, _C, "commits are signed where that is asked for"),
    _found(711, _S, _C, "a source that owns objects has files"),
    _found(720, _H, _C, "an object that nobody owns is adopted by an admin's consent on it"),
    _found(721, _H, _C, "no other field manager holds the fields"),
    _found(722, _H, _C, "no other source owns the object, unless this one takes it over"),
    _found(723, _H, _C, "the definition of the kind is installed"),
    _found(724, _H, _C, "the applying identity may do what the plan says"),
    _found(725, _S, _C, "the API server takes every object in a dry run"),
    _found(726, _S, _C, "a plan that needs an approval has it"),
    _found(727, _H, _C, "fields that can't be changed stay"),
    _found(730, _H, _C, "not too much is pruned at once"),
    _found(731, _H, _C, "nothing depends on what is pruned"),
    _found(740, _B, _C, "live objects are as the commit says; a warning where no privilege hangs on it"),
    _found(741, _S, _C, "the access review answers", "AccessReviewUnavailable"),
    _found(801, _F, _E, "the base commit is still the tip"),
    _found(802, _F, _E, "the result validates"),
    _found(803, _F, _E, "protected branches are written by pull request"),
    _found(804, _F, _E, "the push does not lose the race three times"),
    _found(805, _F, _E, "the writer is on, and the actor may use it"),
    _found(806, _F, _E, "paths are those of the source"),
)  # fmt: skip

ELSEWHERE: Mapping[str, FoundElsewhere] = {one.code: one for one in _ALL}
"""All codes that files alone don't decide."""

REFUSED_ON_SAVE = frozenset(("KR201", *(f"KR{number}" for number in range(305, 311))))
"""Codes that block what is applied, and for which a save is refused unless it is of a draft."""

REASON_CODES: Mapping[str, str] = {
    **{reason: one.code for one in _ALL for reason in one.reasons},
    "CrossOrgDenied": "KR108",
    "MissingRefs": "KR201",
    "ToolPolicyMissing": "KR201",
    "MissingMcpServers": "KR201",
    "MissingSkills": "KR201",
    "MissingSubagents": "KR201",
    "MissingContextLabels": "KR201",
    "McpDenied": "KR202",
    "SubagentWidensPermissions": "KR204",
    "ParallelismExceeded": "KR205",
    "UnsafeFragment": "KR206",
    "FilesystemTooBroad": "KR210",
    "NetworkPolicyDenied": "KR210",
    "UnsupportedBaseAgent": "KR211",
    "SubagentsUnsupported": "KR211",
    "ForbiddenApprovalMode": "KR212",
    "MissingMemoryRepositories": "KR213",
    "MissingServiceAccount": "KR305",
    "MissingRunnerServiceAccount": "KR305",
    "MissingRoleBinding": "KR306",
    "MissingSecretGrant": "KR307",
    "ToolSecretNotGranted": "KR307",
    "MissingConfigGrant": "KR308",
    "BroadGrant": "KR311",
    "UntrustedGrant": "KR312",
    "ServiceAccountCannotUseRunner": "KR319",
    "WorkspaceTrustMismatch": "KR410",
}
"""Rule that a reason of the permission review breaks, where there is one; the others are about a request alone."""
