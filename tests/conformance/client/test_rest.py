"""The REST client against a server that echoes, and against none."""

import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from aiohttp import web
from ringback.conformance.client import RestClient, WebhookReceiver
from ringback.conformance.client.errors import ConnectionFailed, ProtocolViolation, UsageError, WaitTimeout


@pytest.fixture
async def base_url() -> AsyncIterator[str]:
    """A server that answers with what it got, 418 with an error for `/v1/error`, and drops `/v1/drop`."""

    async def handle(request: web.Request) -> web.Response:
        if request.path == "/v1/error":
            return web.json_response({"error": {"code": "teapot"}}, status=418)
        if request.path == "/v1/drop":
            assert request.transport is not None
            request.transport.close()
        if request.path == "/v1/redirect":
            raise web.HTTPFound("/v1/error")
        seen = {
            "method": request.method,
            "path": request.raw_path,
            "body": (await request.read()).decode(),
            "key": request.headers.get("Authorization"),
            "type": request.headers.get("Content-Type"),
        }
        return web.json_response(seen, headers={"X-Twice": "1"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/"
    await runner.cleanup()


async def test_client_sends_the_verbs_of_a_call(base_url: str) -> None:
    async with RestClient(base_url, "sk-1") as rest:
        accepted = await rest.accept("rtc_1")
        assert (accepted.status, accepted.is_success, accepted.header("x-twice")) == (200, True, "1")
        assert accepted.elapsed > 0
        seen = accepted.json()
        assert (seen["method"], seen["path"], seen["key"]) == ("POST", "/v1/realtime/calls/rtc_1/accept", "Bearer sk-1")
        assert json.loads(seen["body"])["type"] == "realtime"
        assert (await rest.accept("rtc_1", {"type": "x"})).json()["body"] == '{"type": "x"}'
        bare = (await rest.reject("a/b")).json()
        assert (bare["path"], bare["body"]) == ("/v1/realtime/calls/a%2Fb/reject", "")
        assert (await rest.reject("rtc_1", 486)).json()["body"] == '{"status_code": 486}'
        assert (await rest.refer("rtc_1", "tel:+1")).json()["body"] == '{"target_uri": "tel:+1"}'
        assert (await rest.hangup("rtc_1", has_key=False)).json()["key"] is None
        raw = (await rest.call("rtc_1", "accept", body=b"{", headers={"Content-Type": "text/plain"})).json()
        assert (raw["body"], raw["type"]) == ("{", "text/plain")


async def test_client_sends_the_verbs_of_webhook_endpoints(base_url: str) -> None:
    async with RestClient(base_url, "sk-1", headers={"OpenAI-Project": "proj_x"}) as rest:
        answers = [
            await rest.create_webhook_endpoint("https://a"),
            await rest.list_webhook_endpoints(limit="1"),
            await rest.webhook_endpoint("we_1"),
            await rest.update_webhook_endpoint("we_1", name="x"),
            await rest.rotate_webhook_secret("we_1"),
            await rest.rotate_webhook_secret("we_1", keeps_old_secret=True),
            await rest.test_webhook_endpoint("we_1", "realtime.call.incoming"),
            await rest.delete_webhook_endpoint("we_1"),
        ]
        assert [
            f"{each.json()['method']} {each.json()['path'].removeprefix('/v1/webhook_endpoints')}" for each in answers
        ] == [
            "POST ",
            "GET ?limit=1",
            "GET /we_1",
            "POST /we_1",
            "POST /we_1/rotate_secret",
            "POST /we_1/rotate_secret",
            "POST /we_1/test",
            "DELETE /we_1",
        ]
        assert answers[5].json()["body"] == '{"keep_old_secret_active_for_24_hours": true}'


async def test_answers_that_are_errors_are_returned_and_read(base_url: str) -> None:
    async with RestClient(base_url, None) as rest:
        answer = await rest.request("GET", "/error")
        assert (answer.status, answer.is_success, answer.error["code"]) == (418, False, "teapot")
        assert (await rest.request("GET", "/redirect")).status == 302
        with pytest.raises(ProtocolViolation, match="without an error"):
            _ = (await rest.request("GET", "/fine")).error
        with pytest.raises(ProtocolViolation, match="302 and no JSON"):
            (await rest.request("GET", "/redirect")).json()


async def test_no_answer_is_a_typed_error(base_url: str) -> None:
    async with RestClient(base_url, None) as rest:
        with pytest.raises(ConnectionFailed, match="no answer to GET /drop"):
            await rest.request("GET", "/drop")
        with pytest.raises(WaitTimeout, match="no answer to GET /fine within 0 s"):
            await rest.request("GET", "/fine", timeout=0.0)
    async with RestClient("http://127.0.0.1:1/v1", None) as rest:
        with pytest.raises(ConnectionFailed):
            await rest.request("GET", "/x")


async def test_client_trusts_the_authority_it_is_given(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with WebhookReceiver(tls=context) as server:
        assert server.url.startswith("https://127.0.0.1:")
        async with RestClient(server.url, None, ca_file=str(tmp_path / "ca.pem")) as rest:
            assert (await rest.request("GET", "/anything")).status == 200
        async with RestClient(server.url, None) as stranger:
            with pytest.raises(ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED"):
                await stranger.request("GET", "/anything")


async def test_client_is_refused_when_it_is_misused(tmp_path: object) -> None:
    with pytest.raises(UsageError, match="async with"):
        await RestClient("http://x", None).request("GET", "/")
    with pytest.raises(UsageError, match="can't read the certificates"):
        async with RestClient("https://x", None, ca_file=f"{tmp_path}/none"):
            pass
