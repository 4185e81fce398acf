"""Client libraries and services, from one data file: addresses, keys, limits, and what is to be known about each."""

import functools
import ipaddress
from urllib.parse import urlsplit

import yaml

from ferlib.paths import ROOT

FILE = ROOT / "data" / "providers" / "services.yaml"

DEFAULTS = {
    "prices": "", "token_limit": "max_tokens", "image_format": "", "batch_requests": 0, "batch_bytes": 0,
    "batch_tokens": 0, "note": "", "hosts": (), "sources": (), "free": False, "environment": (),
}  # fmt: skip
"""What a service has where the file says nothing; no batches where it may hold 0 requests."""


@functools.cache
def content():
    """All of the file; `causes`, `batch_states` and `no_response` are explained there."""
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


@functools.cache
def read():
    """Providers and services of the file: two dicts by name, services with all fields of `DEFAULTS`."""
    services = {name: {**DEFAULTS, **entry} for name, entry in content()["services"].items()}
    return content()["providers"], services


def host(url):
    """Host of an address."""
    return urlsplit(url).hostname or ""


def is_loopback(url):
    """Whether an address is this very machine.

    Examples
    --------
    >>> is_loopback("http://localhost:8000/v1"), is_loopback("https://127.0.0.1.example.org")
    (True, False)
    """
    try:
        return ipaddress.ip_address(host(url)).is_loopback
    except ValueError:
        return host(url) == "localhost"


def provider(model):
    """Who a model's client library asks; some providers have two libraries."""
    return model["provider"].removesuffix("-legacy")


def service_at(provider, url):
    """Name of the service that a client library reaches at an address, by its host, else the library's usual one."""
    providers, services = read()
    usual, name = providers[provider]["service"], host(url)
    for service, entry in services.items():
        same = services[usual]["protocol"] == entry["protocol"]
        if same and any(name == ending.lstrip(".") or name.endswith(ending) for ending in entry["hosts"]):
            return service
    return usual


def of(model):
    """Fields of the service that answers for a model."""
    return read()[1][model.get("service") or service_at(model["provider"], model["base_url"])]


def batches(model):
    """Whether a model takes batches: as it says itself, else as its service does."""
    return model.get("batch_requests", of(model)["batch_requests"]) > 0 and model["provider"] == provider(model)
