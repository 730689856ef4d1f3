"""A stand-in of the emulator, and the environment that leads a program to it."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import WSMsgType, web
from integration.redirect.stand_in import KEY, StandIn
from ringback.emulator.transports.environment import Redirection, child_environment
from ringback.emulator.transports.redirect import Redirect, Upstream
from ringback.emulator.transports.tls import Authority, server_contexts


@pytest.fixture(params=["127.0.0.1"])
async def stand_in(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[StandIn]:
    seen: list[tuple[str, str, str | None]] = []
    refused: list[str] = []

    def note(request: web.Request) -> None:
        seen.append((request.scheme, request.host, request.headers.get("authorization")))

    async def models(request: web.Request) -> web.Response:
        note(request)
        return web.json_response({"object": "list", "data": [{"id": "from-ringback", "object": "model"}]})

    async def echo(request: web.Request) -> web.WebSocketResponse:
        note(request)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str("echo " + message.data)
        return socket

    app = web.Application()
    app.add_routes([web.get("/v1/models", models), web.get("/v1/realtime", echo)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    with Authority() as authority:
        secure = web.TCPSite(runner, request.param, 0, ssl_context=server_contexts(authority).https)
        plain = web.TCPSite(runner, "127.0.0.1", 0)
        await secure.start()
        await plain.start()
        https, http = (address[:2] for address in runner.addresses)
        redirect = Redirect(https=https, upstream=Upstream.of(os.environ), on_refused=refused.append)
        await redirect.start()
        redirection = Redirection(
            base_url=f"http://127.0.0.1:{http[1]}/v1",
            api_key=KEY,
            webhook_secret="whsec_cmluZ2JhY2s=",
            ca_file=authority.ca_file,
            target=redirect.target,
            proxy_port=redirect.proxy_port,
        )
        environment = child_environment(os.environ, redirection, folder=tmp_path)
        environment["PLAIN"] = f"http://localhost:{http[1]}/v1/models"
        yield StandIn(https, http, redirect, environment, seen, refused)
        await redirect.stop()
    await runner.cleanup()
