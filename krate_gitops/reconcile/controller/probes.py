"""``/healthz`` and ``/readyz`` of the controller, for whoever keeps it running."""

from __future__ import annotations

from datetime import timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from krate_gitops.reconcile.controller.controller import Controller
from krate_gitops.reconcile.tools import Tools

_STALE = timedelta(seconds=15)


def probes(controller: Controller, tools: Tools) -> Starlette:
    """Alive: the loop has run within the last seconds. Ready: the cluster is reached and it is known who leads.

    A source that is broken makes neither fail.
    """

    async def healthz(_: Request) -> Response:
        beat = controller.beat
        if beat is None or tools.now() - beat > _STALE:
            return PlainTextResponse("the loop stands still\n", status_code=503)
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        if not controller.is_connected or controller.beat is None:
            return PlainTextResponse("not connected to the cluster yet\n", status_code=503)
        return PlainTextResponse("leading\n" if controller.is_leading else "standing by\n")

    return Starlette(routes=[Route("/healthz", healthz), Route("/readyz", readyz)])
