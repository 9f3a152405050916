// Every client of the official SDKs, mpmcp, every server of them.
import { check, clientKinds, deadline, equal, finish, openClient } from "./checks.mjs";
import { serverKinds, startServer } from "./servers.mjs";

const hundreds = [...Array(200).keys()].map(String);

// What each pair must do. Without sessions a server of the old revisions has nowhere to put what is not
// an answer, and with JSON answers nothing but the answer comes back on a call.
const wants = {
  "initialize or discover": async ({ client }) => equal(client.getServerVersion().name, "interop"),
  "list of tools": async ({ client }) => equal((await client.listTools()).tools.some((t) => t.name === "echo"), true),
  "call": async ({ call }) => equal((await call("echo", { text: "ünï 𝄞" })).content[0].text, "ünï 𝄞"),
  "200 calls at once": async ({ call }) =>
    equal((await Promise.all(hundreds.map((text) => call("echo", { text })))).map((r) => r.content[0].text), hundreds),
  "8 MiB result": async ({ call }) => equal((await call("big", { bytes: 8 << 20 })).content[0].text.length, 8 << 20),
  "prompt and completion": async ({ client }) => {
    equal((await client.getPrompt({ name: "greet", arguments: { who: "Ada" } })).messages[0].content.text, "hello Ada");
    const done = await client.complete({ ref: { type: "ref/prompt", name: "greet" }, argument: { name: "who", value: "Al" } });
    equal(done.completion.values, ["Alan"]);
  },
  "resource": async ({ client }) => equal((await client.readResource({ uri: "note://a" })).contents[0].text, "note"),
  "error codes": async ({ client }) => equal(await client.getPrompt({ name: "none" }).catch((e) => e.code), -32602),
};

const withStreams = {
  "progress": async ({ call }, { state }) => {
    const seen = [];
    await call("progress", {}, { onprogress: (p) => { if (seen.push(p.progress) === 3) state.seen(); } });
    equal(seen, [1, 2, 3]);
  },
  "log messages": async (c) => {
    await c.logEverything();
    const logged = c.next("notifications/message");
    await c.call("log");
    equal((await logged).data, "logged");
  },
};

const withQuestions = Object.fromEntries([["roots", "interop"], ["sampling", "sampled"], ["elicitation", "Ada"]].map(([what, word]) =>
  [what, async ({ call }) => equal((await call("ask", { what })).content[0].text.includes(word), true)]));

const withMemory = {
  "cancellation": async ({ call }, { state }) => {
    const started = new Promise((yes) => { state.started = yes; }), cancelled = new Promise((yes) => { state.cancelled = yes; });
    const stop = new AbortController();
    const stuck = call("stuck", {}, { signal: stop.signal }).catch(() => "aborted");
    await started;
    stop.abort();
    equal(await stuck, "aborted");
    await cancelled;
    await call("echo", { text: "after" });
  },
  "list changed and resource updated": async (c) => {
    await c.watch();
    const changed = c.next("notifications/tools/list_changed"), updated = c.next("notifications/resources/updated");
    await c.call("grow");
    await changed;
    await c.call("touch");
    equal((await updated).uri, "note://a");
  },
};

const withSessions = {
  "log messages over the GET stream": async (c) => {
    await c.logEverything();
    const logged = c.next("notifications/message");
    await c.call("shout");
    equal((await logged).data, "logged");
  },
};

const restart = {
  "restart of the server": async ({ call }, server) => {
    server.restart();
    equal((await call("echo", { text: "again" })).content[0].text, "again");
  },
};

const atTheEnd = {
  "the end deletes the session": async ({ client }, { state }) => {
    const before = state.deleted;
    await client.close();
    equal(state.deleted > before, true);
  },
};

function wanted(serverKind, era) {
  const more = serverKind === "sdk1 json" ? withMemory
    : serverKind === "sdk2 both" && era === "legacy" ? withStreams : { ...withStreams, ...withQuestions, ...withMemory };
  const session = serverKind === "sdk2 modern" || serverKind === "sdk2 both" ? restart
    : { ...withSessions, ...restart, ...atTheEnd };
  return { ...wants, ...more, ...session };
}

async function pair(clientKind, serverKind) {
  const name = `${clientKind} -> ${serverKind}`, server = await startServer(serverKind);
  let client = null;
  const there = await check(name + ": connect", async () => {
    client = await openClient(clientKind, server.url);
    equal(client.era, ["sdk1", "sdk2 legacy"].includes(clientKind) ? "legacy" : "modern");
  });
  for (const [what, body] of there ? Object.entries(wanted(serverKind, client.era)) : [])
    await check(`${name}: ${what}`, () => body(client, server));
  await client?.client.close().catch(() => {});
  server.stop();
}

for (const serverKind of serverKinds)
  for (const clientKind of clientKinds)
    await pair(clientKind, serverKind);
finish();
