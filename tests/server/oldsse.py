"""HTTP+SSE, the transport of 2024-11-05: answers come on the stream of GET /sse, messages go to POST /messages/."""

import threading

import jsonrpc
from jsonrpc import RpcError
from legacy import LegacyCall
from reply import Posted
from sessions import Outlet
from sse import Stream
from wait import Inbox


def stream(sandbox, handler):
    """GET /sse. The first event says where to post."""
    session = sandbox.sessions.new(always=True)
    inbox = Inbox(handler)
    outlet = Outlet(inbox)
    try:
        out = Stream(handler)
        out.event(b"/messages/?session_id=" + session.id.encode(), name="endpoint")
        session.outlets.append(outlet)
        sandbox.log.count("stream-open")
        out.serve(inbox)
    finally:
        sandbox.sessions.end(session)
        inbox.close()


def post(sandbox, handler, value):
    """POST /messages/: accepted at once, worked on beside it."""
    session = sandbox.sessions.known.get(handler.query.get("session_id"))
    problem = jsonrpc.problem(value)
    if session is None or not session.outlets or problem:
        handler.reply(404 if session is None else 400, (problem or "Could not find session").encode(), "text/plain")
        return
    try:
        if "method" not in value or "id" not in value:
            sandbox.legacy.take(handler, value, session)
        else:
            if sandbox.gate.limited(handler, value["id"]):
                return
            threading.Thread(target=work, args=(sandbox, handler, value, session), daemon=True).start()
        handler.reply(202, b"Accepted", "text/plain")
    except RpcError as refusal:
        handler.reply(refusal.status, refusal.answer("server-error"))


def work(sandbox, handler, message, session):
    call = LegacyCall(handler, message, Posted(session.outlets[0]), session)
    call.inbox = Inbox(None)  # the POST is over; its connection may carry the next one
    if message["method"] == "initialize":
        call.reply.finish(*sandbox.legacy.answer_of(call.id, lambda: sandbox.legacy.initialize(call.params, session)))
    else:
        sandbox.legacy.work(call)
