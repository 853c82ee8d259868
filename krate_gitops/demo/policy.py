"""What agents that work on acme's payments repository may read."""

from __future__ import annotations

POLICY = "payments-ci.yaml"

POLICY_TEXT = """apiVersion: krate.a5c.ai/v1alpha1
kind: AgentMemorySource
metadata: {name: payments-ci}
spec:
  organizationRef: local
  repositoryRef: company-brain
  appliesTo: {repositories: [payments]}
  include:
    graphKinds: [Runbook, Decision, Incident]
    paths: ["babysitter/MEMORY.md", "notes/investigations/**"]
  exclude: {paths: ["incidents/2026-01-*"]}
  maxContextBytes: 4000
"""
