"""Senders that leave nothing behind, and a receiver."""

import asyncio
import random
import time
from collections.abc import AsyncIterator

import pytest
from integration.webhooks.posting import SECRET, Post, Receiver, StartPost
from ringback.emulator.calls.project import Project
from ringback.emulator.clock import ManualClock
from ringback.emulator.config import Settings
from ringback.emulator.ids import Ids
from ringback.emulator.journal import Journal
from ringback.emulator.transports.deadlines import Deadlines
from ringback.emulator.transports.webhook_sender import WebhookSender
from ringback.emulator.webhooks.endpoints import EndpointRegistry


@pytest.fixture
async def start_post() -> AsyncIterator[StartPost]:
    before = asyncio.all_tasks()
    posts: list[Post] = []

    async def start(*, extra_ca: str | None = None, **settings: float) -> Post:
        clock, journal, ids = ManualClock(time.time()), Journal(limit=10_000), Ids(random.Random(1))
        sender = WebhookSender(
            settings=Settings(**{"webhook_clock": "virtual", **settings}),
            clock=clock,
            deadlines=Deadlines(clock),
            journal=journal,
            ids=ids,
            extra_ca=extra_ca,
        )
        await sender.start()
        project = Project(id="proj_1", webhook_secret=SECRET, endpoints=EndpointRegistry(ids))
        post = Post(clock, journal, sender, project, ids)
        journal.subscribe(post._entries.put_nowait)
        posts.append(post)
        return post

    yield start
    for post in posts:
        await post.sender.stop()
        await post.sender.stop()
        assert post.clock.next_at is None or len(post.sender._deadlines) == 0
        assert [entry.data for entry in post.journal.entries(kind="emulator.bug")] == []
    assert [task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()] == []


@pytest.fixture
async def post(start_post: StartPost) -> Post:
    return await start_post()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    await receiver.start()
    yield receiver
    await receiver.stop()
