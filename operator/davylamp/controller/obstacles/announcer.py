"""Tells what is refused where no status may be able to: one Event, a metric and the log."""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from davylamp.adapters.errors import NotLeader, OperatorError
from davylamp.adapters.kubernetes.ports import Cluster
from davylamp.api import names
from davylamp.api.names import Reason
from davylamp.controller.cluster.cache import Key, key_of
from davylamp.controller.cluster.writes import Write, WriteStep
from davylamp.controller.logs import about
from davylamp.controller.obstacles.obstacles import Announcement, Obstacles
from davylamp.manifests import Owner, event
from davylamp.rollout import Notice

_EVENT: Final = Write(WriteStep.EVENTS, "Event", "")
"""Every Event about an obstacle, as a write that may be refused itself."""
_log = logging.getLogger(__name__)


class Announcer:
    """Announces obstacles.

    Args:
        cluster: where Events are written to.
        obstacles: what is refused, and what was announced of it.
        reporter: who posts Events.
        on_notice: is called with each notice.
        on_obstacles: is called after each pass with the number of refused writes by reason.
    """

    def __init__(
        self,
        *,
        cluster: Cluster,
        obstacles: Obstacles,
        reporter: str,
        on_notice: Callable[[Key, Notice], None],
        on_obstacles: Callable[[Key, Mapping[Reason, int]], None],
    ) -> None:
        self._cluster = cluster
        self._obstacles = obstacles
        self._reporter = reporter
        self._on_notice = on_notice
        self._on_obstacles = on_obstacles

    async def announce(self, owner: Owner, revision: str | None, now: datetime) -> None:
        """Tell what is news; an Event that is refused shows in the metric.

        Args:
            owner: whose writes are refused.
            revision: which one is being rolled out, or serves.
            now: the time.
        """
        key = key_of(owner)
        if not self._obstacles.waits(key, _EVENT, now):
            announcements = self._obstacles.announcements(key, now)
            if not announcements:
                self._obstacles.clear(key, _EVENT.key)
            for number, news in enumerate(announcements):
                at = now + timedelta(microseconds=number)  # of which the name of an Event is made
                await self._post(owner, news, revision or names.NO_REVISION, at)
        self._on_obstacles(key, self._obstacles.counted(key, now))

    async def _post(self, owner: Owner, news: Announcement, revision: str, now: datetime) -> None:
        key, log = key_of(owner), about(_log, **owner.fields(), revision=revision)
        notice = Notice(news.reason, news.message, revision, "Warning")
        log.warning("%s: %s", notice.reason, notice.message)
        try:
            manifest = event(owner, notice, now=now, reporter=self._reporter)
            await self._cluster.create_event(manifest)
        except NotLeader:
            raise
        except OperatorError as error:
            self._obstacles.not_announced(key, news)
            self._obstacles.note(key, _EVENT, error, now)
            log.warning("no Event tells of it: %s", error)
        else:
            self._obstacles.clear(key, _EVENT.key)
            self._on_notice(key, notice)
