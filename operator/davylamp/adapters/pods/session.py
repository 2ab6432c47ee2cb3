"""How pods are asked over HTTP: they may run anybody's code."""

import aiohttp


def open_session(
    timeout: aiohttp.ClientTimeout, connector: aiohttp.BaseConnector, *, accept: str
) -> aiohttp.ClientSession:
    """A session without proxies of the environment, cookies and compression.

    To be opened while the event loop that it belongs to is running.
    """
    return aiohttp.ClientSession(
        timeout=timeout,
        auto_decompress=False,  # a small answer must not unfold into a large one
        headers={"Accept": accept, "Accept-Encoding": "identity"},
        cookie_jar=aiohttp.DummyCookieJar(),
        connector=connector,
        trust_env=False,
    )
