"""A phone application on `openai-agents`: told of a call by a signed webhook, it accepts, and its agent joins the call.

It takes one call and ends with it. It knows nothing but api.openai.com.
"""

import asyncio

import websockets
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.realtime.model_inputs import RealtimeModelSendRawMessage
from agents.realtime.openai_realtime import OpenAIRealtimeSIPModel
from aiohttp import web
from openai import AsyncOpenAI

GREET = {"instructions": "Say exactly 'Welcome, which order?'"}
client = AsyncOpenAI()


@function_tool
def find_order(number: str) -> str:
    """Where an order is."""
    print(f"tool: find_order({number})")  # noqa: T201
    return f"order {number} is on its way"


agent = RealtimeAgent(name="Support", instructions="You take calls.", tools=[find_order])


async def converse(call_id: str) -> None:
    """Attach to the call by its id, greet, and be its agent until the caller hangs up."""
    runner = RealtimeRunner(agent, model=OpenAIRealtimeSIPModel())
    async with await runner.run(model_config={"call_id": call_id}) as session:
        await session.model.send_event(
            RealtimeModelSendRawMessage(message={"type": "response.create", "other_data": {"response": GREET}})
        )
        async for event in session:
            if event.type in ("tool_end", "error"):
                print(f"{event.type}: {getattr(event, 'output', getattr(event, 'error', None))}")  # noqa: T201


async def main() -> None:
    answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def webhook(request: web.Request) -> web.Response:
        event = client.webhooks.unwrap(await request.read(), request.headers)
        if event.type == "realtime.call.incoming":
            payload = await OpenAIRealtimeSIPModel.build_initial_session_payload(agent)
            await client.realtime.calls.accept(event.data.call_id, **payload.model_dump(exclude_unset=True))
            answered.set_result(event.data.call_id)
        return web.Response()

    app = web.Application()
    app.add_routes([web.post("/webhook", webhook)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
    endpoint = await client.webhooks.create(name="calls", url=url, event_types=["realtime.call.incoming"])
    client.webhook_secret = endpoint.signing_secret
    print("waiting for a call")  # noqa: T201
    try:
        await converse(await answered)
    except websockets.ConnectionClosedError:  # a caller who hangs up: no close frame
        print("the caller has hung up")  # noqa: T201
    await runner.cleanup()


asyncio.run(main())
