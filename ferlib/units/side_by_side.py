"""Several networks at once, each on a core of its own: all cores on one network wait for each other."""

import os
from concurrent.futures import ThreadPoolExecutor

import torch

HALVES = (slice(None, None, 2), slice(1, None, 2))
"""Every second image, and the others: both halves have images of every kind."""


def each(function, names):
    """Call a function for each name, as many at a time as there are cores.

    Cores beyond the number of names are shared out: torch then uses several for each.

    Parameters
    ----------
    function : callable
        Of one name. Two calls must not use the same model: methods of zennit and captum change it while they look.
    names : sequence of str

    Returns
    -------
    dict
        Name to result, in the order of the names. An exception of a call is raised here.
    """
    names = list(names)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    workers, before = max(1, min(len(names), cores)), torch.get_num_threads()
    torch.set_num_threads(max(1, cores // workers))
    try:
        with ThreadPoolExecutor(workers) as pool:
            return dict(zip(names, pool.map(function, names), strict=True))
    finally:
        torch.set_num_threads(before)


def each_half(function, names):
    """Call a function for each name and each half of the images, so that no core waits for another's network.

    Parameters
    ----------
    function : callable
        Of a name and a slice that takes half of the images. Calls may use the same model: for answers, not for maps.
    names : sequence of str

    Returns
    -------
    dict
        Name to a list of two results, in the order of `HALVES`.
    """
    names = list(names)
    tasks = [(name, number) for name in names for number in range(len(HALVES))]
    found = each(lambda task: function(task[0], HALVES[task[1]]), tasks)
    return {name: [found[name, number] for number in range(len(HALVES))] for name in names}
