// The reference server "everything" over Streamable HTTP and over HTTP+SSE, as its package ships it.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { check, deadline, equal, finish, openClient } from "./checks.mjs";

async function start(transport) {
  const port = await new Promise((yes) => {
    const s = createServer().listen(0, "127.0.0.1", () => { const p = s.address().port; s.close(() => yes(p)); });
  });
  const server = spawn(process.execPath, ["node_modules/@modelcontextprotocol/server-everything/dist/index.js", transport],
    { env: { ...process.env, PORT: String(port) }, stdio: ["ignore", "pipe", "pipe"] });
  await deadline(new Promise((yes) => {
    for (const out of [server.stdout, server.stderr])
      out.on("data", (d) => { if (String(d).includes(String(port))) yes(); });
  }), "the server's start");
  return { port, server };
}

// Through the translation between eras, too: the server is of the earlier one.
for (const [transport, path, kind] of [["streamableHttp", "mcp", "sdk1"], ["streamableHttp", "mcp", "sdk2 modern"],
  ["sse", "sse", "sdk1"], ["sse", "sse", "sdk2 modern"]]) {
  const { port, server } = await start(transport);
  const c = await deadline(openClient(kind, `http://127.0.0.1:${port}/${path}`), "connect");
  const name = (what) => `everything, ${transport}, ${kind}: ${what}`;
  const tools = (await c.client.listTools()).tools.map((t) => t.name);
  const call = (tool, args = {}, more = {}) => c.call(tool, args, { timeout: 50000, ...more });

  await check(name("echo"), async () => equal((await call("echo", { message: "hi" })).content[0].text.includes("hi"), true));
  await check(name("structured content"), async () =>
    equal(typeof (await call("get-structured-content", { location: "New York" })).structuredContent, "object"));
  await check(name("an image passes"), async () =>
    equal((await call("get-tiny-image")).content.some((i) => i.type === "image"), true));
  await check(name("progress of a long operation"), async () => {
    const seen = [];
    await call("trigger-long-running-operation", { duration: 1, steps: 3 }, { onprogress: (p) => seen.push(p.progress) });
    equal(seen.length > 0, true);
  });
  for (const [tool, args, word] of [["trigger-sampling-request", { prompt: "x", maxTokens: 5 }, "sampled"],
    ["trigger-elicitation-request", {}, "Ada"], ["get-roots-list", {}, "interop"]]) {
    if (tools.includes(tool))
      await check(name(tool), async () => equal(JSON.stringify(await call(tool, args)).includes(word), true));
    else
      console.log("not offered to this client: " + tool);
  }
  await check(name("resources and prompts"), async () => {
    equal((await c.client.listResources()).resources.length > 0, true);
    equal((await c.client.listPrompts()).prompts.length > 0, true);
  });
  await check(name("the end"), async () => c.client.close());
  server.kill();
}
finish();
