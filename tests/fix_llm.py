"""A chat model on the loopback that speaks OpenAI's protocol, with faults at will."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

Answer = Callable[[str], str]
Fault = Callable[[BaseHTTPRequestHandler], None]


def completion(text: str | None, **more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, **more.pop("message", {})}
    choice = {"index": 0, "message": message, "finish_reason": "stop", **more}
    return {"object": "chat.completion", "model": "tiny", "choices": [choice]}


def send(
    handler: BaseHTTPRequestHandler, body: Any, status: int = 200, **headers: str
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@dataclass
class Llm:
    """What the server says: faults first, one a request, then answers."""

    url: str = ""
    answer: Answer = field(default=lambda caption: caption)
    faults: list[Fault] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


@pytest.fixture
def llm() -> Iterator[Llm]:
    served = Llm()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *values: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with served.lock:
                served.asked.append(body)
                served.keys.append(self.headers["Authorization"])
                fault = served.faults.pop(0) if served.faults else None
            if fault is not None:
                fault(self)
                return
            caption = json.loads(body["messages"][1]["content"])["caption"]
            send(self, completion(served.answer(caption)))

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}/v1"
    yield served
    server.shutdown()
    server.server_close()
    thread.join()


def status(code: int, **headers: str) -> Fault:
    return lambda handler: send(handler, {"error": {"code": code}}, code, **headers)


def hang(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.6)
    handler.close_connection = True


def break_off(handler: BaseHTTPRequestHandler) -> None:
    """Begin a body in chunks and break the connection off."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"5\r\n{")
    handler.close_connection = True
