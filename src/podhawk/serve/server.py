"""The process of the server: puts the parts together, and ends them in order."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import resource
import signal
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import uvicorn

from podhawk.errors import PodhawkError, StateUnavailableError, UsageError
from podhawk.log import logger
from podhawk.serve.api.changes import Listeners
from podhawk.serve.api.findings import StateFolder
from podhawk.serve.app import Parts, make_app
from podhawk.serve.background import forever
from podhawk.serve.configuration import Configuration
from podhawk.serve.connections import Certificates, protocol_with
from podhawk.serve.console.database import ConsoleDatabase
from podhawk.serve.console.page import Console
from podhawk.serve.console.queue_index import make_tables as make_queue
from podhawk.serve.console.queue_index import refresh
from podhawk.serve.evaluator.positions import begin_inbox, make_tables, positions
from podhawk.serve.evaluator.process import order_of
from podhawk.serve.inbox.segment import segments
from podhawk.serve.inbox.writer import InboxWriter
from podhawk.serve.jobs.runner import JobRunner
from podhawk.serve.lake.keeper import LakeKeeper
from podhawk.serve.metrics import Evaluations, Meter
from podhawk.serve.receivers.follow import FileReceiver
from podhawk.serve.receivers.hec import Hec
from podhawk.serve.receivers.identity import PushIdentity
from podhawk.serve.receivers.intake import Intake
from podhawk.serve.searches.pool import SearchPool
from podhawk.serve.sinks.runner import SinkRunner
from podhawk.serve.supervisor import Supervisor
from podhawk.serve.tokens import TokenStore
from podhawk.session import redaction_of

_LOOK: Final = 1.0
"""Seconds between looks at files that may have changed."""
_DROP: Final = 10.0
"""Seconds between looks for files of the inbox that have been evaluated."""
_INDEX: Final = 0.5
"""Seconds between looks for findings whose rows in the queue are to be written."""
_LOCK: Final = "serve.lock"

Told = Callable[[dict[str, Any]], None]


class EvaluatorError(PodhawkError):
    """Content or settings with which the evaluator cannot start."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Server:
    """All parts of the service."""

    def __init__(self, configuration: Configuration, told: Told = lambda change: None) -> None:
        self._configuration = configuration
        self._told = told
        evaluations = Evaluations()
        self.faults: Counter[str] = Counter()
        """Steps of the work in the background that failed."""
        self.supervisor = Supervisor(order_of(configuration.settings), evaluations, told)
        first = 1 if segments(configuration.inbox) else begin_inbox(str(configuration.folder))
        self.writer = InboxWriter(configuration.inbox, configuration.room, self.supervisor.wake, first=first)
        self.tokens = TokenStore(configuration.tokens)
        redaction = redaction_of(configuration.settings.values)
        self.intake = Intake(self.tokens, self.writer, redaction, configuration.bodies)
        self.jobs = JobRunner(configuration.settings, configuration.backfill_days)
        self.lake = LakeKeeper(str(configuration.folder), configuration.keeping, configuration.lake_copy)
        self.files = FileReceiver(configuration.followed, configuration.settings["cluster"], redaction, self.writer)
        state = StateFolder(str(configuration.folder))
        self.sinks = SinkRunner(state.path, configuration.sinks)
        self.meter = Meter(
            state.path,
            self.writer,
            evaluations,
            self.intake.refusals.by_reason,
            lambda: self.supervisor.is_up,
            lambda: bool(self.tokens.problem),
            self.lake,
            self.jobs,
            self.files.followers,
            lambda: (
                self.supervisor.content.since,
                bool(self.supervisor.content.problem),
                len(self.supervisor.isolated),
            ),
            self.faults,
            self.sinks.status,
        )
        self.searches = SearchPool(configuration.settings)
        self.certificates = _certificates(configuration)
        feed = Listeners()
        self.supervisor.changed = self.jobs.changed = feed.notify
        hec = Hec(self.intake, configuration.strict_hec)
        self.console = Console(
            *(state, configuration.settings, ConsoleDatabase(configuration.folder), self.supervisor, self.writer),
            *(self.meter, self.searches, feed, self.intake, configuration.certificate is not None),
        )
        parts = Parts(
            hec,
            state,
            self.supervisor,
            self.meter,
            feed,
            self.searches,
            self.console,
            self.sinks,
            PushIdentity(configuration.identity),
        )
        self._app = make_app(parts, configuration.connections.age)

    def uvicorn(self) -> uvicorn.Server:
        """The server of connections."""
        chosen, limits = self._configuration, self._configuration.connections
        certificates = self.certificates
        factory = None if certificates is None else _factory(certificates.context)
        config = uvicorn.Config(
            self._app,
            host=chosen.host,
            port=chosen.port,
            http=protocol_with(limits),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            timeout_keep_alive=limits.idle,
            timeout_graceful_shutdown=10,
            limit_concurrency=limits.most,
            backlog=2048,
            server_header=False,
            ssl_context_factory=factory,
        )
        return uvicorn.Server(config)

    async def run(self, sockets: list[socket.socket], ready: Callable[[], None] = lambda: None) -> None:
        """Serve until a signal comes."""
        self.writer.start()
        self.files.start()
        self.sinks.begin()
        steps = {
            "reload": self._look,
            "inbox": self._make_room,
            "lake": self.lake.step,
            "jobs": self.jobs.step,
            "queue": self._index,
            **{f"sink {one.settings.name}": one.step for one in self.sinks.sinks},
            "tripwires": self._tell_outside,
        }
        tasks = [asyncio.create_task(forever(name, step, self.faults)) for name, step in steps.items()]
        tasks.append(asyncio.create_task(self.supervisor.run()))
        server = self.uvicorn()
        loop = self.console.loop = asyncio.get_running_loop()

        def stop() -> None:
            self.intake.stopping = True
            server.should_exit = True

        self.supervisor.refuse = stop
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        try:
            ready()
            await server._serve(sockets)
        finally:
            self.intake.stopping = True
            await asyncio.to_thread(self.files.stop)
            await asyncio.to_thread(self.writer.stop)
            await self.supervisor.stop()
            await self.lake.stop()
            await self.jobs.stop()
            await self.searches.stop()
            await self.sinks.stop()
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.intake.close()
            self.console.database.close()
            logger(__name__).info("stopped")

    async def _look(self) -> None:
        """Look at files that may have changed."""
        await asyncio.sleep(_LOOK)
        self._reload()

    async def _make_room(self) -> None:
        """Remove what the inbox need not hold any longer."""
        await asyncio.sleep(_DROP)
        await asyncio.to_thread(self._drop)

    async def _index(self) -> None:
        """Keep the rows of the queue up to date."""
        more = False
        with contextlib.suppress(StateUnavailableError):  # somebody writes for long: the next look
            more = await asyncio.to_thread(refresh, str(self._configuration.folder))
        if not more:
            await asyncio.sleep(_INDEX)

    async def _tell_outside(self) -> None:
        """Write the tripwires of requests that were refused."""
        await asyncio.sleep(_LOOK)
        for change in await asyncio.to_thread(self.intake.outside.write, str(self._configuration.folder)):
            self._told(msgspec.to_builtins(change))
            self.supervisor.changed()

    def _reload(self) -> None:
        if self.tokens.reload():
            if self.tokens.problem:
                logger(__name__).error("the tokens are as they were: %s", self.tokens.problem)
            else:
                logger(__name__).info("the tokens were read again")
        if self.certificates is not None:
            self.certificates.reload()

    def _drop(self) -> None:
        """Remove the files of the inbox that have been evaluated."""
        done = {cluster: position.seq for cluster, position in positions(str(self._configuration.folder)).items()}
        for segment in self.writer.drop(done, self.lake.sealed_up_to()):
            logger(__name__).info("%s was evaluated and is removed", segment.path.name)


def serve(configuration: Configuration, told: Told = lambda change: None, ready: Told = lambda place: None) -> None:
    """Serve until a signal comes. `told` is called with each change of a finding, `ready` with where it listens.

    Raises UsageError for an address that is taken, StateUnavailableError if another podhawk serve uses the folder, and
    EvaluatorError if the evaluator cannot start with this content and these settings.
    """
    _raise_limit()
    with alone(configuration):
        make_tables(str(configuration.folder))
        make_queue(str(configuration.folder))
        server = Server(configuration, told)
        with listening(configuration) as sockets:
            host, port = sockets[0].getsockname()[:2]
            scheme = "https" if configuration.certificate is not None else "http"
            place = {"url": f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"}
            first = server.console.accounts.first_run(time.time())
            if first is not None:
                place["first_run"] = f"{place['url']}/invitation/{first}"
            logger(__name__).info("listening on %s", place["url"])
            asyncio.run(server.run(sockets, lambda: ready(place)))
    if server.supervisor.refused is not None:
        message, code = server.supervisor.refused
        raise EvaluatorError(message, code)


def _raise_limit() -> None:
    """Take as many descriptors as the system gives: each connection needs one."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # some systems do not give all
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def alone(configuration: Configuration) -> Iterator[None]:
    """Keep every other podhawk serve from the folder until the block ends. Raises StateUnavailableError."""
    configuration.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(configuration.folder / _LOCK, "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StateUnavailableError(
                f"another podhawk serve uses {configuration.folder}", remedy="Only one may use a state."
            ) from None
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


@contextlib.contextmanager
def listening(configuration: Configuration) -> Iterator[list[socket.socket]]:
    """A socket that listens on the address. Raises UsageError."""
    family = socket.AF_INET6 if ":" in configuration.host else socket.AF_INET
    with socket.socket(family) as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind((configuration.host, configuration.port))
        except OSError as error:
            raise UsageError(
                f"cannot listen on {configuration.host}:{configuration.port}: {error.strerror or error}",
                remedy="Name another address with --listen.",
            ) from None
        found.set_inheritable(False)
        yield [found]


def _certificates(configuration: Configuration) -> Certificates | None:
    if configuration.certificate is None or configuration.key is None:
        return None
    return Certificates(configuration.certificate, configuration.key, configuration.authority)


def _factory(context: ssl.SSLContext) -> Any:
    return lambda config, default: context
