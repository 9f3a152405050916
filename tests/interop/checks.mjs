// What the parts share: named checks with a deadline, mpmcp as the command of either SDK's client.
import { spawn } from "node:child_process";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import {
  CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema, LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema, ToolListChangedNotificationSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { Client as Client2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";

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
    return true;
  } catch (e) {
    failed++;
    console.log("FAIL " + name + "\n    | " + String(e.stack ?? e).replaceAll("\n", "\n    | "));
    return false;
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

// Runs mpmcp to its end, as from a shell without a terminal.
export function run(args, env) {
  return deadline(new Promise((yes) => {
    let out = "";
    const p = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [p.stdout, p.stderr])
      stream.on("data", (d) => { out += d; });
    p.on("close", (status) => yes({ status, out }));
  }), "mpmcp " + args[0]);
}

const info = { name: "interop", version: "1" };
const capabilities = { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } };
const roots = async () => ({ roots: [{ uri: "file:///interop", name: "interop" }] });
const sampling = async () => ({ model: "interop", role: "assistant", content: { type: "text", text: "sampled" } });
const elicitation = async () => ({ action: "accept", content: { name: "Ada", check: true } });

function command(url, env, args) {
  return { command: program, args: [url, ...args], stderr: "inherit", env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env } };
}

// A client of SDK 1.x that can be asked everything, with mpmcp as its command.
export async function connect(url, env = {}, args = []) {
  const client = new Client1(info, { capabilities });
  client.setRequestHandler(ListRootsRequestSchema, roots);
  client.setRequestHandler(CreateMessageRequestSchema, sampling);
  client.setRequestHandler(ElicitRequestSchema, elicitation);
  await client.connect(new Stdio1(command(url, env, args)));
  return client;
}

async function connect2(url, mode, env, args) {
  const client = new Client2(info, { capabilities, versionNegotiation: { mode } });
  client.setRequestHandler("roots/list", roots);
  client.setRequestHandler("sampling/createMessage", sampling);
  client.setRequestHandler("elicitation/create", elicitation);
  await client.connect(new Stdio2(command(url, env, args)));
  return client;
}

const modes = { "sdk2 legacy": "legacy", "sdk2 auto": "auto", "sdk2 modern": { pin: "2026-07-28" } };
const schemas = {
  "notifications/message": LoggingMessageNotificationSchema,
  "notifications/tools/list_changed": ToolListChangedNotificationSchema,
  "notifications/resources/updated": ResourceUpdatedNotificationSchema,
};

export const clientKinds = ["sdk1", ...Object.keys(modes)];

// Either SDK's client behind one shape. era says what it settled on.
export async function openClient(kind, url, env = account, args = []) {
  const one = kind === "sdk1";
  const client = one ? await connect(url, env, args) : await connect2(url, modes[kind], env, args);
  const era = one ? "legacy" : client.getProtocolEra();
  const meta = era === "modern" ? { _meta: { "io.modelcontextprotocol/logLevel": "debug" } } : {};
  return {
    client, era,
    call(name, args = {}, options = {}) {
      const params = { name, arguments: args, ...meta };
      return one ? client.callTool(params, undefined, options) : client.callTool(params, options);
    },
    // The parameters of the next notification of this kind.
    next: (method) => new Promise((yes) => {
      client.setNotificationHandler(one ? schemas[method] : method, (n) => { yes(n.params ?? {}); });
    }),
    logEverything: () => era === "modern" ? undefined : client.setLoggingLevel("debug"),
    // Asks for changes of the tools and of note://a, as the era does it.
    watch: () => era === "modern" ? client.listen({ toolsListChanged: true, resourceSubscriptions: ["note://a"] })
      : client.subscribeResource({ uri: "note://a" }),
  };
}

export const account = { MIXPANEL_SA_TOKEN: Buffer.from("interop.abc123.mp-service-account:secret").toString("base64") };
