// SDK 1.x on both ends: its stdio client, mpmcp, its Streamable HTTP server.
import { createServer } from "node:http";
import { randomUUID } from "node:crypto";
import { McpServer, ResourceTemplate } from "@modelcontextprotocol/sdk/server/mcp.js";
import { completable } from "@modelcontextprotocol/sdk/server/completable.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  LoggingMessageNotificationSchema, ResourceUpdatedNotificationSchema, SubscribeRequestSchema, ToolListChangedNotificationSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";
import { account, check, connect, deadline, equal, finish } from "./checks.mjs";

const state = { cancelled: null, started: null, deleted: 0 };

function build() {
  const server = new McpServer({ name: "sdk1", version: "1" },
    { capabilities: { logging: {}, resources: { subscribe: true, listChanged: true }, tools: { listChanged: true } } });
  server.registerTool("echo", { inputSchema: { text: z.string() } }, async ({ text }) => ({ content: [{ type: "text", text }] }));
  server.registerTool("big", { inputSchema: { bytes: z.number() } },
    async ({ bytes }) => ({ content: [{ type: "text", text: "x".repeat(bytes) }] }));
  server.registerTool("progress", { inputSchema: {} }, async (_, extra) => {
    for (let i = 1; i <= 3; i++)
      await extra.sendNotification({ method: "notifications/progress",
        params: { progressToken: extra._meta.progressToken, progress: i, total: 3 } });
    // The SDK's client forgets a call's progress handler when the answer comes in the same piece of input.
    await new Promise((yes) => { state.seen = yes; });
    return { content: [] };
  });
  server.registerTool("log", { inputSchema: {} }, async () => {
    await server.server.sendLoggingMessage({ level: "info", data: "logged" });
    return { content: [] };
  });
  server.registerTool("ask", { inputSchema: { what: z.string() } }, async ({ what }, extra) => {
    const related = { relatedRequestId: extra.requestId };
    const answer = what === "roots" ? await server.server.listRoots({}, related)
      : what === "sampling" ? await server.server.createMessage({ messages: [], maxTokens: 1 }, related)
        : await server.server.elicitInput({ message: "name?", requestedSchema: { type: "object", properties: { name: { type: "string" } } } }, related);
    return { content: [{ type: "text", text: JSON.stringify(answer) }] };
  });
  server.registerTool("stuck", { inputSchema: {} }, (_, extra) => new Promise((resolve) => {
    state.started?.();
    extra.signal.addEventListener("abort", () => { state.cancelled?.(); resolve({ content: [] }); });
  }));
  server.registerTool("grow", { inputSchema: {} }, async () => {
    server.registerTool("grown-" + randomUUID(), { inputSchema: {} }, async () => ({ content: [] }));
    return { content: [] };
  });
  server.registerTool("touch", { inputSchema: {} }, async () => {
    await server.server.sendResourceUpdated({ uri: "note://a" });
    return { content: [] };
  });
  server.registerResource("note", new ResourceTemplate("note://{name}", { list: undefined, complete: { name: () => ["a", "b"] } }), {},
    async (uri) => ({ contents: [{ uri: uri.href, text: "note" }] }));
  server.registerPrompt("greet", { argsSchema: { who: completable(z.string(), (v) => ["Ada", "Alan"].filter((n) => n.startsWith(v))) } },
    ({ who }) => ({ messages: [{ role: "user", content: { type: "text", text: "hello " + who } }] }));
  server.server.setRequestHandler(SubscribeRequestSchema, async () => ({}));
  server.server.setRequestHandler(UnsubscribeRequestSchema, async () => ({}));
  return server;
}

async function listen(options) {
  const sessions = new Map();
  const http = createServer(async (req, res) => {
    const chunks = [];
    for await (const c of req) chunks.push(c);
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks)) : undefined;
    if (req.method === "DELETE") state.deleted++;
    let transport = sessions.get(req.headers["mcp-session-id"]);
    if (req.headers["mcp-session-id"] && !transport) {
      res.writeHead(404, { "Content-Type": "application/json" });
      return res.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: { code: -32001, message: "Session not found" } }));
    }
    if (!transport) {
      transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => randomUUID(), enableJsonResponse: options.json,
        onsessioninitialized: (id) => sessions.set(id, transport) });
      await build().connect(transport);
    }
    await transport.handleRequest(req, res, body);
  });
  await new Promise((ready) => http.listen(0, "127.0.0.1", ready));
  return { url: `http://127.0.0.1:${http.address().port}/mcp`, sessions, http };
}

async function both(kind, options) {
  const server = await listen(options);
  const client = await deadline(connect(server.url, account), "connect");
  const on = (schema) => new Promise((yes) => client.setNotificationHandler(schema, (n) => yes(n.params ?? {})));
  const call = (name, args = {}, more = {}) => client.callTool({ name, arguments: args }, undefined, more);

  await check(kind + ": initialize", async () => equal(client.getServerVersion().name, "sdk1"));
  await check(kind + ": tools/list", async () => equal((await client.listTools()).tools.some((t) => t.name === "echo"), true));
  await check(kind + ": tools/call", async () => equal((await call("echo", { text: "ünï 𝄞" })).content[0].text, "ünï 𝄞"));
  await check(kind + ": 200 calls at once", async () => {
    const all = await Promise.all([...Array(200).keys()].map((i) => call("echo", { text: String(i) })));
    equal(all.map((r) => r.content[0].text), [...Array(200).keys()].map(String));
  });
  await check(kind + ": 8 MiB result", async () => equal((await call("big", { bytes: 8 << 20 })).content[0].text.length, 8 << 20));
  await check(kind + ": prompts and completion", async () => {
    equal((await client.getPrompt({ name: "greet", arguments: { who: "Ada" } })).messages[0].content.text, "hello Ada");
    const done = await client.complete({ ref: { type: "ref/prompt", name: "greet" }, argument: { name: "who", value: "Al" } });
    equal(done.completion.values, ["Alan"]);
  });
  await check(kind + ": resources", async () => equal((await client.readResource({ uri: "note://a" })).contents[0].text, "note"));
  await check(kind + ": an unknown tool is an error", async () => equal((await call("none")).isError, true));
  await check(kind + ": logging level", async () => { await client.setLoggingLevel("debug"); });
  await check(kind + ": cancellation reaches the server", async () => {
    const started = new Promise((yes) => { state.started = yes; }), cancelled = new Promise((yes) => { state.cancelled = yes; });
    const stop = new AbortController();
    const stuck = call("stuck", {}, { signal: stop.signal }).catch(() => "aborted");
    await started;
    stop.abort();
    equal(await stuck, "aborted");
    await cancelled;
    await call("echo", { text: "after" });
  });
  await check(kind + ": list changed over the GET stream", async () => {
    const changed = on(ToolListChangedNotificationSchema);
    await call("grow");
    await changed;
  });
  await check(kind + ": resource subscription", async () => {
    await client.subscribeResource({ uri: "note://a" });
    const updated = on(ResourceUpdatedNotificationSchema);
    await call("touch");
    equal((await updated).uri, "note://a");
  });
  if (!options.json) {
    await check(kind + ": progress", async () => {
      const seen = [];
      await call("progress", {}, { onprogress: (p) => { if (seen.push(p.progress) === 3) state.seen(); } });
      equal(seen, [1, 2, 3]);
    });
    for (const what of ["roots", "sampling", "elicitation"])
      await check(kind + ": " + what, async () => {
        const text = (await call("ask", { what })).content[0].text;
        equal(/interop|sampled|Ada/.test(text), true);
      });
  }
  await check(kind + ": log messages", async () => {
    const logged = on(LoggingMessageNotificationSchema);
    await call("log");
    equal((await logged).data, "logged");
  });
  await check(kind + ": a server that forgot the session", async () => {
    server.sessions.clear();
    equal((await call("echo", { text: "again" })).content[0].text, "again");
  });
  await check(kind + ": the end deletes the session", async () => {
    const before = state.deleted;
    await client.close();
    equal(state.deleted > before, true);
  });
  server.http.closeAllConnections();
  server.http.close();
}

await both("events", { json: false });
await both("json", { json: true });
finish();
