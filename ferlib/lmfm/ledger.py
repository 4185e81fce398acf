"""What may be spent, counted over all runs in a folder: a question that could pass the limit is not sent.

A ledger beside the answers has a line before each request, with the most that it can cost, and a line when it ended,
with what it did cost: nothing, where the provider is known not to bill such an end. A request of which nobody knows
whether it was billed, because the connection broke or the process was killed, stays with the most that it can cost.
"""

import collections
import contextlib
import errno
import json
import os
import threading
import uuid

from ferlib import images, tables
from ferlib.errors import InputError
from ferlib.lmfm import prices
from ferlib.paths import relative

FILE = "spending.jsonl"

UNSEEN = "its end was not seen"


class Ledger:
    """The money of one folder of answers, for one model of it, known as `name`.

    `max_usd` may be spent on this folder in all runs together and on all models; a request costs the `price` times the
    `factor`, which is less than 1 for batches.
    """

    def __init__(self, folder, *, max_usd, price, name, factor=1.0):
        self.path, self.max_usd, self.price, self.name, self.factor = folder / FILE, max_usd, price, name, factor
        self._lock, self._read_to, self._open, self._why, self._settled_usd = threading.Lock(), 0, {}, {}, 0.0
        with self._lock:
            self._catch_up()

    def spent_usd(self):
        """Dollars spent, and at most spent by requests of which that is not known."""
        return self._settled_usd + sum(self._open.values())

    def unknown(self):
        """Requests of which nobody knows whether they were billed: dict of reason to `(number, dollars at most)`."""
        found = collections.defaultdict(list)
        for entry, usd in self._open.items():
            found[self._why.get(entry, UNSEEN)].append(usd)
        return {why: (len(usd), sum(usd)) for why, usd in found.items()}

    def reserve(self, image, text, settings):
        """Note that a request is about to be sent, for `settle`; raises when it could pass the limit."""
        if "max_tokens" not in settings:
            raise InputError(
                f"max_usd needs a longest answer: give {self.name!r} a max_tokens, in its settings or yours."
            )
        tokens = prices.tokens_at_most(self.price.image_tokens, *images.size(image), text, settings)
        thoughts = settings.get("thinking_budget") or 0
        most_usd = self.factor * self.price.usd(tokens, settings["max_tokens"] + max(0, thoughts))
        with self._alone():
            if self.spent_usd() + most_usd > self.max_usd:
                raise InputError(
                    f"max_usd = {self.max_usd:g} would be passed by asking {self.name!r} one question more: "
                    f"${self.spent_usd():.4f} are spent or under way, one question costs at most ${most_usd:.4f}. All "
                    f"answers so far are stored. Raise max_usd and run again to go on, or ask less."
                )
            entry = uuid.uuid4().hex
            # On the disk before it is sent: what a power cut makes us forget could be spent twice.
            self._append({"id": entry, "model": self.name, "at_most_usd": most_usd}, durably=True)
        return entry

    def settle(self, entry, billed, usage, *, why=""):
        """Note what a request cost that `reserve` noted as `entry`.

        `billed` is `no`, `usage` or `unknown`, as in data/providers/outcomes.csv; where no `usage` is reported, the
        reservation stays. `why` is what happened, for the list of those that are not known.
        """
        usd = {"no": 0.0, "unknown": None}.get(billed, self.price.usd_of(usage))
        cost = {"unknown": why or "the provider reported no usage"} if usd is None else {"usd": self.factor * usd}
        with self._alone():
            self._append({"id": entry} | cost)

    def _append(self, line, *, durably=False):
        """Add a line of its own, whatever half a line a power cut or a full disk has left before it."""
        data = (json.dumps(line) + "\n").encode()
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            if os.fstat(handle).st_size:
                os.lseek(handle, -1, os.SEEK_END)
                data = data if os.read(handle, 1) == b"\n" else b"\n" + data
            if os.write(handle, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            if durably:
                os.fsync(handle)
        except OSError as error:
            raise InputError(
                f"{relative(self.path)}: what is spent cannot be noted ({error.strerror}), so nothing more is asked. "
                f"All answers so far are stored. Make room on the disk, and run again to go on."
            ) from error
        finally:
            os.close(handle)
        self._catch_up()

    def _catch_up(self):
        """Read the lines that were added since, by this process or another."""
        try:
            with open(self.path, "rb") as file:
                file.seek(self._read_to)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: data.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            try:
                entry = json.loads(line)
            except ValueError:  # half a line of a power cut: what it said is unknown, what came before it is kept
                continue
            if not isinstance(entry, dict):
                continue
            if "at_most_usd" in entry:
                self._open[entry["id"]] = entry["at_most_usd"]
            elif "unknown" in entry:
                self._why[entry["id"]] = entry["unknown"]
            elif entry["usd"] >= 0:  # else it cannot be, and the reservation stays
                self._open.pop(entry["id"], None)
                self._settled_usd += entry["usd"]

    @contextlib.contextmanager
    def _alone(self):
        """Keep other threads and, where the system can, other processes away from the ledger; read what they wrote."""
        with self._lock, tables.alone(self.path):
            self._catch_up()
            yield


def of_folder(folder):
    """The ledger of a folder of answers, to look at: what all runs have spent, and what is not known."""
    return Ledger(folder, max_usd=0.0, price=prices.Price(), name="")


def of(model, folder, *, max_usd, own_prices=None, batched=False):
    """Ledger of a model at its price (see `ferlib.lmfm.prices.price_of`) or that of batches; None when it is free."""
    price = prices.price_of(model, own_prices)
    factor = price.batch_factor if batched else 1.0
    return Ledger(folder, max_usd=max_usd, price=price, name=model["name"], factor=factor) if price.usd(1, 1) else None
