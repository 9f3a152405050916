"""The discovery documents: protected resource (RFC 9728) and authorization server (RFC 8414, OpenID)."""

from faults import asked

SCOPES = ["projects", "analysis", "events", "insights", "segmentation", "retention", "data:read", "funnels", "flows",
          "data_definitions", "bookmarks", "business_context", "cohorts", "dashboard_reports", "experiments",
          "feature_flags", "metrics", "user_details"]
GROWN = ["alerts", "warehouse"]
ELSEWHERE = "http://elsewhere.example"  # no such host, by RFC 2606
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

RESOURCE, SERVER, OPENID = ("/.well-known/" + name for name in
                            ("oauth-protected-resource", "oauth-authorization-server", "openid-configuration"))

# Nested deeper than a parser should follow; the json module would not write it.
DEEP = b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}"


def scopes(options):
    """What the server knows, whatever it tells."""
    return SCOPES + GROWN if options.grown_scopes else SCOPES


def resource_address(origin, options):
    """What a challenge names as resource_metadata; None when there is no such document."""
    if asked(options, "no-resource-metadata") or asked(options, "default-endpoints"):
        return None
    return origin + RESOURCE + ("" if asked(options, "root-metadata") else "/mcp")


def answer(handler, authorities, options):
    """Answers a request for a document. False when the path is none of a document."""
    path, log = handler.path, handler.server.log
    if not (path.startswith("/.well-known/") or path.endswith(OPENID)):
        return False
    document = None
    origin = handler.server.origin
    if asked(options, "metadata-redirect") and handler.server.kind == "oauth":
        origin = authorities[0].mcp  # where the redirect leads
    if path in resource_paths(options) and origin == authorities[0].mcp:
        log.count("resource-metadata")
        document = resource_document(authorities, options)
    for authority in authorities:
        if origin + path in server_addresses(authority, options):
            log.count("server-metadata")
            document = server_document(authority, options)
    if document is None:
        handler.reply(404, b"Not Found", "text/plain")
    elif asked(options, "html-metadata"):
        handler.page(200, "<!doctype html><title>Welcome</title><p>You are looking for something else.")
    elif asked(options, "metadata-500"):
        handler.page(500, "<!doctype html><title>Server Error</title>")
    elif asked(options, "metadata-redirect") and handler.server.kind == "mcp":
        handler.reply(302, headers={"Location": authorities[0].own + path})
    else:
        handler.reply(200, document, "application/json")
    return True


def resource_paths(options):
    if asked(options, "no-metadata") or asked(options, "no-resource-metadata") or asked(options, "default-endpoints"):
        return []
    return [RESOURCE] if asked(options, "root-metadata") else [RESOURCE + "/mcp", RESOURCE]


def resource(mcp, options):
    """The name of the MCP server as a resource; mcp: its origin."""
    if asked(options, "resource-mismatch"):
        return "https://elsewhere.example/mcp"
    return mcp + ("/mcp/" if asked(options, "resource-slash") else "/mcp")


def resource_document(authorities, options):
    mcp, second = authorities[0].mcp, authorities[1]
    document = {
        "resource": resource(mcp, options),
        "authorization_servers": [second.issuer if asked(options, "other-issuer") else authorities[0].issuer],
        "scopes_supported": scopes(options),
        "bearer_methods_supported": ["header"],
    }
    if asked(options, "no-scopes"):
        del document["scopes_supported"]
    if asked(options, "huge-resource"):
        document["padding"] = "x" * 2000000
    return DEEP if asked(options, "deep-resource") else document


def server_addresses(authority, options):
    """Where the document of this server is. The service's own is also at the pathless address of its origin."""
    origin, path = authority.issuer_origin, authority.issuer_path
    if asked(options, "no-metadata") or asked(options, "default-endpoints"):
        return []
    if asked(options, "oidc-metadata"):
        return [origin + OPENID + path, origin + path + OPENID]
    pathless = [origin + SERVER] if origin == authority.mcp else []
    return pathless if asked(options, "root-metadata") else [origin + SERVER + path] + pathless


def server_document(authority, options):
    def fault(name):
        return asked(options, name)

    own = authority.own
    document = {
        "issuer": authority.issuer,
        "authorization_endpoint": own + "/oauth/authorize",
        "token_endpoint": own + "/oauth/token/",
        "registration_endpoint": own + "/oauth/mcp/register/",
        "scopes_supported": list(scopes(options)),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
    }
    for name, field, value in (
            ("issuer-mismatch", "issuer", "https://elsewhere.example"),
            ("http-endpoints", "token_endpoint", ELSEWHERE + "/token"),
            ("http-authorize", "authorization_endpoint", ELSEWHERE + "/authorize"),
            ("http-registration", "registration_endpoint", ELSEWHERE + "/register"),
            ("javascript-endpoint", "authorization_endpoint", "javascript:alert(1)"),
            ("file-endpoint", "authorization_endpoint", "file:///etc/passwd"),
            ("shell-endpoint", "authorization_endpoint", own + "/oauth/authorize;$(touch${IFS}/tmp/owned)`id`"),
            ("dash-endpoint", "authorization_endpoint", "--help"),
            ("newline-endpoint", "authorization_endpoint", own + "/oauth/authorize\n--help"),
            ("no-s256", "code_challenge_methods_supported", ["plain"]),
            ("iss", "authorization_response_iss_parameter_supported", True),
            ("iss-missing", "authorization_response_iss_parameter_supported", True),
            ("cimd", "client_id_metadata_document_supported", True),
            ("revocation", "revocation_endpoint", own + "/oauth/revoke/"),
            ("device", "device_authorization_endpoint", own + "/oauth/device/"),
            ("huge-metadata", "padding", "x" * 2000000)):
        if fault(name):
            document[field] = value
    for name, field in (("no-registration", "registration_endpoint"), ("no-pkce", "code_challenge_methods_supported"),
                        ("no-scopes", "scopes_supported")):
        if fault(name):
            del document[field]
    if fault("offline-access") and "scopes_supported" in document:
        document["scopes_supported"].append("offline_access")
    if fault("device"):
        document["grant_types_supported"].append(DEVICE_GRANT)
    if fault("client-credentials"):
        document["grant_types_supported"].append("client_credentials")
    if fault("oidc-metadata"):
        document.update(jwks_uri=own + "/oauth/jwks", subject_types_supported=["public"],
                        id_token_signing_alg_values_supported=["RS256"])
    return DEEP if fault("deep-metadata") else document
