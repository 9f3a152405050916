"""Certificates: who is trusted, and who is not."""

import shutil
import subprocess
import threading

from harness import DEADLINE, WRAP, Skipped, certificates, request
from people import Person

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS")


def _outcome(case, name, *args, env=None, host="127.0.0.1"):
    server = case.server(tls=certificates().context(name))
    url = "https://%s:%d/mcp" % (host, server.port)
    p = case.start(url, *args, env=env)
    p.send(request(1, "initialize", protocolVersion="2025-06-18"))
    return p.answer(1)


def unknown_authority_is_refused_with_advice(case):
    case.is_error(_outcome(case, "good"), -31503, "secure connection", "--cacert")


def self_signed_certificate_is_refused_until_it_is_named(case):
    case.is_error(_outcome(case, "self"), -31503, "secure connection", "self", "--cacert")
    case.check("result" in _outcome(case, "self", "--cacert", certificates().path("self.pem")), "refused")


def expired_certificate_is_refused(case):
    case.is_error(_outcome(case, "expired", "--cacert", certificates().path("ca.pem")), -31503, "secure connection", "expired")


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


def authorities_that_no_connection_needs_are_not_looked_for(case):
    """A variable is often set for a whole machine, or by a parent whose file is not there any more."""
    for name in VARIABLES:
        missing = {name: "/nonexistent/ca.pem"}
        me = Person(case)
        me.login(env=dict(me.env, **missing))
        p = me.bridge(env=missing)
        p.handshake()
        case.check("result" in p.call(1, "tools/list"), "no result with " + name)
        case.check(name.encode() not in p.errors, "words %r" % p.errors)


def missing_authorities_are_named_by_the_first_connection_that_needs_them(case):
    for name in VARIABLES:
        case.is_error(_outcome(case, "good", env={name: "/nonexistent/ca.pem"}), -31503, name, "/nonexistent/ca.pem", "No such file")


def machine_without_authorities_is_told_how_to_get_some(case):
    """As slim containers are. The same advice from the bridge, a command and doctor."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        raise Skipped("no folders of its own can be had (unshare -m)")
    hide = "for d in /etc/ssl /etc/pki /usr/local/share/certs; do [ ! -d $d ] || mount -t tmpfs none $d || exit 99; done; exec \"$@\""
    server = case.server(tls=certificates().context("good"))
    said = []
    for words in ([], ["tools"], ["doctor"]):
        p = case.start(*words, server.url, wrap=["unshare", "-m", "sh", "-c", hide, "sh", *WRAP])
        if not words:
            p.send(request(1, "initialize", protocolVersion="2025-06-18"))
            p.answer(1)
        p.finish()
        said.append(b" ".join(p.errors.split() + b" ".join(p.lines).split()))
    for text in said:
        case.check(b"o certificate authorities are installed on this machine" in text and b"ca-certificates" in text and b"--cacert" in text, repr(text))
        case.check(b"own certificate authority" not in text, "advice of another case: %r" % text)


def missing_extra_file_leaves_the_others(case):
    """As Node does: a warning, and the connection goes on with what else is trusted."""
    server = case.server(tls=certificates().context("good"))
    env = {"SSL_CERT_FILE": "/nonexistent/ca.pem", "SSL_CERT_DIR": certificates().path("hashed")}
    p = case.start("https://127.0.0.1:%d/mcp" % server.port, env=env)
    p.handshake()
    p.wait_error_text("SSL_CERT_FILE names /nonexistent/ca.pem")


def plain_http_to_another_host_is_refused(case):
    p = case.start("http://mcp.example.com/mcp")
    p.send(request(1, "initialize"))
    case.is_error(p.answer(1), -31000, "--allow-http")
    case.equal(p.wait(), 2, "status")


def a_file_without_certificates_is_named(case):
    path = case.file("empty.pem", "no certificate in here\n")
    case.is_error(_outcome(case, "good", "--cacert", path), -31503, path, "PEM")


def an_extra_file_without_certificates_leaves_the_others(case):
    answer = _outcome(case, "good", env={"NODE_EXTRA_CA_CERTS": case.file("empty.pem", "none\n")})
    case.is_error(answer, -31503, "secure connection")


def every_connection_is_verified_against_the_same_store(case):
    """Several at once: the server answers none before all are there."""
    arrived = threading.Barrier(8)

    def handler(r):
        if r.rpc_method == "tools/call":
            arrived.wait(DEADLINE)
        r.answer()

    server = case.server(handler, tls=certificates().context("good"))
    p = case.start("https://127.0.0.1:%d/mcp" % server.port, env={"NODE_EXTRA_CA_CERTS": certificates().path("ca.pem")})
    p.handshake()
    for i in range(1, 9):
        p.send(request(i))
    for i in range(1, 9):
        case.check("result" in p.answer(i), "no answer to %d" % i)
