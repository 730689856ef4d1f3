"""What happens to a webhook that was not acknowledged: which answers count, and when it comes again."""

import asyncio
from functools import partial
from itertools import pairwise

from ..bench import Bench
from ..client.call import Call
from ..client.webhook_receiver import TOLERANCE, Answer, Delivery, problem_with
from ..requirement import Level, requirement
from ..sources import SDK, WEBHOOK_GUIDE

NEEDS = {"rest", "sip", "webhooks", "clock", "isolation"}
CLAUSE = "Webhooks guide, retries"
TURN = 0.02
"""Real seconds that the far end gets to make an attempt that has become due."""
HOUR = 3600.0
LONGEST_PAUSE = 48 * HOUR
"""Of the target's time: a second attempt that has not come by then is none within 72 hours of any backoff."""

documented = partial(requirement, level=Level.MUST, evidence="DOC", clause=CLAUSE, link=WEBHOOK_GUIDE, needs=NEEDS)
recommended = partial(requirement, level=Level.SHOULD, evidence="DOC", clause=CLAUSE, link=WEBHOOK_GUIDE, needs=NEEDS)
in_the_sdk = partial(requirement, level=Level.MUST, evidence="SDK", link=SDK, needs=NEEDS)


async def attempt(bench: Bench, call: Call, number: int) -> Delivery:
    """Attempt `number` to deliver the event of that call. The clock is moved in growing steps until it comes."""
    waiting = bench.watch(bench.delivery_of(call, count=number))
    step = 1.0
    while not waiting.done() and step < LONGEST_PAUSE:
        await asyncio.wait([waiting], timeout=TURN)
        if not waiting.done():
            await bench.clock.advance(step)
            step *= 2
    delivery: Delivery = await waiting
    return delivery


async def tried_twice(bench: Bench, answer: Answer) -> list[Delivery]:
    """The two attempts at an event whose first delivery got `answer`."""
    bench.receiver.script(answer)
    call = await bench.dial()
    return [await attempt(bench, call, number) for number in (1, 2)]


async def stays_away(bench: Bench, call: Call, number: int, *, hours: int = 12) -> bool:
    """Whether attempt `number` does not come, for so many hours of the target's time."""
    if not await bench.nothing(bench.watch(bench.delivery_of(call, count=number))):
        return False
    late = bench.watch(bench.delivery_of(call, count=number))
    for _ in range(hours):
        await bench.clock.advance(HOUR)  # by now our answer has arrived: it can't be overtaken by a time-out
    return await bench.nothing(late)


def _declare_failure(number: int, what: str, answer: Answer) -> None:
    @documented(f"WEBHOOK-RETRY-{number:02d}", says=f"A delivery that is {what} is tried again.")
    async def failed_delivery_is_repeated(bench: Bench) -> None:
        await tried_twice(bench, answer)


_declare_failure(1, "answered with 500", Answer(status=500))
_declare_failure(2, "answered with 404", Answer(status=404))
_declare_failure(3, "redirected with 302", Answer(status=302, headers=[("Location", "/elsewhere")]))
_declare_failure(4, "not answered", Answer(hangs=True))


@documented("WEBHOOK-RETRY-05", says="A redirect in answer to a delivery is not followed.")
async def redirect_is_not_followed(bench: Bench) -> None:
    bench.receiver.script(Answer(status=307, headers=[("Location", "/elsewhere")]))
    call = await bench.dial()
    await bench.delivery_of(call)
    followed = bench.watch(bench.receiver.wait_for(None, where=lambda delivery: delivery.path.startswith("/elsewhere")))
    bench.expect(await bench.nothing(followed), "nothing at the new place", "a request there")


def _declare_success(number: int, status: int) -> None:
    @documented(f"WEBHOOK-RETRY-{number:02d}", says=f"A delivery that is answered with {status} is not tried again.")
    async def delivery_is_acknowledged(bench: Bench) -> None:
        bench.receiver.answer = Answer(status=status)
        call = await bench.dial()
        await bench.delivery_of(call)
        bench.expect(await stays_away(bench, call, 2), "no second attempt in 12 hours", "one")


_declare_success(6, 200)
_declare_success(7, 204)


@documented("WEBHOOK-RETRY-08", says="The tries end with the first one that is answered with 2xx.")
async def tries_end_with_success(bench: Bench) -> None:
    bench.receiver.script(Answer(status=503), Answer(status=200))
    call = await bench.dial()
    await attempt(bench, call, 2)
    bench.expect(await stays_away(bench, call, 3), "no third attempt in 12 hours", "one")


@documented(
    "WEBHOOK-RETRY-09",
    says="Every attempt at an event has the same webhook-id.",
    clause="Webhooks guide: webhook-id is an idempotency key",
)
async def webhook_id_stays(bench: Bench) -> None:
    ids = [each.webhook_id for each in await tried_twice(bench, Answer(status=500))]
    bench.expect(ids[0] is not None and ids[0] == ids[1], "one webhook-id", ids)


@documented("WEBHOOK-RETRY-10", says="Every attempt at an event has the same body.")
async def body_stays(bench: Bench) -> None:
    first, second = await tried_twice(bench, Answer(status=500))
    bench.expect(first.event is not None and first.event == second.event, f"{first.event}", second.event)


async def late_attempt(bench: Bench) -> Delivery:
    """An attempt that is made when the event is older than receivers tolerate. It has just come."""
    bench.receiver.answer = Answer(status=500)
    call = await bench.dial()
    await bench.delivery_of(call)
    began, number = bench.clock.now(), 1
    while bench.clock.now() - began <= 2 * TOLERANCE:
        number += 1
        delivery = await attempt(bench, call, number)
    return delivery


@in_the_sdk(
    "WEBHOOK-RETRY-11",
    says="The webhook-timestamp is that of the attempt, not of the event.",
    clause="lib/_webhooks.py: what is 300 s old is refused",
)
async def timestamp_is_of_the_attempt(bench: Bench) -> None:
    stamp = (await late_attempt(bench)).header("webhook-timestamp") or ""
    bench.expect(stamp.isascii() and stamp.isdigit(), "Unix seconds", repr(stamp))
    away = bench.clock.now() - int(stamp[:12])
    bench.expect(abs(away) <= TOLERANCE, f"at most {TOLERANCE} s away from the attempt", f"{away:.0f} s")


@in_the_sdk(
    "WEBHOOK-RETRY-12",
    says="The signature of a later attempt verifies, as the first one does.",
    clause="lib/_webhooks.py: id, timestamp and body are signed",
    needs=NEEDS | {"webhook-secret"},
)
async def later_attempt_verifies(bench: Bench) -> None:
    delivery = await late_attempt(bench)
    stamp = delivery.header("webhook-timestamp") or ""
    signed_at = int(stamp[:12]) if stamp.isascii() and stamp.isdigit() else bench.clock.now()
    problem = problem_with(dict(delivery.headers), delivery.body, bench.receiver.secrets, signed_at)
    bench.expect(problem is None, "a delivery that verifies", problem)


@recommended("WEBHOOK-RETRY-13", says="The pauses between the attempts grow.", clause=f"{CLAUSE}: exponential backoff")
async def pauses_grow(bench: Bench) -> None:
    bench.receiver.answer = Answer(status=500)
    call = await bench.dial()
    await bench.delivery_of(call)
    times, began = [bench.clock.now()], bench.clock.now()
    while len(times) < 6 and bench.clock.now() - began < HOUR:
        coming = bench.watch(bench.delivery_of(call, count=len(times) + 1))
        while not coming.done() and bench.clock.now() - began < HOUR:
            await bench.clock.advance(1.0)
            await asyncio.wait([coming], timeout=TURN)
        times.append(bench.clock.now())
    pauses = [later - earlier for earlier, later in pairwise(times)]
    bench.expect(pauses[-1] > 2 * pauses[0], "pauses that grow", [f"{pause:.0f} s" for pause in pauses])


@recommended(
    "WEBHOOK-RETRY-14", says="An event is still tried after the end of its call.", clause=f"{CLAUSE}: 72 hours"
)
async def ended_call_is_still_told(bench: Bench) -> None:
    bench.receiver.script(Answer(status=500))
    call = await bench.dial()
    await bench.delivery_of(call)
    await call.cancel(timeout=bench.within.bye)
    await attempt(bench, call, 2)


@recommended(
    "WEBHOOK-RETRY-15", says="An event is tried for up to 72 hours and then given up.", clause=f"{CLAUSE}: 72 hours"
)
async def event_is_given_up(bench: Bench) -> None:
    bench.receiver.answer = Answer(status=500)
    call = await bench.dial()
    await bench.delivery_of(call)
    counts = []
    for hours in (66, 10, 48):
        for _ in range(hours):
            await bench.clock.advance(HOUR)
        await bench.nothing(bench.watch(asyncio.Event().wait()))
        counts.append(len(bench.receiver.deliveries))
    bench.expect(counts[0] > 6, "attempts for three days", f"{counts[0]} in 66 hours")
    bench.expect(counts[1] == counts[2], "none after 76 hours", f"{counts[2] - counts[1]} more")
