// The reference server "everything" over Streamable HTTP, as its package ships it.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { account, check, connect, deadline, equal, finish } from "./checks.mjs";

const port = await new Promise((yes) => {
  const s = createServer().listen(0, "127.0.0.1", () => { const p = s.address().port; s.close(() => yes(p)); });
});
const server = spawn(process.execPath, ["node_modules/@modelcontextprotocol/server-everything/dist/index.js", "streamableHttp"],
  { env: { ...process.env, PORT: String(port) }, stdio: ["ignore", "pipe", "pipe"] });
await deadline(new Promise((yes) => {
  for (const out of [server.stdout, server.stderr])
    out.on("data", (d) => { if (String(d).includes(String(port))) yes(); });
}), "the server's start");

const client = await deadline(connect(`http://127.0.0.1:${port}/mcp`, account), "connect");
const tools = (await client.listTools()).tools.map((t) => t.name);
const call = (name, args = {}, more = {}) => client.callTool({ name, arguments: args }, undefined, { timeout: 50000, ...more });

await check("everything: echo", async () => equal((await call("echo", { message: "hi" })).content[0].text.includes("hi"), true));
await check("everything: structured content", async () =>
  equal(typeof (await call("get-structured-content", { location: "New York" })).structuredContent, "object"));
await check("everything: an image passes", async () =>
  equal((await call("get-tiny-image")).content.some((c) => c.type === "image"), true));
await check("everything: progress of a long operation", async () => {
  const seen = [];
  await call("trigger-long-running-operation", { duration: 1, steps: 3 }, { onprogress: (p) => seen.push(p.progress) });
  equal(seen.length > 0, true);
});
if (tools.includes("trigger-sampling-request"))
  await check("everything: sampling", async () =>
    equal(JSON.stringify(await call("trigger-sampling-request", { prompt: "x", maxTokens: 5 })).includes("sampled"), true));
if (tools.includes("trigger-elicitation-request"))
  await check("everything: elicitation", async () => equal(Boolean((await call("trigger-elicitation-request")).content.length), true));
if (tools.includes("get-roots-list"))
  await check("everything: roots", async () => equal(JSON.stringify(await call("get-roots-list")).includes("interop"), true));
await check("everything: resources and prompts", async () => {
  equal((await client.listResources()).resources.length > 0, true);
  equal((await client.listPrompts()).prompts.length > 0, true);
});
await check("everything: the end", async () => client.close());
server.kill();
finish();
