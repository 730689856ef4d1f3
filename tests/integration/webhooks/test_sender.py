"""Webhooks over TLS, and a sender that stops or fails in the middle."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme
from integration.webhooks.posting import Post, Receiver, StartPost
from ringback.emulator.errors import EndpointUnreachable, UsageError
from ringback.emulator.webhooks.envelope import INCOMING_CALL


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
async def tls_receiver(authority: trustme.CA) -> AsyncIterator[Receiver]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    receiver = Receiver()
    await receiver.start(context)
    yield receiver
    await receiver.stop()


async def test_https_endpoint_is_verified_with_an_extra_authority(
    start_post: StartPost, tls_receiver: Receiver, authority: trustme.CA, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    post = await start_post(extra_ca=str(file))
    post.subscribe(tls_receiver.url(scheme="https"))
    post.send()
    await tls_receiver.next()
    await post.entry("webhook.attempt")
    await post.entry("webhook.delivered")


async def test_https_endpoint_of_an_unknown_authority_gets_nothing(post: Post, tls_receiver: Receiver) -> None:
    post.subscribe(tls_receiver.url(scheme="https"))
    post.send()
    assert "certificate verify failed" in (await post.entry("webhook.attempt")).data["error"]
    assert tls_receiver.deliveries == []


@pytest.mark.parametrize("content", [None, "not a certificate"])
async def test_sender_refuses_an_authority_file_it_cannot_read(
    start_post: StartPost, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(UsageError, match=r"ca\.pem"):
        await start_post(extra_ca=str(file))


async def test_sender_stops_in_the_middle_of_an_attempt(post: Post) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        post.subscribe(f"http://127.0.0.1:{listener.getsockname()[1]}/")
        post.send()
        test = asyncio.ensure_future(
            post.sender.test(INCOMING_CALL, endpoint=post.project.endpoints.list().endpoints[0], project=post.project)
        )
        await asyncio.sleep(0)
        await post.sender.stop()
        with pytest.raises(EndpointUnreachable, match="given up"):
            await test
    with pytest.raises(UsageError, match="stopped"):
        post.send()
    assert list(post.journal.entries()) == []


async def test_retries_that_wait_end_with_the_sender(post: Post, receiver: Receiver) -> None:
    receiver.answers = [500]
    post.subscribe(receiver.url())
    post.send()
    await post.entry("webhook.attempt")
    await post.sender.stop()
    post.clock.advance(3600)
    assert len(receiver.deliveries) == 1


async def test_bug_in_an_attempt_is_journalled(post: Post, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    post.subscribe(receiver.url())
    monkeypatch.setattr(post.sender._deliveries, "completed", broken)
    post.send()
    bug = await post.entry("emulator.bug")
    assert bug.data["error"] == "ZeroDivisionError('a bug')"
    post.journal._entries.clear()
