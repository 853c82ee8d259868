"""Whatever a server echoes of a Secret, no value of it is shown."""

from __future__ import annotations

import base64
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from krate_gitops.cluster.client.masking import masked

VALUES = st.text(st.characters(codec="utf-8"), min_size=4, max_size=60).map(lambda text: f"v{text}")
ECHOES = st.sampled_from(["raw", "json", "json in json", "data", "quoted", "printed"])


def echoed(how: str, value: str, sent: dict[str, Any]) -> str:
    encoded = base64.b64encode(value.encode()).decode()
    return {
        "raw": f"webhook says: {value} is weak",
        "json": f"denied: {json.dumps(sent, ensure_ascii=False)}",
        "json in json": json.dumps({"object": json.dumps(sent)}),
        "data": f"data.k: bad value {encoded}",
        "quoted": f"data.k: Invalid value: {json.dumps(value)}: must be something else",
        "printed": f"data:map[k:{encoded}]",
    }[how]


@given(value=VALUES, how=ECHOES, as_data=st.booleans())
def test_no_echo_shows_a_value(value: str, how: str, as_data: bool) -> None:
    encoded = base64.b64encode(value.encode()).decode()
    sent = {"kind": "Secret", "data": {"k": encoded}} if as_data else {"kind": "Secret", "stringData": {"k": value}}
    shown = masked(echoed(how, value, sent), sent=sent)
    assert value not in shown
    assert encoded not in shown
    assert json.dumps(value)[1:-1] not in shown
