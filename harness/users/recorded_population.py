"""Users of a run that repeat what was recorded of Locust users."""

import json
from collections.abc import Callable
from functools import partial
from random import Random

from harness.campaign.random_streams import stream_seed
from harness.engine.clock import Clock, to_ns
from harness.metrics.ddsketch import Digest
from harness.metrics.observer import Observation
from harness.model.config import UserGroup
from harness.model.partition import SimulatedPartition
from harness.users.population import START_WITHIN_SECONDS, group_title
from harness.users.recorded_user import RecordedArrivals, RecordedUser, Responses
from harness.users.recorder import (
    ArrivalsRecorder,
    NotRecordableError,
    Recorder,
    RecordingSession,
)
from harness.users.recording import GroupRecordings, Recording, RecordingCache
from harness.users.steps import Steps, Tables


class Source:
    """Source of one recording's steps: those that are kept, and further ones when needed.

    Parameters
    ----------
    begin
        Begins to record, from the first step.
    """

    def __init__(
        self,
        session: RecordingSession,
        cache: RecordingCache,
        group: GroupRecordings,
        recording: Recording,
        begin: Callable[[], Recorder],
    ) -> None:
        self._session = session
        self._cache = cache
        self._group = group
        self._recording = recording
        self._begin = begin
        self._recorder: Recorder | None = None

    def following(self, steps: Steps) -> Steps:
        """Return the part after another one.

        Raises
        ------
        NotRecordableError
            If the user depends on more than its random stream and its demand.
        """
        following = steps.following
        if following is not None:
            return following
        if self._recorder is None:
            self._recorder = self._begin()
            self._repeat(self._recorder, steps)
        part = self._session.record(self._recorder)
        if self._cache.keep(self._group, part.count):
            steps.following = part
        return part

    def _repeat(self, recorder: Recorder, last: Steps) -> None:
        """Let a user that has just begun do again what is kept, and compare."""
        kept = self._recording.head
        while kept is not last:
            assert kept.following is not None
            kept = kept.following
            if not kept.equals(self._session.record(recorder)):
                raise NotRecordableError("asks for something else when it is run again")


class RecordedPopulation:
    """All users of a run, as recorded.

    Parameters
    ----------
    observation
        Takes the response times.
    seed_parts
        As for :class:`harness.users.population.UserPopulation`.
    cache
        Recordings of other runs, and where those of this one go.
    files
        Digests of the user's files, which distinguish recordings.
    """

    def __init__(
        self,
        clock: Clock,
        observation: Observation,
        session: RecordingSession,
        cache: RecordingCache,
        files: object,
        *seed_parts: object,
    ) -> None:
        self._clock = clock
        self._observation = observation
        self._session = session
        self._files = files
        self._seed_parts = seed_parts
        self._cache = cache

    def add_group(self, group: UserGroup, modelled: SimulatedPartition) -> None:
        """Add the users, or the arrivals, of a group of the campaign."""
        title = group_title(modelled.name, group.name)
        rate = group.arrivals_per_second
        key = (
            *(group.user, self._session.base, self._files, *self._seed_parts, title),
            *(json.dumps(group.demand, sort_keys=True), group.think_time_seconds, rate),
        )
        kept = self._cache.group(key)
        labels = (modelled.name, title)
        transactions = self._observation.transactions_of

        def begin(name: str) -> Digest:
            return transactions((*labels, name)).response

        def fail(name: str) -> None:
            transactions((*labels, name)).failed += 1

        responses = Responses(kept.tables, begin, fail)

        def user(source: Source, steps: Steps) -> RecordedUser:
            return RecordedUser(
                self._clock, modelled, group.disk, responses, source.following, steps
            )

        def source_of(recording: Recording, begin: Callable[[], Recorder]) -> Source:
            return Source(self._session, self._cache, kept, recording, begin)

        if rate is not None:
            recording = kept.recording()
            seed = stream_seed(*self._seed_parts, title, "arrivals")
            source = source_of(
                recording, lambda: ArrivalsRecorder(self._session, group, kept.tables, seed)
            )
            arrivals = RecordedArrivals(
                self._clock,
                lambda: user(source, recording.head),
                source.following,
                recording.head,
            )
            arrivals.schedule()
            return
        for index in range(group.users or 0):
            recording = kept.recording(index)
            seed_parts = (*self._seed_parts, title, index)
            if recording.start_ns < 0:
                within = max(group.think_time_seconds, START_WITHIN_SECONDS)
                first = Random(stream_seed(*seed_parts)).random()
                recording.start_ns = to_ns(first * within)
            source = source_of(recording, partial(self._begin, group, kept.tables, seed_parts))
            self._clock.schedule(recording.start_ns, user(source, recording.head))

    def _begin(self, group: UserGroup, tables: Tables, seed_parts: tuple[object, ...]) -> Recorder:
        stream = Random(stream_seed(*seed_parts))
        stream.random()
        return Recorder(self._session, group, tables, stream)
