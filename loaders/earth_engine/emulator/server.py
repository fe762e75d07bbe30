"""The emulator's HTTP server, on the loopback alone."""

from __future__ import annotations

import logging
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from loaders.earth_engine.emulator import routes
from loaders.earth_engine.emulator.answers import Answer, ApiError, not_emulated
from loaders.earth_engine.emulator.assets import Library
from loaders.earth_engine.emulator.counts import Counts
from loaders.earth_engine.emulator.misbehave import Misbehaviour, Rule
from loaders.earth_engine.emulator.network import Network
from skyscript_db.errors import SkyscriptError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

logger = logging.getLogger(__name__)

MAX_PAYLOAD_BYTES = 10 << 20
CLOSING_S = 5


class Emulator:
    """Local GeoTIFF files, served as Earth Engine serves images.

    Args:
        library: The files.
        port: 0 takes a free one.
        rules: Faults from the start.
        per_second: More requests within a second are answered with 429.
        concurrent: More requests at once are answered with 429.
        mbit_per_s: Answers leave no faster, all together; None: at once.
    """

    def __init__(
        self,
        library: Library,
        *,
        port: int = 0,
        rules: Iterable[Rule] = (),
        per_second: float | None = None,
        concurrent: int | None = None,
        mbit_per_s: float | None = None,
    ) -> None:
        self.misbehaviour = Misbehaviour(rules)
        self.counts = Counts(per_second, concurrent)
        self.service = routes.Service(library, lambda: self.url)
        self.closing = threading.Event()
        self.network = Network(mbit_per_s, self.closing.wait)
        self.answers: dict[object, Answer] | None = None
        try:
            self._server = _Server(("127.0.0.1", port), self)
        except OSError as error:
            raise UsageError(
                f"port {port} cannot be served: {error.strerror}; use --port 0"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )

    @classmethod
    def of_folder(cls, folder: Path, **options: Any) -> Self:
        """Serve a folder of collections.

        Raises:
            UsageError: There is no such folder, or the port is taken.
        """
        if not folder.is_dir():
            raise UsageError(
                f"no folder {folder}: name one with collections of GeoTIFFs"
            )
        return cls(Library(folder), **options)

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> Self:
        """Begin to serve, in a thread of its own."""
        self._thread.start()
        return self

    def remember(self, is_wanted: bool) -> None:  # noqa: FBT001
        """Answer what was asked before from memory, or no longer."""
        self.answers = {} if is_wanted else None

    def close(self) -> None:
        """Stop serving; who waits for a slow answer or network is let go."""
        self.closing.set()
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    """A server that knows its connections, so that it can end them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], emulator: Emulator) -> None:
        self.emulator = emulator
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def hang_up(self) -> None:
        """End the connections that clients keep alive."""
        with self._changed:
            for connection in self._open:
                _shut(connection)
            self._changed.wait_for(lambda: not self._open, timeout=CLOSING_S)

    def handle_error(self, request: Any, client_address: Any) -> None:
        del request
        logger.debug("lost the connection from %s", client_address, exc_info=True)


def _shut(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("already gone")


class _Handler(BaseHTTPRequestHandler):
    """One connection, which may bring many requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    _open: str | None = None

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        if self._payload_bytes > MAX_PAYLOAD_BYTES:
            self._drain()
            limit = f"the limit: {MAX_PAYLOAD_BYTES} bytes."
            refusal = ApiError(400, f"Request payload size exceeds {limit}")
            self._send(refusal.answer())
            return
        self._serve(self.rfile.read(self._payload_bytes))

    def do_PUT(self) -> None:
        self._drain()
        self._send(not_emulated(f"{self.command} {self.path}").answer())

    @property
    def _payload_bytes(self) -> int:
        return int(self.headers.get("Content-Length", 0))

    def _drain(self) -> None:
        """Take what a client sends: one that is still sending looks for no answer."""
        n_bytes = self._payload_bytes
        # A body in chunks has no length: it ends with the connection.
        self.close_connection = "Transfer-Encoding" in self.headers
        while n_bytes > 0 and (part := self.rfile.read(min(n_bytes, 1 << 20))):
            n_bytes -= len(part)

    do_PATCH = do_DELETE = do_PUT  # noqa: N815

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        name, call, resource = routes.find(self.command, path)
        counts = self.server.emulator.counts
        self._open = name
        broken = counts.begin(name)
        try:
            request = routes.Request(resource, dict(parse_qsl(parts.query)), body)
            self._answer(path, request, call, broken)
        finally:
            self._count_out(0)

    def _count_out(self, status: int, answer: Answer | None = None) -> None:
        """Count the request out, once."""
        if self._open is not None:
            self.server.emulator.counts.end(self._open, status)
            self._open = None
        for window in answer.windows if answer else ():
            is_whole = window.is_whole and status == 200
            told = replace(window, status=status, is_whole=is_whole)
            self.server.emulator.counts.window(told)

    def _answer(
        self, path: str, request: routes.Request, call: routes.Call, broken: str | None
    ) -> None:
        emulator = self.server.emulator
        fault = None if broken else emulator.misbehaviour.fault(path, request.body)
        if broken:
            self._send(Rule("429", retry_after_s=1).answer())
        elif fault is None:
            self._send(_called(emulator, call, request))
        else:
            emulator.counts.fault(fault.kind)
            self._misbehave(fault, call, request)

    def _misbehave(
        self, fault: Rule, call: routes.Call, request: routes.Request
    ) -> None:
        emulator = self.server.emulator
        if fault.kind == "reset":
            self._cut()
            return
        if fault.is_answer:
            self._send(fault.answer())
            return
        if fault.kind == "slow":
            emulator.closing.wait(fault.seconds)
        answer = _called(emulator, call, request)
        half = answer.body[: len(answer.body) // 2]
        if fault.kind == "shortened":
            self._send(_shortened(answer, half))
        elif fault.kind == "truncated":
            self._send_head(answer)
            self._write(half)
            self._cut(answer)
        else:
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        self._send_head(answer)
        self._write(answer.body[:-1])
        # Before its last byte: who has the answer may ask again before we are here.
        self._count_out(answer.status, answer)
        self.wfile.write(answer.body[-1:])

    def _write(self, body: bytes) -> None:
        for piece in self.server.emulator.network.let_through(body):
            self.wfile.write(piece)

    def _send_head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, text in answer.headers.items():
            self.send_header(name, text)
        self.end_headers()

    def _cut(self, answer: Answer | None = None) -> None:
        self._count_out(0, answer)
        self.close_connection = True
        _shut(self.connection)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        logger.debug(format, *args)


def _shortened(answer: Answer, body: bytes) -> Answer:
    windows = tuple(replace(window, is_whole=False) for window in answer.windows)
    return replace(answer, body=body, windows=windows)


def _called(emulator: Emulator, call: routes.Call, request: routes.Request) -> Answer:
    key = (call, request.name, *sorted(request.query.items()), request.body)
    answers = emulator.answers
    known = answers.get(key) if answers is not None else None
    if known is not None:
        return known
    answer = _computed(emulator, call, request)
    if answers is not None and answer.status == 200:
        answers[key] = answer
    return answer


def _computed(emulator: Emulator, call: routes.Call, request: routes.Request) -> Answer:
    try:
        return call(emulator.service, request)
    except ApiError as error:
        return error.answer()
    except SkyscriptError as error:
        return ApiError(500, f"the emulator's files: {error}").answer()
    except Exception as error:
        logger.exception("a fault of the emulator")
        return ApiError(500, f"a fault of the emulator: {error!r}").answer()
