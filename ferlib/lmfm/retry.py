"""Ask until there is an answer: so many times, with growing pauses, and never for longer than agreed."""

import random
import threading

import tenacity

from ferlib.lmfm import meanings
from ferlib.lmfm.answers import NoAnswer

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 120.0

PATIENCE = 1.5
"""A request may take this many times its time limit as a whole: the client libraries' own limits are for each step, so
that a server which sends a byte now and then could hold one for ever."""

NOT_ASKED = meanings.Outcome("error", "no", False, "no", "stopped")
"""Of a question that was not asked."""


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

    def once():
        with pace.turn(stop) as began_s:
            if began_s is None:
                raise NoAnswer("not asked, since the run was stopped", NOT_ASKED)
            try:
                answer = request()
                pace.answered()
                return answer
            except NoAnswer as error:
                failure = error
        if failure.status == 429 and failure.outcome.retry:
            pace.too_many(min(failure.wait_s or FIRST_WAIT_S, LONGEST_WAIT_S), began_s=began_s)
        raise failure

    def wait(state):
        own = min(FIRST_WAIT_S * 2 ** (state.attempt_number - 1), LONGEST_WAIT_S)
        asked = state.outcome.exception().wait_s
        return (own if asked is None else asked) * random.uniform(1.0, 1.5)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(
            lambda error: (
                isinstance(error, NoAnswer)
                and error.outcome.retry
                and (error.wait_s or 0) <= LONGEST_WAIT_S
                and not stop.is_set()
            )
        ),
        stop=tenacity.stop_after_attempt(tries),
        wait=wait,
        sleep=stop.wait,
        reraise=True,
    )
    try:
        return retrying(once)
    except NoAnswer as error:
        if (error.wait_s or 0) > LONGEST_WAIT_S and error.outcome.retry:
            said = f"{error} (asks to wait {error.wait_s:.0f} s)"
            raise NoAnswer(said, error.outcome, wait_s=error.wait_s, usage=error.usage, raw=error.raw) from None
        raise


def within(seconds, function, *, late):
    """Result of a function; when it takes too long it is left to itself, and `late()` is raised.

    Parameters
    ----------
    seconds : float
    function : callable
    late : callable
        Returns the `NoAnswer`.
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
        raise late()
    if "error" in result:
        raise result["error"]
    return result["value"]
