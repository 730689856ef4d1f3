"""The composition root: clock, random source, settings and files come together here, and nowhere else."""

import asyncio
import logging
import random
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self

from aiohttp import web

from .calls.call import Call, State
from .calls.control import CallControl
from .calls.effects import OpenSession, PostWebhook
from .calls.inputs import Stop
from .calls.project import Project
from .clock import SystemClock
from .config import Settings
from .errors import UsageError
from .faults.plan import Fault, Faults, Strike
from .http_app import make_app
from .ids import Ids
from .journal import Journal
from .journal_file import JournalFile
from .preload import SOUND, load_sound
from .ready import ReadyInfo
from .realtime.session_config import parse_session_config
from .routes import Api
from .scenarios import Scenarios, Source
from .sessions.client_secrets import ClientSecrets
from .sip.endpoint import SipEndpoint
from .sip.events import Flow
from .sip.session_timer import SessionTimerPolicy
from .sip.timers import Timers
from .transports.deadlines import Clock, Deadlines
from .transports.hosting import RunningHost
from .transports.hosts import Hosts, MakeModel, make_voice
from .transports.memory_line import MemoryCaller, MemoryLine
from .transports.performer import Performer
from .transports.rtp_net import MediaPorts
from .transports.services import Services
from .transports.sip_net import SipNet
from .transports.supervisor import Supervisor
from .transports.tls import Authority, client_context, server_contexts
from .transports.webhook_sender import Post, WebhookSender
from .webhooks.endpoints import STATIC_NAMES, EndpointRegistry, check_url
from .webhooks.envelope import incoming_call_event
from .webhooks.signature import format_secret, parse_secret
from .wire_log import log, log_entry

if TYPE_CHECKING:
    from .sessions.model import Model

INCOMING = "realtime.call.incoming"
CALL_END_TIMEOUT = 2.0
"""How long the callers' phones may take to answer the BYEs of an emulator that stops."""
HTTP_END_TIMEOUT = 1.0
"""How long a request may still take whose body has not come when the emulator stops."""
AUTO_ACCEPT_CONFIG = {"type": "realtime", "model": "gpt-realtime"}


class Control(Protocol):
    """Whoever places and steers calls by HTTP. It has a phone, so the command line gives it."""

    def routes(self, emulator: "Emulator") -> Api: ...

    async def close(self) -> None:
        """Hang up, before the emulator stops."""
        ...


class Emulator:
    """One emulator, all listeners included: `async with Emulator(Settings(http_port=0, …)) as emulator`.

    Raises `UsageError` for a webhook secret or a journal folder that can't be used; `start()` does for a port that is
    taken, a file that can't be read or a voice that is not there, and leaves nothing open.
    `make_model` gives each session who answers in it where no scenario does, by the id of its project; without it that
    is the built-in model. `control` adds routes to `/_ringback/`.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        clock: Clock | None = None,
        make_model: MakeModel | None = None,
        control: Control | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self._control = control
        self.clock = clock or SystemClock()
        self.scenarios = Scenarios(self.settings, make_model or self._builtin_model)
        rng = random.SystemRandom() if self.settings.seed is None else random.Random(self.settings.seed)
        self.ids = Ids(rng)
        self._journal_file = JournalFile(self.settings.journal_folder)
        self.journal = Journal(limit=self.settings.journal_limit, on_drop=self._journal_file.write)
        self.faults = Faults(self._struck)
        """What goes wrong on purpose, by project; to be changed at any time."""
        if log.isEnabledFor(logging.DEBUG):
            self.journal.subscribe(log_entry)
        self.project = self._first_project()
        self.projects = {self.project.id: self.project}
        self._ready: ReadyInfo | None = None
        self._is_started = False

    # Start and end

    async def start(self) -> None:
        """Open every listener. Ready when it returns."""
        self._voice = make_voice(self.settings)
        if self.settings.scenario is not None:
            self.scenarios.choose(self.project.id, self.settings.scenario)
        self._is_started = True
        self._authority = Authority()
        self._supervisor = Supervisor(on_bug=self._bug)
        self._deadlines = Deadlines(self.clock, on_bug=self._bug)
        self._build()
        try:
            await self._listen()
        except OSError as error:
            await self.stop()
            raise UsageError(
                f"a listener could not be opened: {error.strerror or error}; choose other ports"
            ) from error
        except UsageError:
            await self.stop()
            raise
        if SOUND not in sys.modules:
            self._supervisor.spawn(asyncio.to_thread(load_sound), name="load sound")
        self.journal.add("emulator.started", now=self.clock.now(), **self.ready.sip, base_url=self.ready.base_url)

    async def stop(self) -> None:
        """BYE to every call, then close everything. Safe to call twice."""
        if not self._is_started:
            return
        self._is_started = False
        self.journal.add("emulator.stopping", now=self.clock.now())
        if self._control is not None:
            await self._control.close()
        self._hosts.stop()
        await self.performer.stop(CALL_END_TIMEOUT)
        await self._webhooks.stop()  # before the server: its last request may be a test of a webhook endpoint
        await self._runner.cleanup()
        await self._net.stop()
        await self._supervisor.stop()
        self._deadlines.close()
        self._authority.close()
        self._journal_file.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # Projects

    def add_project(
        self,
        *,
        webhook_urls: Iterable[str] = (),
        auto_accept: bool = False,
        faults: Iterable[Fault] = (),
        scenario: "Source | None" = None,
    ) -> Project:
        """A tenant of its own in the running emulator: id, key, webhook secret, calls, faults. Nothing of another meets
        it. `scenario` plays in its sessions."""
        project = self._make_project(
            self.ids.project(), api_key=None, webhook_secret=None, webhook_urls=webhook_urls, auto_accept=auto_accept
        )
        self.projects[project.id] = project
        if faults := tuple(faults):
            self.faults.put(project.id, faults)
        if scenario is not None:
            self.scenarios.choose(project.id, scenario)
        return project

    def add_webhook(self, project: Project, url: str, post: Post | None = None) -> None:
        """Tell that URL of the project's calls as well; with `post`, an application in this process by a call. Raises
        `UsageError` for a URL that nothing can be posted to."""
        project.endpoints.add_static(
            url, secret=project.webhook_secret, event_types=(INCOMING,), now=self.clock.now(), name="add_webhook"
        )
        if post is not None:
            self._webhooks.in_process[url] = post

    def set_webhooks(self, project: Project, urls: Iterable[str]) -> None:
        """Tell these URLs of the project's calls, and no others, but for the endpoints that its application made.
        Raises `UsageError`, and changes nothing, when nothing can be posted to one of them."""
        before = [endpoint for endpoint in project.endpoints.subscribers(INCOMING) if endpoint.name in STATIC_NAMES]
        wanted = list(dict.fromkeys(urls))
        for url in wanted:
            check_url(url)
        for endpoint in before:
            if endpoint.url not in wanted:
                project.endpoints.delete(endpoint.id)
                self._webhooks.endpoint_deleted(endpoint.id)
        for url in wanted:
            if url not in (endpoint.url for endpoint in before):
                self.add_webhook(project, url)

    def remove_project(self, project: Project) -> None:
        """Forget a tenant, its faults and what waits to be delivered to it; its open calls go on until they end."""
        for endpoint in project.endpoints.subscribers(INCOMING):
            self._webhooks.endpoint_deleted(endpoint.id)
            self._webhooks.in_process.pop(endpoint.url, None)
        del self.projects[project.id]
        self.faults.forget(project.id)
        self.scenarios.forget(project.id)

    def ready_for(self, project: Project) -> ReadyInfo:
        """The addresses as that project has them."""
        ready = self.ready
        return replace(
            ready,
            api_key=next(iter(project.api_keys)),
            project_id=project.id,
            webhook_secret=project.webhook_secret,
            sip={kind: uri.replace(ready.project_id, project.id, 1) for kind, uri in ready.sip.items()},
        )

    # Queries

    @property
    def ready(self) -> ReadyInfo:
        """The addresses. Raises `UsageError` before `start()`."""
        if self._ready is None:
            raise UsageError("the emulator was not started: await start(), or use `async with`")
        return self._ready

    def connect(self, caller: MemoryCaller) -> MemoryLine:
        """A line for a caller in this process, in place of a connection."""
        return self._net.connect(caller)

    @property
    def requests_under_way(self) -> int:
        """Webhooks that an application elsewhere has in hand."""
        return self._webhooks.posts_under_way

    def open_calls(self, project: Project) -> list[str]:
        """The ids of a project's calls that have not ended."""
        calls = self.performer.control.calls
        return [call.call_id for call in calls if call.project_id == project.id and call.state is not State.ENDED]

    def pending_webhooks(self, project: Project) -> list[str]:
        """Each delivery of a project that is not over, in a line."""
        return self._webhooks.describe(project.id)

    def leaks(self) -> list[str]:
        """What is still open although every call should have ended: empty when all is well."""
        found = []
        if self.performer.open_calls:
            found.append(f"{self.performer.open_calls} calls are open")
        if self.performer.playing_legs:
            found.append(f"{self.performer.playing_legs} legs have media")
        if not self._is_started:
            found += self._left_after_stop()
        found += [entry.data["message"] for entry in self.journal.entries(kind="scenario.unmatched")]
        found += [
            f"bug: {entry.data['error']}\n{entry.data['traceback']}"
            for entry in self.journal.entries(kind="emulator.bug")
        ]
        return found

    def _left_after_stop(self) -> list[str]:
        """What `stop()` should have closed."""
        counts = {
            "SIP connections": self._net.connections,
            "WebRTC peers": self.performer.open_peers,
            "sessions without a call": len(self._hosts),
            "deadlines": len(self._deadlines),
            "tasks": len(self._supervisor),
            "calls in the registry": len(self.performer.control.calls),
            "undecided INVITEs": self.endpoint.describe()["undecided_invites"],
        }
        return [f"{count} {what} are left" for what, count in counts.items() if count]

    # Private: construction

    def _first_project(self) -> Project:
        settings = self.settings
        return self._make_project(
            settings.project,
            api_key=settings.api_key,
            webhook_secret=settings.webhook_secret,
            webhook_urls=settings.webhook_urls,
            auto_accept=settings.auto_accept,
        )

    def _make_project(
        self,
        project_id: str,
        *,
        api_key: str | None,
        webhook_secret: str | None,
        webhook_urls: Iterable[str],
        auto_accept: bool,
    ) -> Project:
        secret = webhook_secret or format_secret(self.ids.webhook_secret_bytes())
        parse_secret(secret)
        endpoints = EndpointRegistry(self.ids)
        for url in webhook_urls:
            endpoints.add_static(url, secret=secret, event_types=(INCOMING,), now=self.clock.now())
        return Project(
            id=project_id,
            api_keys={api_key or self.ids.api_key()},
            webhook_secret=secret,
            endpoints=endpoints,
            auto_accept=auto_accept,
        )

    def _build(self) -> None:
        settings = self.settings
        self._webhooks = WebhookSender(
            settings=settings,
            clock=self.clock,
            deadlines=self._deadlines,
            journal=self.journal,
            ids=self.ids,
            faults=self.faults,
        )
        self.endpoint = SipEndpoint(
            ids=self.ids,
            timers=Timers(t1=settings.sip_t1, t2=settings.sip_t2, t4=settings.sip_t4),
            contact=self._contact,
            register_status=settings.register_status,
            message_limit=settings.sip_message_limit,
            field_limit=settings.sip_field_limit,
            message_timeout=settings.sip_message_timeout,
            transaction_limit=settings.sip_transaction_limit,
            dialog_limit=settings.call_limit,
            rings_reliably=settings.reliable_ringing,
            session_timers=SessionTimerPolicy(
                expires=settings.session_expires,
                min_se=settings.session_min_se,
                refresher="uas" if settings.session_refresher == "uas" else "uac",
            ),
        )
        control = CallControl(
            ids=self.ids,
            settings=settings,
            journal=self.journal,
            projects=self.projects,
            default_config=parse_session_config(AUTO_ACCEPT_CONFIG),
        )
        self._hosts = Hosts(
            settings=settings,
            ids=self.ids,
            journal=self.journal,
            deadlines=self._deadlines,
            clock=self.clock,
            faults=self.faults,
            make_model=self.scenarios.model_for,
            voice=self._voice,
        )
        self._net = SipNet(
            self.endpoint,
            now=self.clock.now,
            on_input=lambda: self.performer.pump(),
            on_bug=self._bug,
            faults=self.faults,
            flow_limit=settings.sip_flow_limit,
            connection_limit=settings.sip_connection_limit,
            connect_timeout=settings.sip_connect_timeout,
        )
        self.performer = Performer(
            endpoint=self.endpoint,
            control=control,
            clock=self.clock,
            deadlines=self._deadlines,
            supervisor=self._supervisor,
            journal=self.journal,
            ids=self.ids,
            media_ports=MediaPorts(host=settings.host, ports=settings.rtp_ports),
            make_host=self._make_host,
            post_webhook=self._post_webhook,
            net=self._net,
            faults=self.faults,
            settings=settings,
        )
        self._runner = web.AppRunner(
            self._make_app(), access_log=None, handle_signals=False, shutdown_timeout=HTTP_END_TIMEOUT
        )

    def _make_app(self) -> web.Application:
        services = Services(
            settings=self.settings,
            clock=self.clock,
            ids=self.ids,
            journal=self.journal,
            projects=self.projects,
            performer=self.performer,
            faults=self.faults,
            hosts=self._hosts,
            client_secrets=ClientSecrets(self.ids),
        )
        return make_app(
            services,
            webhooks=self._webhooks,
            scenarios=self.scenarios,
            ready=lambda: None if self._ready is None else self._ready.as_dict(),
            more=[] if self._control is None else [self._control.routes(self)],
        )

    async def _listen(self) -> None:
        settings = self.settings
        hosts = [settings.host, *([settings.advertise_ip] if settings.advertise_ip else [])]
        contexts = server_contexts(
            self._authority,
            hosts=hosts,
            certificate_file=settings.tls_cert,
            key_file=settings.tls_key,
            keylog=settings.tls_keylog,
        )
        self._net.peer_tls = client_context(is_verified=settings.sip_peer_verify, ca_file=settings.sip_peer_ca)
        ports = {
            "tls": await self._net.listen_stream(settings.host, settings.sip_tls_port, contexts.sip),
            "tcp": await self._net.listen_stream(settings.host, settings.sip_tcp_port, None),
            "udp": await self._net.listen_udp(settings.host, settings.sip_udp_port),
        }
        await self._runner.setup()
        await web.TCPSite(self._runner, settings.host, settings.http_port).start()
        await web.TCPSite(self._runner, settings.host, settings.https_port, ssl_context=contexts.https).start()
        http, https = (address[1] for address in self._runner.addresses)
        await self._webhooks.start()
        self._ready = self._ready_info(http, https, ports)

    def _ready_info(self, http: int, https: int, sip_ports: dict[str, int]) -> ReadyInfo:
        host = self._reachable_host()
        return ReadyInfo(
            base_url=f"http://{host}:{http}/v1",
            https_base_url=f"https://{host}:{https}/v1",
            api_key=next(iter(self.project.api_keys)),
            project_id=self.project.id,
            webhook_secret=self.project.webhook_secret,
            sip={kind: f"sip:{self.project.id}@{host}:{port};transport={kind}" for kind, port in sip_ports.items()},
            ca_file=str(self._authority.ca_file),
            admin_url=f"http://{host}:{http}/_ringback",
            srtp=self.settings.srtp,
        )

    def _reachable_host(self) -> str:
        host = self.settings.advertise_ip or {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(
            self.settings.host, self.settings.host
        )
        return f"[{host}]" if ":" in host else host

    def _contact(self, flow: Flow) -> str:
        host = self.settings.advertise_ip or flow.local[0]
        bracketed = f"[{host}]" if ":" in host else host
        return f"sip:OAI@{bracketed}:{flow.local[1]};transport={flow.transport}"  # OBS: the service's user part

    # Private: what calls ask for

    def _bug(self, error: BaseException) -> None:
        self.journal.add_bug(error, now=self.clock.now())

    def _make_host(self, call: Call, effect: OpenSession, on_expired: Callable[[], None]) -> RunningHost:
        return self._hosts.for_call(
            call,
            effect,
            on_expired,
            lambda reason: self.performer.apply(call, Stop(reason=reason)),
            lambda error: self.performer.bug(call, error),
        )

    def _builtin_model(self, project_id: str) -> "Model":
        from .model.builtin import BuiltinModel

        return BuiltinModel(pace=self.settings.model_pace)

    def _post_webhook(self, call: Call, effect: PostWebhook) -> None:
        project = self.projects[call.project_id]
        if not project.endpoints.subscribers(INCOMING):
            return
        now = self.clock.now()
        event = incoming_call_event(
            event_id=self.ids.webhook_event(),
            created_at=int(now),
            call_id=call.call_id,
            sip_headers=effect.sip_headers,
            sip_media_security=effect.media_security,
        )
        self._webhooks.post(event, project=project, call_id=call.call_id)

    def _struck(self, strike: Strike) -> None:
        now, project_id, call_id = self.clock.now(), strike.project_id, strike.call_id
        if strike.error is not None:
            self.journal.add_bug(strike.error, now=now, project_id=project_id, call_id=call_id)
            return
        self.journal.add(
            "fault.struck",
            now=now,
            project_id=project_id,
            call_id=call_id,
            sip_call_id=strike.sip_call_id,
            name=strike.name,
        )
