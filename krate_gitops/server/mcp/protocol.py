"""The SDK's server with the gateway behind it: both protocol revisions, tools, resources and one prompt.

The SDK's low-level server is used, since its decorated one takes unknown arguments for none and makes schemas from
signatures alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.caching import CacheableMethod, CacheHint
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from krate_gitops import __version__
from krate_gitops.encoding import plain
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.server.mcp.audit import DONE
from krate_gitops.server.mcp.budget import Room
from krate_gitops.server.mcp.gateway import Call, Gateway, Outcome, answered
from krate_gitops.server.mcp.prompts import NAME, PROMPT, start_with_memory
from krate_gitops.server.mcp.resources import list_page
from krate_gitops.server.mcp.tools.read import READ, read_uri
from krate_gitops.server.mcp.tools.tool import NOTICE, Reading, Tool, input_schema, output_schema
from krate_gitops.server.mcp.uris import DOCUMENT_TEMPLATE, RECORD_TEMPLATE

CALLER = "krate_caller"
"""Where the HTTP gate writes, in a request's scope, whose call it is."""
_LOCAL = "stdio"
_LISTING = "memory.resources.list"
_MARKDOWN = "text/markdown"
_HOUR_MS = 3_600_000
_HINTS: Mapping[CacheableMethod, CacheHint] = {
    # A commit's content never changes; what may be read of it can, so nothing is kept for longer than a day.
    "resources/read": CacheHint(ttl_ms=24 * _HOUR_MS, scope="private"),
    "resources/list": CacheHint(ttl_ms=_HOUR_MS, scope="private"),
    "resources/templates/list": CacheHint(ttl_ms=_HOUR_MS, scope="private"),
    "tools/list": CacheHint(ttl_ms=_HOUR_MS, scope="private"),
    "prompts/list": CacheHint(ttl_ms=_HOUR_MS, scope="private"),
}

Context = ServerRequestContext[Any, Any]


def build_server(gateway: Gateway, *, dotted: bool = False) -> Server[Any]:
    """A server for the tools of a gateway. ``dotted`` puts ``memory.graph.search`` on the wire, which some clients
    refuse together with all other tools.
    """
    handlers = _Handlers(gateway, dotted=dotted)
    pin = gateway.pin
    writing = [tool.name for tool in gateway.tools if tool.writes]
    proposing = f"Propose what you learned with {writing[0]}; people review it. " if writing else ""
    return Server(
        "krate-gitops",
        version=__version__,
        title="Company brain memory",
        instructions=(
            f"Memory of the team, as of commit {pin.commit}: search with memory_graph_search, read with "
            f"memory_record_read, find exact lines with memory_docs_grep. {proposing}{NOTICE}"
        ),
        cache_hints=_HINTS,
        get_tool_input_schema=handlers.schema,
        on_list_tools=handlers.list_tools,
        on_call_tool=handlers.call_tool,
        on_list_resources=handlers.list_resources,
        on_list_resource_templates=handlers.list_templates,
        on_read_resource=handlers.read_resource,
        on_list_prompts=handlers.list_prompts,
        on_get_prompt=handlers.get_prompt,
    )


class _Handlers:
    def __init__(self, gateway: Gateway, *, dotted: bool) -> None:
        self._gateway = gateway
        self._tools = [described(tool, dotted=dotted) for tool in gateway.tools]

    def schema(self, name: str) -> dict[str, Any] | None:
        return next((tool.input_schema for tool in self._tools if tool.name == name), None)

    async def list_tools(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=self._tools)

    async def call_tool(self, ctx: Context, params: types.CallToolRequestParams) -> types.CallToolResult:
        outcome = await self._gateway.call(params.name, params.arguments or {}, _caller(ctx))
        return types.CallToolResult(
            content=[types.TextContent(type="text", text=outcome.text)],
            structured_content=dict(outcome.structured),
            is_error=outcome.is_error,
        )

    async def list_resources(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourcesResult:
        cursor = params.cursor if params else None

        def run(opened: OpenIndex, room: Room) -> Outcome:
            page = plain(list_page(opened, self._gateway.pin, cursor)._asdict())
            return Outcome(code=DONE, structured=page, text="", counts={"resources": len(page["items"])})

        outcome = await self._gateway.perform(Call(_LISTING, {"cursor": cursor}, _caller(ctx), run, is_metered=False))
        page = _allowed(outcome)
        resources = [
            types.Resource(uri=uri, name=name, description=kind, mime_type=_MARKDOWN)
            for uri, name, kind in page["items"]
        ]
        return types.ListResourcesResult(resources=resources, next_cursor=page["next_cursor"])

    async def list_templates(
        self, ctx: Context, params: types.PaginatedRequestParams | None
    ) -> types.ListResourceTemplatesResult:
        templates = [
            types.ResourceTemplate(
                uri_template=uri, name=name, title=title, description=description, mime_type=_MARKDOWN
            )
            for uri, name, title, description in (
                (RECORD_TEMPLATE, "memory-record", "Memory record", "A record by id, at the pinned commit."),
                (DOCUMENT_TEMPLATE, "memory-document", "Memory document", "A document by path, at the pinned commit."),
            )
        ]
        return types.ListResourceTemplatesResult(resource_templates=templates)

    async def read_resource(self, ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = params.uri

        def run(opened: OpenIndex, room: Room) -> Outcome:
            return answered(READ, read_uri(Reading(self._gateway.pin, opened, room), uri, room.bytes), room)

        outcome = await self._gateway.perform(Call(READ.dotted, {"uri": uri}, _caller(ctx), run))
        answer = _allowed(outcome)
        meta = {name: answer[name] for name in ("trust", "commit", "path", "digest")}
        contents = types.TextResourceContents(uri=uri, mime_type=_MARKDOWN, text=outcome.text, _meta=meta)
        return types.ReadResourceResult(contents=[contents])

    async def list_prompts(self, ctx: Context, params: types.PaginatedRequestParams | None) -> types.ListPromptsResult:
        return types.ListPromptsResult(prompts=[PROMPT])

    async def get_prompt(self, ctx: Context, params: types.GetPromptRequestParams) -> types.GetPromptResult:
        task = (params.arguments or {}).get("task", "")
        if params.name != NAME or not task:
            raise MCPError(code=types.INVALID_PARAMS, message=f"the one prompt is {NAME}, and it needs a task")
        return start_with_memory(task)


def described(tool: Tool, *, dotted: bool) -> types.Tool:
    """A tool as clients see it."""
    return types.Tool(
        name=tool.dotted if dotted else tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=input_schema(tool),
        output_schema=output_schema(tool),
        annotations=types.ToolAnnotations(
            title=tool.title,
            read_only_hint=not tool.writes,
            destructive_hint=False,
            idempotent_hint=True,
            open_world_hint=False,
        ),
    )


def _caller(ctx: Context) -> str:
    """Whose budget a request is charged to. Over HTTP the gate has found out; a pipe has one other end."""
    caller: str = ctx.request.scope[CALLER] if ctx.request is not None else _LOCAL
    return caller


def _allowed(outcome: Outcome) -> Any:
    """The answer. Resources have no results that are errors, so a failure becomes one of the protocol."""
    if outcome.is_error:
        raise MCPError(
            code=types.INVALID_PARAMS,
            message=f"{outcome.code}: {outcome.structured['message']}",
            data=dict(outcome.structured),
        )
    return outcome.structured
