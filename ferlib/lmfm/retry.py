"""Ask until there is an answer: so many times, with growing pauses, and never for longer than agreed."""

import random
import threading

from ferlib.lmfm.answers import NoAnswer

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0

PATIENCE = 1.5
"""A request may take this many times its time limit as a whole: the client libraries' own limits are for each step, so
that a server which sends a byte now and then could hold one for ever."""


def patiently(request, *, tries, stop, pace):
    """Make a request until it brings an answer, at most so many times.

    Between two tries it waits as long as the provider asks, or else 1, 2, 4 ... seconds, two minutes at most, and up to
    half as long again, at random, so that many that failed together do not come back together. A provider that asks for
    more than two minutes is not waited for.

    Parameters
    ----------
    request : callable
        Returns the answer, or raises `NoAnswer`.
    tries : int
    stop : threading.Event
        Nothing is begun once it is set.
    pace : ferlib.lmfm.pace.Pace

    Raises
    ------
    NoAnswer
        The last one.
    """
    for attempt in range(1, tries + 1):
        with pace.turn(stop) as began_s:
            if began_s is None:
                raise NoAnswer("not asked, since the run was stopped", retry=False)
            try:
                answer = request()
                pace.answered()
                return answer
            except NoAnswer as error:
                failure = error
        wait_s = failure.wait_s
        if wait_s is None:
            wait_s = min(FIRST_WAIT_S * 2 ** (attempt - 1), LONGEST_WAIT_S)
        if wait_s > LONGEST_WAIT_S and failure.retry:
            raise NoAnswer(f"{failure} (asks to wait {wait_s:.0f} s)", retry=True)
        if failure.status == 429:
            pace.too_many(wait_s, began_s=began_s)
        if not failure.retry or attempt == tries or stop.wait(wait_s * random.uniform(1.0, 1.5)):
            raise failure


def within(seconds, function):
    """Result of a function, or `NoAnswer` when it takes too long; then it is left to itself.

    Parameters
    ----------
    seconds : float
    function : callable

    Raises
    ------
    NoAnswer
        Worth another try.
    """
    result, done = {}, threading.Event()

    def run():
        try:
            result["value"] = function()
        except BaseException as error:  # handed over to the thread that waits
            result["error"] = error
        done.set()

    threading.Thread(target=run, daemon=True).start()
    if not done.wait(seconds):
        raise NoAnswer(f"timed out: no whole answer within {seconds:g} s", retry=True)
    if "error" in result:
        raise result["error"]
    return result["value"]
