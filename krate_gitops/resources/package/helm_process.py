"""Renders charts with Helm's own engine, in a process of its own: ``python helm_process.py FOLDER_OF_THE_ENGINE``.

The engine is a library in another language; whatever goes wrong in it must not take the caller along. One request of
JSON a line comes in, one answer goes out. A request has ``chart``, ``values``, ``release`` and ``namespace``; an answer
either ``files``, text by path, or ``refused``, Helm's own words.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def answer(engine: Any, request: dict[str, Any]) -> dict[str, Any]:
    """What Helm says to one request; values are checked against the chart's schema first, as an install does."""
    try:
        with engine.Chart.load(request["chart"]) as chart:
            chart.validate_schema(request["values"])
            files = chart.render(request["values"], name=request["release"], namespace=request["namespace"])
    except engine.HelmError as refused:
        return {"refused": str(refused)}
    return {"files": files}


def main(folder: str) -> None:
    """Answers until the requests end."""
    sys.path.insert(0, folder)
    import helm_python  # type: ignore[import-not-found]

    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(helm_python, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
