"""Two programs that say api.openai.com and ask one question: `python direct.py openai`, `python direct.py agents`."""

import asyncio
import sys
from typing import Any

from openai import AsyncOpenAI


async def by_openai() -> str:
    question: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "4711"}]}
    async with (
        AsyncOpenAI(base_url="https://api.openai.com/v1") as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        await connection.session.update(session={"type": "realtime", "output_modalities": ["text"]})
        await connection.conversation.item.create(item=question)
        await connection.response.create()
        async for event in connection:
            if event.type == "response.output_text.done":
                return event.text
    raise SystemExit("the connection ended")


async def by_agents() -> str:
    from agents.realtime import RealtimeAgent, RealtimeRunner

    async with await RealtimeRunner(RealtimeAgent(name="Echo")).run() as session:
        await session.send_message("4711")
        said = ""
        async for event in session:
            if event.type == "raw_model_event" and event.data.type == "transcript_delta":
                said += event.data.delta
            elif event.type == "agent_end":
                return said
    raise SystemExit("the session ended")


print(asyncio.run({"openai": by_openai, "agents": by_agents}[sys.argv[1]]()))  # noqa: T201
