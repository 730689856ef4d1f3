"""Applications that are called in this process, without a port: ASGI and WSGI callables, and aiohttp's.

Each gets webhooks by a call of `post`: an ordinary `POST` of the path that the test names.
"""

import asyncio
import contextlib
import inspect
import io
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .errors import WrongUse

HOST = "application.invalid"
"""RFC 2606: a name that no machine has. Nothing is ever sent there."""


def url_of(path: str) -> str:
    """What the journal shows as the URL of an application in this process."""
    return f"http://{HOST}{path}"


class Application(Protocol):
    """One application of one test."""

    async def open(self) -> None:
        """Start it, as servers do before the first request. Raises `WrongUse` when it does not start."""
        ...

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        """Deliver a webhook; the status of the answer."""
        ...

    async def close(self) -> None:
        """Let go of what it needed to be called."""
        ...


def application_of(application: Any, path: str) -> Application:
    """How to call it. Raises `WrongUse` for what can't be called."""
    if type(application).__module__.partition(".")[0] == "aiohttp":
        return _Aiohttp(application, path)
    if not callable(application):
        raise WrongUse(f"webhook({application!r}): give a URL, or an ASGI, WSGI or aiohttp application")
    return _Asgi(application, path) if _is_asgi(application) else _Wsgi(application, path)


def _is_asgi(application: Any) -> bool:
    """ASGI 3: a coroutine function of (scope, receive, send), or an object whose `__call__` is one."""
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(
        getattr(application, "__call__", None)  # noqa: B004 — the function itself is looked at, not whether there is one
    )


class _Asgi:
    """Runs on the loop of the emulator, with its lifespan."""

    def __init__(self, application: Any, path: str) -> None:
        self._application = application
        self._path = path
        self._lifespan: _Lifespan | None = None

    async def open(self) -> None:
        self._lifespan = _Lifespan(self._application)
        await self._lifespan.started()

    async def close(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.end()

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        status = 0
        sent = False

        async def receive() -> dict[str, Any]:
            nonlocal sent
            if sent:
                await asyncio.get_running_loop().create_future()  # the client stays until the answer is complete
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Mapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]

        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": self._path,
            "raw_path": self._path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": _encoded({"host": HOST, "content-length": str(len(body)), **headers}),
            "client": ("127.0.0.1", 0),
            "server": (HOST, 80),
        }
        await self._application(scope, receive, send)
        return status


class _Lifespan:
    """ASGI's lifespan of one application. One that raises has none, and is served all the same."""

    def __init__(self, application: Any) -> None:
        self._application = application
        self._started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_ending = asyncio.Event()
        self._task = asyncio.create_task(self._run())

    async def started(self) -> None:
        await self._started

    async def end(self) -> None:
        if self._started.cancelled():  # nobody waited for it any more
            self._task.cancel()
        self._is_ending.set()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}
        with contextlib.suppress(Exception):  # ASGI: that is how an application says that it knows no lifespan
            await self._application(scope, self._receive, self._send)
        if not self._started.done():
            self._started.set_result(None)

    async def _receive(self) -> dict[str, Any]:
        if not self._started.done():
            return {"type": "lifespan.startup"}
        await self._is_ending.wait()
        return {"type": "lifespan.shutdown"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "lifespan.startup.failed":
            self._started.set_exception(WrongUse(f"the application does not start: {message.get('message', '')}"))
        elif message["type"] == "lifespan.startup.complete":
            self._started.set_result(None)


class _Wsgi:
    """Called in a thread: it may wait for the emulator's own answers."""

    def __init__(self, application: Any, path: str) -> None:
        self._application = application
        self._path = path

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        return await asyncio.to_thread(self._call, headers, body)

    async def open(self) -> None:
        """There is nothing to start."""

    async def close(self) -> None:
        """There is nothing to close."""

    def _call(self, headers: Mapping[str, str], body: bytes) -> int:
        statuses: list[int] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], None]:
            statuses.append(int(status.split(" ", 1)[0]))
            return lambda data: None

        result = self._application(self._environ(headers, body), start_response)
        try:
            for _ in result:
                pass
        finally:
            if hasattr(result, "close"):
                result.close()
        return statuses[-1]

    def _environ(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        """PEP 3333."""
        return {
            "REQUEST_METHOD": "POST",
            "SCRIPT_NAME": "",
            "PATH_INFO": self._path,
            "QUERY_STRING": "",
            "SERVER_NAME": HOST,
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": headers.get("content-type", ""),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "HTTP_HOST": HOST,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
        }


class _Aiohttp:
    """An `aiohttp.web.Application` has no call of its own: it gets a server on a free port of loopback."""

    def __init__(self, application: Any, path: str) -> None:
        self._application = application
        self._path = path
        self._runner: Any = None
        self._url = ""

    async def open(self) -> None:
        from aiohttp import web

        self._runner = web.AppRunner(self._application, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self._url = f"http://{host}:{port}{self._path}"

    async def post(self, headers: Mapping[str, str], body: bytes) -> int:
        import aiohttp

        async with aiohttp.ClientSession() as session, session.post(self._url, data=body, headers=headers) as answer:
            return answer.status

    async def close(self) -> None:
        await self._runner.cleanup()


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
