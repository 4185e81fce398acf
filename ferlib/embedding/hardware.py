"""What this machine computes on."""

import platform
from pathlib import Path

import torch

from ferlib.errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")
BF16_INSTRUCTIONS = {"avx512_bf16", "amx_bf16", "bf16", "arm_bf16"}
"""Names, of x86 and ARM, under which a processor or torch lists arithmetic on bfloat16."""


def device(wanted="auto"):
    """The device to compute on.

    Parameters
    ----------
    wanted : {"auto", "cpu", "cuda", "mps"}
        `auto` is a graphics processor by CUDA, else by Apple's Metal, else the CPU.

    Returns
    -------
    str

    Raises
    ------
    InputError
        When the device is unknown, or this machine has none.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, usable in there.items() if usable)
    if not there.get(wanted, False):
        usable = ", ".join(repr(name) for name, usable in there.items() if usable)
        raise InputError(f"device {wanted!r}: not usable on this machine. Give 'auto' or one of {usable}.")
    return wanted


def has_bf16():
    """Whether this processor has instructions for bfloat16; without them torch emulates it, slowly."""
    flags = {name for name, there in getattr(torch.cpu, "get_capabilities", dict)().items() if there}
    listing = Path("/proc/cpuinfo")
    if platform.system() == "Linux" and listing.is_file():
        text = listing.read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.lower().startswith(("flags", "features"))]
        flags |= set(lines[0].split()) if lines else set()
    return bool(flags & BF16_INSTRUCTIONS)
