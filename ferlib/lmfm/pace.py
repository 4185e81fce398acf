"""How fast questions may go out: so many at a time, so many a minute, and slower when the provider says so."""

import contextlib
import threading
import time

from ferlib.lmfm import models

SHARED = {}
"""The paces of this process, by address and limits."""


def of(model, *, concurrency, requests_per_minute):
    """The pace of a model: one for all models of a provider at an address that have the same limits.

    It lasts as long as the process, so that what was learnt from HTTP 429, and the requests of the last minute, still
    count when the next model or prompt is asked.

    Parameters
    ----------
    model : dict
        From `ferlib.lmfm.models.read`, with the address where it is asked.
    concurrency : int
    requests_per_minute : float
        0 for no limit.

    Returns
    -------
    Pace
    """
    key = (models.address(model), concurrency, requests_per_minute)
    return SHARED.setdefault(key, Pace(concurrency, requests_per_minute=requests_per_minute))


class Pace:
    """Lets threads take turns at a provider, and adapts to it.

    The number of questions under way starts at the limit, is halved when the provider says that there are too many
    (HTTP 429), at most once for all questions that were under way together, and grows again by one for each round of
    answers (additive increase, multiplicative decrease). Meanwhile nobody asks before the time that the provider named.

    Parameters
    ----------
    concurrency : int
        Questions under way at a time at most.
    requests_per_minute : float, optional
        Requests begun in any minute at most; they are spread evenly over it.
    """

    def __init__(self, concurrency, *, requests_per_minute=None):
        self.most, self.limit = concurrency, float(concurrency)
        self._interval_s = 60.0 / requests_per_minute if requests_per_minute else 0.0
        self._under_way, self._next_s, self._paused_until_s, self._cut_s = 0, 0.0, 0.0, -1.0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def turn(self, stop):
        """Wait for a turn and hold it; yields when it began, or None when `stop` was set meanwhile."""
        began_s = self._wait(stop)
        try:
            yield began_s
        finally:
            if began_s is not None:
                with self._changed:
                    self._under_way -= 1
                    self._changed.notify_all()

    def answered(self):
        """Note an answer: a little faster from now on, up to the limit."""
        with self._changed:
            self.limit = min(self.most, self.limit + 1 / self.limit)

    def too_many(self, wait_s, *, began_s):
        """Note that the provider asks for fewer requests.

        Parameters
        ----------
        wait_s : float
            Seconds that nobody may ask.
        began_s : float
            When the turn began that met with it, from `turn`: those that began before the last cut say nothing new.
        """
        with self._changed:
            now_s = time.monotonic()
            self._paused_until_s = max(self._paused_until_s, now_s + wait_s)
            if began_s > self._cut_s:
                self.limit, self._cut_s = max(1.0, self.limit / 2), now_s

    def _wait(self, stop):
        with self._changed:
            while not stop.is_set():
                now_s = time.monotonic()
                free_s = max(self._paused_until_s, self._next_s)
                if self._under_way < int(self.limit) and now_s >= free_s:
                    self._next_s = max(now_s, self._next_s) + self._interval_s
                    self._under_way += 1
                    return now_s
                # Wakes up by itself, too, to notice `stop`.
                self._changed.wait(min(max(free_s - now_s, 0.001), 0.2) if now_s < free_s else 0.2)
        return None
