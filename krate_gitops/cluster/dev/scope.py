"""Recorded conversations with a real API server that this one does not follow, and why.

The tests hold the server against every other recording, and the documentation shows this table.
"""

from __future__ import annotations

from collections.abc import Mapping

OUT_OF_SCOPE: Mapping[str, str] = {}
"""Reasons by the id of the recording."""

NOT_SERVED: Mapping[str, str] = {
    "nodes, pods and other workloads": "nothing runs here; define what you need as a custom kind",
    "protobuf and CBOR answers": "every client takes JSON too; protobuf bodies of a few kinds are read for kubectl",
    "OpenAPI v2": "its document is empty, so that kubectl leaves every check to the server",
    "admission and conversion webhooks": "policies are evaluated in the server; versions differ only in apiVersion",
    "aggregated API servers": "the group apiregistration.k8s.io is announced, and empty",
    "the exact cost of CEL rules": "loops in loops over unlimited lists are refused; costly texts are let through",
    "CEL beyond what rules of texts, numbers and lists need": (
        "no semantic versions, parts of addresses or authorizer; fields of format date-time are texts, read by "
        "`timestamp()`; 32 levels deep, 10,000 rounds of loops"
    ),
    "the scale subresource": "no kind here has it",
    "priority and fairness, audit": "one developer uses the server",
    "aggregated ClusterRoles": "the roles admin, edit and view come with their rules and gather no others",
    "quota enforcement, IP allocation across nodes, default ServiceAccounts": "these are the work of controllers",
}
"""What a whole cluster has and this server has not."""
