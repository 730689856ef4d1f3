"""Small applications that take a call, as users write them."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from openai import AsyncOpenAI

Answer = Callable[[AsyncOpenAI, str], Awaitable[Any]]
SESSION: dict[str, Any] = {"type": "realtime", "model": "gpt-realtime"}


async def accept(client: AsyncOpenAI, call_id: str) -> None:
    await client.realtime.calls.accept(call_id, **SESSION)


class Asgi:
    """An ASGI application: verifies each webhook, and does with the call what it was given."""

    def __init__(self, answer: Answer = accept, *, status: int = 200, secret: str | None = None) -> None:
        self._answer = answer
        self._status = status
        self._secret = secret
        self.lifespan: list[str] = []

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = (await receive())["body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        async with AsyncOpenAI(webhook_secret=self._secret) as client:
            try:
                event = client.webhooks.unwrap(body, headers)
            except ValueError:
                await self._respond(send, 400)
                return
            await self._answer(client, json.loads(body)["data"]["call_id"])
        assert event.type == "realtime.call.incoming"
        await self._respond(send, self._status)

    async def _live(self, receive: Any, send: Any) -> None:
        for step in ("startup", "shutdown"):
            self.lifespan.append((await receive())["type"])
            await send({"type": f"lifespan.{step}.complete"})

    async def _respond(self, send: Any, status: int) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
