"""Slack's Web API client, without its two traps."""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from slack_sdk.web.async_client import AsyncWebClient

_TIMEOUT_S: Final = 15


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine, so that a proxy must stay out of the way."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def make_client(token: str, api_url: str) -> AsyncWebClient:
    """A client that never repeats a call by itself: a repeated chat.postMessage is a second message.

    The library takes proxies from the environment and knows no exceptions for loopback, so it is set right here.
    """
    client = AsyncWebClient(token=token, base_url=api_url, timeout=_TIMEOUT_S, retry_handlers=[])
    if is_loopback(api_url):
        client.proxy = None
    return client
