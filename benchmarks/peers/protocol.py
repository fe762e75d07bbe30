"""How a peer is driven: one command a line comes in, one JSON object goes out."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

Commands = dict[str, Callable[[], dict[str, Any]]]


def serve(commands: Commands) -> None:
    """Answer commands until the input ends; each answer tells its seconds."""
    for line in sys.stdin:
        began = time.perf_counter()
        answer = commands[line.strip()]()
        answer.setdefault("seconds", time.perf_counter() - began)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
