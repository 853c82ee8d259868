"""Quotas and ranges: kept and shown, and nothing counts them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from krate_gitops.cluster.dev.builtin.fields import anything, kind_schema, list_of, mapping, quantity, record, text
from krate_gitops.cluster.dev.builtin.kind import STATUS, BuiltIn
from krate_gitops.cluster.dev.builtin.making import CREATED_AT, NAME, age, built_in, column
from krate_gitops.cluster.dev.schemas.faults import Fault, invalid_value
from krate_gitops.cluster.dev.schemas.quantity import canonical, value

Object = dict[str, Any]

_WHOLE: Final = frozenset({
    "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps", "persistentvolumeclaims",
    "services.nodeports", "services.loadbalancers",
})  # fmt: skip
_MILLI: Final = Decimal("0.001")

_AMOUNTS = mapping(quantity())
_LIMIT = record({
    "type": text(), "max": _AMOUNTS, "min": _AMOUNTS, "default": _AMOUNTS, "defaultRequest": _AMOUNTS,
    "maxLimitRequestRatio": _AMOUNTS,
})  # fmt: skip


def _rounded(amounts: Object) -> Object:
    """Amounts rounded up to a thousandth."""
    return {name: _in_milli(amount) for name, amount in amounts.items()}


def _in_milli(amount: str) -> str:
    number = value(amount)
    rounded = (number / _MILLI).to_integral_value("ROUND_CEILING") * _MILLI
    return amount if rounded == number else canonical(f"{rounded:f}")


def _default_quota(new: Object) -> Object:
    spec = new.get("spec") or {}
    return {**new, "spec": {**spec, "hard": _rounded(spec["hard"])}} if spec.get("hard") else new


def _default_range(new: Object) -> Object:
    """What is the default limit is the default request as well; what is the most is the default limit."""
    spec = new.get("spec") or {}
    if not spec.get("limits"):
        return new
    return {**new, "spec": {**spec, "limits": [_limit(one) for one in spec["limits"]]}}


def _limit(one: Object) -> Object:
    if one.get("type") != "Container":
        return one
    most, least = _rounded(one.get("max") or {}), _rounded(one.get("min") or {})
    default = {**most, **_rounded(one.get("default") or {})}
    request = {**default, **least, **_rounded(one.get("defaultRequest") or {})}
    found = {**one, "max": most, "min": least, "default": default, "defaultRequest": request}
    return {name: item for name, item in found.items() if item}


def _validate_quota(new: Object, old: Object | None) -> list[Fault]:
    faults: list[Fault] = []
    for name, amount in sorted(((new.get("spec") or {}).get("hard") or {}).items()):
        field = f"spec.hard[{name}]"
        if value(amount) < 0:
            faults.append(invalid_value(field, amount, "must be greater than or equal to 0"))
        if (name in _WHOLE or name.startswith("count/")) and value(amount) % 1:
            faults.append(invalid_value(field, amount, "must be an integer"))
    return faults


def _warn_quota(new: Object, old: Object | None) -> list[str]:
    """What a new quota asks for beyond its own limits."""
    if old is not None:
        return []
    hard = (new.get("spec") or {}).get("hard") or {}
    warnings = []
    for name in ("cpu", "memory", "ephemeral-storage"):
        asked, most = hard.get(f"requests.{name}"), hard.get(f"limits.{name}")
        if asked and most and value(asked) > value(most):
            warnings.append(f"ResourceQuota requests.{name} ({asked}) should be less than limits.{name} ({most})")
    return warnings


def _used(value: Object, *, limits: bool) -> str:
    """Amounts used and allowed, as the status has them: of limits, or of all the rest."""
    status = value.get("status") or {}
    hard, used = status.get("hard") or {}, status.get("used") or {}
    names = (name for name in sorted(hard) if name.startswith("limits.") == limits)
    return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)


_QUOTA_COLUMNS = (
    NAME,
    column("Request", lambda value: _used(value, limits=False)),
    column("Limit", lambda value: _used(value, limits=True)),
    age(),
)

KINDS: tuple[BuiltIn, ...] = (
    built_in(
        "", "v1", "ResourceQuota", "resourcequotas",
        kind_schema({
            "spec": record({"hard": _AMOUNTS, "scopes": list_of(text()), "scopeSelector": anything()}),
            "status": record({"hard": _AMOUNTS, "used": _AMOUNTS}),
        }),
        short_names=("quota",), subresources=(STATUS,), has_status=True, returns_deleted=True,
        default_kind=_default_quota, validate_kind=_validate_quota, warn_kind=_warn_quota,
        columns=_QUOTA_COLUMNS,
    ),
    built_in(
        "", "v1", "LimitRange", "limitranges", kind_schema({"spec": record({"limits": list_of(_LIMIT)})}),
        short_names=("limits",), creates_on_update=True, default_kind=_default_range,
        columns=(NAME, CREATED_AT),
    ),
)  # fmt: skip
