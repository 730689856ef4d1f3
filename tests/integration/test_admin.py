"""`/_ringback/`: what inspectors and scripts read."""

from typing import Any

import aiohttp
from desk import Desk


async def get(desk: Desk, path: str, **query: Any) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{desk.emulator.ready.admin_url}/{path}", params=query) as response,
    ):
        return response.status, await response.json()


async def test_health_and_ready_tell_what_scripts_need(desk: Desk) -> None:
    assert (await get(desk, "health"))[1]["status"] == "ok"
    status, ready = await get(desk, "ready")
    assert status == 200
    assert ready == desk.emulator.ready.as_dict()
    assert {"base_url", "api_key", "project_id", "webhook_secret", "sip", "ca_file", "admin_url"} <= ready.keys()
    assert ready["base_url"].endswith("/v1")


async def test_journal_is_filtered_by_call_and_kind_and_read_in_pages(desk: Desk) -> None:
    first, first_id = await desk.ring()
    await desk.rest.reject(first_id)
    await first.final_response()
    second, second_id = await desk.ring()
    await desk.rest.reject(second_id)
    await second.final_response()
    _, page = await get(desk, "journal", call_id=first_id, kind="sip")
    summaries = [entry["data"]["summary"] for entry in page["data"]]
    assert summaries[0].startswith("INVITE")
    assert "603 Decline" in summaries
    assert {entry["sip_call_id"] for entry in page["data"]} == {first.id}
    _, page = await get(desk, "journal", limit=3)
    assert (len(page["data"]), page["has_more"]) == (3, True)
    _, rest = await get(desk, "journal", after=page["next_after"], limit=5000)
    assert rest["data"][0]["sequence"] == page["next_after"] + 1
    assert not rest["has_more"]


async def test_journal_says_what_is_wrong_with_a_question(desk: Desk) -> None:
    for query in ({"kind": "nonsense"}, {"limit": "many"}):
        status, body = await get(desk, "journal", **query)
        assert status == 400
        assert next(iter(query)) == body["error"]["param"]
