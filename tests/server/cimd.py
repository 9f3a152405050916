"""Client ID metadata documents: reading and judging them."""

import json
import ssl
import urllib.request
from urllib.parse import urlsplit

MAX_DOCUMENT = 5 << 10  # what the draft recommends
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def read(url):
    """A client, or None when there is no good document. Only loopback is asked; documents elsewhere are trusted unread."""
    if not good_address(url):
        return None
    if urlsplit(url).hostname not in LOOPBACK:
        return client(url, {"client_name": url})
    try:
        nobody_checks = ssl._create_unverified_context() if url.startswith("https:") else None
        with urllib.request.urlopen(url, timeout=20, context=nobody_checks) as answer:
            document = json.loads(answer.read(MAX_DOCUMENT + 1)[:MAX_DOCUMENT])
    except (OSError, ValueError):
        return None
    good = (isinstance(document, dict) and document.get("client_id") == url and document.get("client_name")
            and isinstance(document.get("redirect_uris"), list) and "client_secret" not in document)
    return client(url, document) if good else None


def good_address(url):
    """https, but on loopback; a path without dot segments; no fragment, nobody's name in it."""
    parts = urlsplit(url)
    scheme = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    segments = parts.path.split("/")
    return bool(scheme and len(parts.path) > 1 and not parts.fragment and not parts.username
                and not {".", ".."} & set(segments))


def client(url, document):
    """redirect_uris None: any of loopback."""
    return {"client_id": url, "client_name": document["client_name"], "redirect_uris": document.get("redirect_uris"),
            "grant_types": ["authorization_code", "refresh_token"], "token_endpoint_auth_method": "none"}
