// The same MCP server on both lines of the official SDK, on loopback:
//   sdk1 events, sdk1 json   1.x, sessions of the revisions up to 2025-11-25
//   sdk2 legacy              2.x, the same
//   sdk2 modern              2.x, 2026-07-28 and nothing else
//   sdk2 both                2.x, 2026-07-28, and earlier clients without sessions
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { McpServer as McpServer1, ResourceTemplate as ResourceTemplate1 } from "@modelcontextprotocol/sdk/server/mcp.js";
import { completable as completable1 } from "@modelcontextprotocol/sdk/server/completable.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { McpServer, ResourceTemplate, completable, createMcpHandler, inputRequired } from "@modelcontextprotocol/server";
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import { z } from "zod";

const capabilities = { logging: {}, resources: { subscribe: true, listChanged: true }, tools: { listChanged: true } };
const text = (t) => ({ content: [{ type: "text", text: t }] });
const wantsName = { message: "name?", requestedSchema: { type: "object", properties: { name: { type: "string" } } } };
const progressNote = (token, n) => ({ method: "notifications/progress", params: { progressToken: token, progress: n, total: 3 } });

const logNote = { method: "notifications/message", params: { level: "info", data: "logged" } };

// What a test wants to know of the server, or tell it, while a call runs.
function newState() {
  return { started: () => {}, cancelled: () => {}, seen: () => {}, deleted: 0 };
}

// A call that ends when it is cancelled.
function stuck(state, signal) {
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => { state.cancelled(); resolve(text("")); });
    state.started();
  });
}

// A client forgets a call's progress handler with its answer: the answer waits until the test has seen all.
async function progress(state, token, notify) {
  for (let n = 1; n <= 3; n++)
    await notify(progressNote(token, n));
  await new Promise((resolve) => { state.seen = resolve; });
  return text("");
}

function build1(state) {
  const server = new McpServer1({ name: "interop", version: "1" }, { capabilities });
  const tool = (name, inputSchema, run) => server.registerTool(name, { inputSchema }, run);
  tool("echo", { text: z.string() }, async (a) => text(a.text));
  tool("big", { bytes: z.number() }, async ({ bytes }) => text("x".repeat(bytes)));
  tool("progress", {}, (_, extra) => progress(state, extra._meta.progressToken, (n) => extra.sendNotification(n)));
  tool("log", {}, async (_, extra) => { await extra.sendNotification(logNote); return text(""); });
  tool("ask", { what: z.string() }, async ({ what }, extra) => {
    const related = { relatedRequestId: extra.requestId };
    const answer = what === "roots" ? await server.server.listRoots({}, related)
      : what === "sampling" ? await server.server.createMessage({ messages: [], maxTokens: 1 }, related)
        : await server.server.elicitInput(wantsName, related);
    return text(JSON.stringify(answer));
  });
  tool("stuck", {}, (_, extra) => stuck(state, extra.signal));
  tool("grow", {}, async () => { tool("grown-" + randomUUID(), {}, async () => text("")); return text(""); });
  tool("touch", {}, async () => { await server.server.sendResourceUpdated({ uri: "note://a" }); return text(""); });
  tool("shout", {}, async () => { await server.server.sendLoggingMessage(logNote.params); return text(""); });
  server.registerResource("note", new ResourceTemplate1("note://{name}", { list: undefined }), {},
    async (uri) => ({ contents: [{ uri: uri.href, text: "note" }] }));
  server.registerPrompt("greet", { argsSchema: { who: completable1(z.string(), names) } }, greet);
  server.server.setRequestHandler(SubscribeRequestSchema, async () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, async () => ({}));
  return server;
}

// changed: how to tell clients of 2026-07-28, whose servers live for one request only.
function build2(state, changed) {
  const server = new McpServer({ name: "interop", version: "1" }, { capabilities });
  const tool = (name, inputSchema, run) => server.registerTool(name, { inputSchema: z.object(inputSchema) }, run);
  tool("echo", { text: z.string() }, async (a) => text(a.text));
  tool("big", { bytes: z.number() }, async ({ bytes }) => text("x".repeat(bytes)));
  tool("progress", {}, (_, c) => progress(state, c.mcpReq._meta.progressToken, (n) => c.mcpReq.notify(n)));
  tool("log", {}, async (_, c) => { await c.mcpReq.log("info", "logged"); return text(""); });
  tool("ask", { what: z.string() }, async ({ what }, c) => {
    const answer = c.mcpReq.inputResponses?.answer;
    if (answer)
      return text(JSON.stringify(answer));
    return inputRequired({ requestState: "state of " + what, inputRequests: { answer: what === "roots" ? inputRequired.listRoots()
      : what === "sampling" ? inputRequired.createMessage({ messages: [], maxTokens: 1 }) : inputRequired.elicit(wantsName) } });
  });
  tool("stuck", {}, (_, c) => stuck(state, c.mcpReq.signal));
  tool("grow", {}, async () => {
    if (changed())
      changed().toolsChanged();
    else
      tool("grown-" + randomUUID(), {}, async () => text(""));
    return text("");
  });
  tool("touch", {}, async () => {
    if (changed())
      changed().resourceUpdated("note://a");
    else
      await server.server.sendResourceUpdated({ uri: "note://a" });
    return text("");
  });
  tool("shout", {}, async () => { await server.server.sendLoggingMessage(logNote.params); return text(""); });
  server.registerResource("note", new ResourceTemplate("note://{name}", { list: undefined }), {},
    async (uri) => ({ contents: [{ uri: uri.href, text: "note" }] }));
  server.registerPrompt("greet", { argsSchema: z.object({ who: completable(z.string(), names) }) }, greet);
  server.server.setRequestHandler("resources/subscribe", async () => ({}));
  server.server.setRequestHandler("resources/unsubscribe", async () => ({}));
  return server;
}

function names(value) {
  return ["Ada", "Alan"].filter((n) => n.startsWith(value));
}

function greet({ who }) {
  return { messages: [{ role: "user", content: { type: "text", text: "hello " + who } }] };
}

// Sessions: a server and a transport for each; a session that is not known is 404.
function sessions(state, makeServer, makeTransport) {
  const known = new Map();
  async function handle(req, res) {
    const chunks = [];
    for await (const c of req) chunks.push(c);
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : undefined;
    const id = req.headers["mcp-session-id"];
    if (req.method === "DELETE") state.deleted++;
    if (id && !known.has(id)) {
      res.writeHead(404, { "Content-Type": "application/json" });
      return res.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } }));
    }
    let transport = known.get(id);
    if (!transport) {
      transport = makeTransport({ sessionIdGenerator: () => randomUUID(), onsessioninitialized: (s) => { known.set(s, transport); } });
      await makeServer().connect(transport);
    }
    await transport.handleRequest(req, res, body);
  }
  return { handle, forget: () => known.clear() };
}

function perRequest(state, legacy) {
  let handler = null;
  handler = createMcpHandler((c) => build2(state, () => c.era === "modern" && handler.notify), { legacy });
  return { handle: toNodeHandler(handler), forget: () => {} };
}

const kinds = {
  "sdk1 events": (state) => sessions(state, () => build1(state), (o) => new StreamableHTTPServerTransport(o)),
  "sdk1 json": (state) => sessions(state, () => build1(state), (o) => new StreamableHTTPServerTransport({ ...o, enableJsonResponse: true })),
  "sdk2 legacy": (state) => sessions(state, () => build2(state, () => null), (o) => new NodeStreamableHTTPServerTransport(o)),
  "sdk2 modern": (state) => perRequest(state, "reject"),
  "sdk2 both": (state) => perRequest(state, "stateless"),
};

export const serverKinds = Object.keys(kinds);

export async function startServer(kind) {
  const state = newState(), part = kinds[kind](state);
  const http = createServer((req, res) => Promise.resolve(part.handle(req, res)).catch((e) => res.destroy(e)));
  await new Promise((ready) => http.listen(0, "127.0.0.1", ready));
  return {
    state, url: `http://127.0.0.1:${http.address().port}/mcp`,
    // All that a client sees of a restart: its connections are gone, and what the server knew.
    restart() { part.forget(); http.closeAllConnections(); },
    stop() { http.closeAllConnections(); http.close(); },
  };
}
