"""Certificates: who is trusted, and who is not."""

from harness import certificates, request


def _outcome(case, name, *args, env=None, host="127.0.0.1"):
    server = case.server(tls=certificates().context(name))
    url = "https://%s:%d/mcp" % (host, server.port)
    p = case.start(url, *args, env=env)
    p.send(request(1, "initialize", protocolVersion="2025-06-18"))
    return p.answer(1)


def unknown_authority_is_refused_with_advice(case):
    case.is_error(_outcome(case, "good"), -31503, "secure connection", "--cacert")


def wrong_host_name_is_refused(case):
    case.is_error(_outcome(case, "other", "--cacert", certificates().path("ca.pem")), -31503, "secure connection")


def own_authority_by_option(case):
    case.check("result" in _outcome(case, "good", "--cacert", certificates().path("ca.pem")), "refused")


def own_authority_by_ssl_cert_file(case):
    case.check("result" in _outcome(case, "good", env={"SSL_CERT_FILE": certificates().path("ca.pem")}), "refused")


def own_authority_by_ssl_cert_dir(case):
    case.check("result" in _outcome(case, "good", env={"SSL_CERT_DIR": certificates().path("hashed")}), "refused")


def own_authority_by_node_extra_ca_certs(case):
    case.check("result" in _outcome(case, "good", env={"NODE_EXTRA_CA_CERTS": certificates().path("ca.pem")}), "refused")


def authority_that_cannot_be_read_is_named(case):
    p = case.start("https://127.0.0.1:1/mcp", "--cacert", "/nonexistent/ca.pem")
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31000, "/nonexistent/ca.pem")
    case.equal(p.wait(), 2, "status")


def plain_http_to_another_host_is_refused(case):
    p = case.start("http://mcp.example.com/mcp")
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31000, "--allow-http")
    case.equal(p.wait(), 2, "status")
