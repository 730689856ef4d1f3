"""The same receptionist on FastAPI."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from openai import AsyncOpenAI, InvalidWebhookSignatureError
from openai.resources.realtime import AsyncRealtime  # noqa: F401 -- else imported when first used: a caller would wait
from openai.resources.webhooks import AsyncWebhooks  # noqa: F401 -- the same
from websockets import ConnectionClosedError

GREETING = "Thank you for calling, how can I help you?"
TRANSFER = {
    "type": "function",
    "name": "transfer",
    "description": "Hand the caller over to a human.",
    "parameters": {"type": "object", "properties": {"target": {"type": "string"}}, "required": ["target"]},
}

conversations: set[asyncio.Task[None]] = set()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Before the first caller rings: the client of all of them."""
    async with AsyncOpenAI() as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.post("/openai")
async def webhook(request: Request) -> Response:
    client: AsyncOpenAI = request.app.state.client
    try:
        event = client.webhooks.unwrap(await request.body(), request.headers)
    except InvalidWebhookSignatureError:
        return Response("This webhook was not signed with our secret.", status_code=400)
    if event.type == "realtime.call.incoming":
        call_id = event.data.call_id
        await client.realtime.calls.accept(
            call_id,
            type="realtime",
            model="gpt-realtime",
            instructions="You are the receptionist of a shop.",
            tools=[TRANSFER],
        )
        task = asyncio.create_task(converse(client, call_id))
        conversations.add(task)
        task.add_done_callback(conversations.discard)
    return Response()


async def converse(client: AsyncOpenAI, call_id: str) -> None:
    """At the sideband, until the call is over."""
    try:
        async with client.realtime.connect(call_id=call_id) as sideband:
            await sideband.response.create(response={"instructions": f"Say to the user '{GREETING}'"})
            async for event in sideband:
                if event.type == "response.function_call_arguments.done" and event.name == "transfer":
                    await client.realtime.calls.refer(call_id, target_uri=json.loads(event.arguments)["target"])
    except ConnectionClosedError:
        pass  # when the caller hangs up, the service drops the line without a farewell
