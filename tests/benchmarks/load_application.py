"""The application of the third load: takes webhooks and accepts every call: `load_application.py FILE READY-FILE`.

It writes its URL to FILE; by the time of its first call there is a READY-FILE. One process, one loop, kept connections.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

SESSION = {"type": "realtime", "model": "gpt-realtime"}


async def main(file: Path, ready_file: Path) -> None:
    tasks: set[asyncio.Task[None]] = set()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:
        ready: dict[str, str] = {}

        def read_ready() -> None:
            ready.update(json.loads(ready_file.read_text()))

        async def accept(call_id: str) -> None:
            if not ready:
                read_ready()
            url = f"{ready['base_url']}/realtime/calls/{call_id}/accept"
            headers = {"Authorization": f"Bearer {ready['api_key']}"}
            async with client.post(url, json=SESSION, headers=headers) as response:
                await response.read()

        async def webhook(request: web.Request) -> web.Response:
            event = json.loads(await request.read())
            task = asyncio.create_task(accept(event["data"]["call_id"]))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            return web.Response()

        app = web.Application()
        app.router.add_post("/", webhook)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        part = file.with_suffix(".part")
        part.write_text(f"http://127.0.0.1:{runner.addresses[0][1]}/")
        part.rename(file)
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
        await stop.wait()
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
