"""How fast and how patiently questions go out.

So many at a time and a minute, slower when the provider says so; again when one got no answer, with growing pauses.
"""

import contextlib
import random
import threading
import time
from concurrent.futures import Future, wait

from ferlib.lmfm import models
from ferlib.lmfm.meanings import NoAnswer, Outcome

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0

PATIENCE = 1.5
"""A request may take this many times its time limit as a whole: the client libraries' own limits are for each step, so
that a server which sends a byte now and then could hold one for ever."""

NOT_ASKED = Outcome("error", "no", False, "no", "stopped")
"""Of a question that was not asked."""

SHARED = {}
"""The paces of this process, by address and limits."""


def of(model):
    """The pace of a model at its address: one for all models of a provider there that have the same limits.

    It lasts as long as the process, so that what was learnt from HTTP 429, and the requests of the last minute, still
    count when the next model or prompt is asked.
    """
    limits = model["concurrency"], model["requests_per_minute"]
    return SHARED.setdefault((models.address(model), *limits), Pace(*limits))


class Pace:
    """Lets threads take turns at a provider, and adapts to it.

    The number of questions under way starts at the limit, is halved when the provider says that there are too many
    (HTTP 429), at most once for all questions that were under way together, and grows again by one for each round of
    answers (additive increase, multiplicative decrease). Meanwhile nobody asks before the time that the provider named.
    Requests are spread evenly over each minute, where there is a limit for these.
    """

    def __init__(self, concurrency, requests_per_minute=0):
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
        """Note that the provider asks for fewer requests, and for none within `wait_s`.

        A turn that began (`began_s`) before the last cut says nothing new.
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


def patiently(request, *, tries, stop, pace):
    """Make a request until it brings an answer, at most so many times; raises the last `NoAnswer`.

    Between two tries it waits as long as the provider asks, or else 1, 2, 4 ... seconds, two minutes at most, and up to
    half as long again, at random, so that many that failed together do not come back together. A provider that asks for
    more than two minutes is not waited for. Nothing is begun once the event `stop` is set.
    """
    for number in range(tries):
        try:
            with pace.turn(stop) as began_s:
                if began_s is None:
                    raise NoAnswer("not asked, since the run was stopped", NOT_ASKED)
                answer = request()
                pace.answered()
                return answer
        except NoAnswer as error:
            wait_s, again = error.wait_s, error.outcome.retry
            if error.status == 429 and again:
                pace.too_many(min(wait_s or FIRST_WAIT_S, LONGEST_WAIT_S), began_s=began_s)
            if again and (wait_s or 0) > LONGEST_WAIT_S:
                error.args = (f"{error} (asks to wait {wait_s:.0f} s)",)
                raise
            if not again or stop.is_set() or number + 1 == tries:
                raise
        own = min(FIRST_WAIT_S * 2**number, LONGEST_WAIT_S)
        stop.wait((own if wait_s is None else wait_s) * random.uniform(1.0, 1.5))


def within(seconds, function, *, late):
    """Result of a function; when it takes too long it is left to itself, and the exception `late` is raised."""
    result = Future()

    def run():
        try:
            result.set_result(function())
        except BaseException as error:  # handed over to the thread that waits
            result.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    if not wait([result], seconds).done:
        raise late
    return result.result()
