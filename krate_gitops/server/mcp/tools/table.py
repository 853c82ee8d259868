"""Every tool. Adding one touches this table and its module."""

from __future__ import annotations

from krate_gitops.server.mcp.tools.diff import DIFF
from krate_gitops.server.mcp.tools.grep import GREP
from krate_gitops.server.mcp.tools.read import READ
from krate_gitops.server.mcp.tools.search import SEARCH
from krate_gitops.server.mcp.tools.tool import Tool
from krate_gitops.server.mcp.tools.validate import VALIDATE

TOOLS: tuple[Tool, ...] = (SEARCH, READ, GREP, DIFF, VALIDATE)
