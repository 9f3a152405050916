// What the topics share: named checks with a deadline, and the client in front of mpmcp.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";

export const program = process.argv[2];
let passed = 0, failed = 0;

// Only a failure reaches it.
const DEADLINE = 60000;

export function deadline(promise, what) {
  let timer;
  const late = new Promise((_, no) => { timer = setTimeout(() => no(new Error(what + ": nothing happened")), DEADLINE); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export async function check(name, body) {
  try {
    await deadline(body(), name);
    passed++;
    console.log("ok   " + name);
  } catch (e) {
    failed++;
    console.log("FAIL " + name + "\n    | " + String(e.stack ?? e).replaceAll("\n", "\n    | "));
  }
}

export function finish() {
  console.log(`${passed} passed, ${failed} failed`);
  process.exit(failed ? 1 : 0);
}

export function equal(have, want) {
  if (JSON.stringify(have) !== JSON.stringify(want))
    throw new Error(`${JSON.stringify(have)}, not ${JSON.stringify(want)}`);
}

// A client that can be asked everything, with mpmcp as its command.
export async function connect(url, env = {}, args = []) {
  const client = new Client({ name: "interop", version: "1" },
    { capabilities: { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } } });
  client.setRequestHandler(ListRootsRequestSchema, async () => ({ roots: [{ uri: "file:///interop", name: "interop" }] }));
  client.setRequestHandler(CreateMessageRequestSchema, async () => ({
    model: "interop", role: "assistant", content: { type: "text", text: "sampled" },
  }));
  client.setRequestHandler(ElicitRequestSchema, async () => ({ action: "accept", content: { name: "Ada", check: true } }));
  const transport = new StdioClientTransport({
    command: program, args: [url, ...args], stderr: "inherit",
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
  });
  await client.connect(transport);
  return client;
}

export const account = { MIXPANEL_SA_TOKEN: Buffer.from("interop.abc123.mp-service-account:secret").toString("base64") };
