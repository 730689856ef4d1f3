"""A client of the control API without anything of ringback in it, and an application to be called."""

import json
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

SESSION = {"type": "realtime", "model": "gpt-realtime"}


@dataclass
class Client:
    """`await client("POST", "calls", via="memory")` is the status and the body."""

    http: aiohttp.ClientSession
    url: str

    async def __call__(self, method: str, path: str, /, **body: Any) -> tuple[int, Any]:
        options = {"json": body} if method in ("POST", "PUT") else {}
        async with self.http.request(method, f"{self.url}/{path}", **options) as response:
            text = await response.text()
            return response.status, json.loads(text) if response.content_type == "application/json" else text

    async def done(self, method: str, path: str, /, **body: Any) -> Any:
        """The body of what must have been done."""
        status, answer = await self(method, path, **body)
        assert status < 300, answer
        return answer


@dataclass
class Application:
    """Accepts each call, or does with it what `verb` says, and tells who called."""

    verb: tuple[str, dict[str, Any]] = ("accept", SESSION)
    then: tuple[str, dict[str, Any]] | None = None
    url: str = ""
    project: dict[str, Any] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    async def webhook(self, request: web.Request) -> web.Response:
        event = json.loads(await request.read())
        call = f"{self.project['base_url']}/realtime/calls/{event['data']['call_id']}"
        self.calls.append(event["data"]["call_id"])
        headers = {"Authorization": f"Bearer {self.project['api_key']}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            for verb, body in filter(None, (self.verb, self.then)):
                async with http.post(f"{call}/{verb}", json=body) as response:
                    assert response.status == 200, await response.text()
        return web.Response()
