"""``python -m tests.sweep.kernel`` runs a cell from standard input in a fresh kernel, and prints what it shows."""

import json
import sys
import time
from typing import Any

from jupyter_client.manager import start_new_kernel

_PATIENCE_S = 90


def shown_by(cell: str) -> list[dict[str, Any]]:
    """The messages that show something, or tell of an error, in order."""
    manager, client = start_new_kernel(kernel_name="python3")
    shown: list[dict[str, Any]] = []
    try:
        sent, deadline = client.execute(cell), time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline:
            message = client.get_iopub_msg(timeout=_PATIENCE_S)
            kind, content = message["msg_type"], message["content"]
            if "data" in content or kind == "error":
                shown.append({"kind": kind, **content})
            idle = kind == "status" and content["execution_state"] == "idle"
            if idle and message["parent_header"].get("msg_id") == sent:
                break
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return shown


if __name__ == "__main__":
    json.dump(shown_by(sys.stdin.read()), sys.stdout)
