"""What can be wrong, by name. The places that do it ask asked(); play() does those of --fail."""

# --fail METHOD=KIND: what happens to a message before anybody looks at it.
HTTP = {
    "close": "the connection is closed without an answer",
    "reset": "the connection is reset without an answer",
    "hang": "no answer, ever",
    "400": "HTML", "403": "HTML", "404": "HTML", "500": "HTML", "502": "HTML",
    "503": "without Retry-After", "503-retry": "with Retry-After: 1",
    "empty-200": "200 without a body", "empty-202": "202 for a request",
    "html-200": "200 with a page instead of JSON",
    "half-json": "closed in the middle of a JSON body",
    "redirect-same": "307 to /elsewhere/mcp of this origin, which works",
    "redirect-other": "307 to the OAuth origin",
}

# --fault NAME, for everything that has to do with signing in.
OAUTH = {
    # discovery
    "issuer-mismatch": "server metadata names another issuer",
    "resource-mismatch": "resource metadata is for another server",
    "resource-slash": "resource metadata has a slash too many",
    "other-issuer": "resource metadata names a second authorization server, at /second",
    "http-endpoints": "the token endpoint is http on another host",
    "http-authorize": "the authorization endpoint is http on another host",
    "http-registration": "the registration endpoint is http on another host",
    "javascript-endpoint": "the authorization endpoint is a javascript: URL",
    "file-endpoint": "the authorization endpoint is a file: URL",
    "shell-endpoint": "the authorization endpoint holds shell metacharacters",
    "dash-endpoint": "the authorization endpoint starts with a dash",
    "newline-endpoint": "the authorization endpoint holds a line break",
    "huge-metadata": "2 MB of server metadata",
    "huge-resource": "2 MB of resource metadata",
    "deep-metadata": "server metadata nested 100,000 deep",
    "deep-resource": "resource metadata nested 100,000 deep",
    "html-metadata": "metadata addresses answer a page with 200",
    "metadata-500": "metadata addresses answer 500",
    "metadata-redirect": "metadata addresses redirect to another origin",
    "no-s256": "PKCE with S256 is not offered",
    "no-pkce": "server metadata says nothing of PKCE",
    "no-metadata": "no metadata documents at all",
    "no-resource-metadata": "no resource metadata (as in 2025-03-26); server metadata at the root",
    "default-endpoints": "no metadata documents; /authorize, /token, /register of the MCP origin (2025-03-26)",
    "root-metadata": "metadata documents at the pathless addresses only",
    "oidc-metadata": "server metadata only as OpenID configuration",
    "no-scopes": "no scopes_supported anywhere",
    "offline-access": "server metadata lists offline_access",
    # registration
    "no-registration": "no registration endpoint",
    "register-429": "registration is refused with 429 and Retry-After",
    "register-400": "registration is refused with 400",
    "register-422": "registration is refused with 422 and other JSON",
    "register-html": "registration answers a page with 200",
    "register-secret": "registration gives a client secret, to be sent by client_secret_basic",
    "register-secret-post": "registration gives a client secret, to be sent by client_secret_post",
    "forget-clients": "the first authorize finds the client unknown, once",
    "cimd": "client ids may be URLs of client metadata documents",
    # authorize and its answer
    "deny": "the person says no",
    "iss": "the callback has the right iss, and metadata promises it",
    "iss-stray": "the callback has the right iss, which nobody promised",
    "iss-wrong": "the callback has a wrong iss",
    "iss-missing": "metadata promises iss, the callback has none",
    "state-wrong": "the callback has a wrong state",
    "state-missing": "the callback has no state",
    "state-twice": "the callback has state twice",
    "error-no-state": "the callback has an error and no state",
    "loopback-ip-refused": "redirect URIs with 127.0.0.1 are refused at authorize",
    "any-resource": "the resource parameter is not looked at",
    "any-port": "the port of http://localhost redirect URIs is not compared",
    # token answers
    "token-html": "the token endpoint answers HTML",
    "token-empty": "the token endpoint answers nothing",
    "token-500": "the token endpoint answers 500",
    "token-deep": "the token endpoint answers JSON nested 100,000 deep",
    "token-newline": "an access token with a line break in it",
    "token-missing": "an answer without access_token",
    "token-type": "a token_type that is not Bearer",
    "token-type-lower": "token_type is bearer in small letters",
    "scope-missing": "no scope in the answer",
    "scope-narrowed": "only the first two scopes are granted",
    "expires-missing": "no expires_in",
    "expires-zero": "expires_in is 0",
    "expires-negative": "expires_in is negative",
    "expires-string": "expires_in is a string",
    "expires-huge": "expires_in is 1e18",
    "token-201": "tokens come with status 201",
    "vschar": "client ids, codes and refresh tokens hold blanks (RFC 6749, appendix A)",
    "id-token": "an id_token comes along, and is taken as a credential too",
    # refresh
    "no-refresh": "no refresh token at all",
    "refresh-none": "refreshing gives no new refresh token; the old one stays good",
    "refresh-kept": "refreshing gives the same refresh token again",
    "refresh-500": "refreshing answers 500",
    "refresh-hang": "refreshing never answers",
    "refresh-dead": "refreshing answers invalid_grant",
    "grant-401": "invalid_grant comes with 401",
    "refresh-200": "a dead refresh token is answered by an OAuth error with status 200",
    "refresh-invalid-request": "the same, as invalid_request",
    "refresh-invalid-token": "the same, as invalid_token with status 401",
    # further endpoints and grants
    "revocation": "there is a revocation endpoint",
    "revocation-500": "there is a revocation endpoint, which answers 500",
    "device": "device authorization (RFC 8628)",
    "device-denied": "the same, and the person says no",
    "device-expired": "the same, and the code ends before anybody comes",
    "device-slow-down": "the same, and the first poll is told to slow down",
    "client-credentials": "the client-credentials grant, for the client of the first line",
}
# Each of these brings the endpoint of another one with it.
IMPLIES = {"revocation-500": "revocation", "device-denied": "device", "device-expired": "device", "device-slow-down": "device"}

def asked(options, name):
    """Whether this fault was asked for, by itself or by one that needs it."""
    return name in options.fault or any(IMPLIES.get(f) == name for f in options.fault)


PAGE = b"<!doctype html><html><head><title>%s</title></head><body><h1>%s</h1><p>nginx</p></body></html>"


def play(handler, kind, elsewhere):
    """Answers a request with one of HTTP; elsewhere: another origin."""
    if kind in ("close", "reset"):
        handler.drop(kind == "reset")
    elif kind == "hang":
        handler.note(None)
        handler.rest()
    elif kind in ("empty-200", "empty-202"):
        handler.reply(int(kind[6:]))
    elif kind == "half-json":
        handler.reply(200, b'{"jsonrpc":"2.0","id":1,"res', "application/json", length=1000)
        handler.drop()
    elif kind == "redirect-same":
        handler.reply(307, headers={"Location": "/elsewhere/mcp"})
    elif kind == "redirect-other":
        handler.reply(307, headers={"Location": elsewhere + "/mcp"})
    else:
        status = 200 if kind == "html-200" else int(kind[:3])
        text = str(status).encode()
        handler.reply(status, PAGE % (text, text), "text/html", {"Retry-After": "1"} if kind == "503-retry" else {})
