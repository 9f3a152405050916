// Clients that people use, with mpmcp as their command and the sandbox as the service: connected, tools
// listed, a tool called; and what each shows a person when the account is wrong, the service is down or a
// sign-in is needed. Where a client tells nobody but its model, a model that we play is asked what it was told.
// All that was shown is kept in build/interop/clients.
//   clients.mjs PROGRAM [--entry written|printed|command] [--state STATE]... [CLIENT]...
import { spawn } from "node:child_process";
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { startModel } from "./model.mjs";

const { values: asked, positionals: [program, ...chosen] } = parseArgs({ allowPositionals: true,
  options: { entry: { type: "string", default: "written" }, state: { type: "string", multiple: true, default: [] } } });
const kept = join(dirname(program), "interop", "clients");
rmSync(kept, { recursive: true, force: true });
mkdirSync(kept, { recursive: true });
const LIMIT = 90000;
// These two have a script after installing put their program for this system in place; it runs as it is.
const native = { claude: "node_modules/@anthropic-ai/claude-code-*/claude", opencode: "node_modules/opencode-*-{x64,arm64}/bin/opencode" };
const bin = (name) => resolve(native[name] && globSync(native[name])[0] || join("node_modules/.bin", name));

// No word to anybody, no new version, no colours; Node and the programs beside it are found.
const quiet = {
  PATH: [dirname(bin("claude")), resolve("node_modules/.bin"), process.env.PATH].join(":"), LANG: "C.UTF-8", NO_COLOR: "1", TERM: "dumb",
  DISABLE_TELEMETRY: "1", DISABLE_ERROR_REPORTING: "1", DISABLE_AUTOUPDATER: "1", CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
  ENABLE_TOOL_SEARCH: "false", GEMINI_TELEMETRY_ENABLED: "false", OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1",
  COPILOT_OFFLINE: "true", COPILOT_AUTO_UPDATE: "false", COPILOT_MODEL: "gpt-4.1", MCPORTER_DISABLE_TELEMETRY: "1", DO_NOT_TRACK: "1",
};

function run(place, command, ...args) {
  return new Promise((done) => {
    let out = "";
    const p = spawn(command, args, { cwd: place.folder, env: place.env, stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT, detached: true });
    for (const stream of [p.stdout, p.stderr])
      stream.on("data", (d) => { out += d; });
    p.on("exit", () => setTimeout(() => { p.stdout.destroy(); p.stderr.destroy(); }, 2000).unref());
    p.on("close", () => done(out.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "")));
  });
}

// What "mpmcp setup CLIENT" tells a person to do by hand: paste the entry, or run the client's own command.
const byHand = {
  async printed(place, said) {
    const [, path, entry] = said.match(/ reads ~\/(\S+)\.[^\n]*:\n\n(.+?\n)\n/s) ?? [];
    if (entry)
      put(join(place.home, path), entry);
    return entry;
  },
  async command(place, said) {
    const [, path] = said.match(/ reads ~\/(\S+)\./) ?? [], [, line] = said.match(/own command.*:\n\n {4}(.*)\n/) ?? [];
    rmSync(join(place.home, path), { force: true });
    return line ? run(place, "sh", "-c", line) : byHand.printed(place, said);
  },
};

// The entry as the client itself would have it: written by mpmcp where it knows the client.
async function setUp(place, client, options) {
  // By hand as on the first day: for an entry that is there, setup prints what would change in it.
  const hand = byHand[asked.entry], env = hand ? { ...place.env, HOME: join(place.home, "new") } : place.env;
  const said = await run({ ...place, env }, program, "setup", client, place.url, ...(hand ? [] : ["--write", "--force"]), ...options);
  if (!said.includes("mixpanel") || (hand && !await hand(place, said)))
    throw new Error(said);
}

// For any other client: the JSON that "mpmcp setup json" prints.
async function genericEntry(place, options) {
  const said = await run(place, program, "setup", "json", place.url, ...options);
  return JSON.parse(said.slice(0, said.indexOf("\n}\n") + 2));
}

function edit(path, change) {
  const value = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, JSON.stringify(change(value)));
}

function put(path, value) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
}

// A question to an agent whose model we play: what the person sees, what the model was given.
async function ask(place, command, args, env) {
  const model = await startModel();
  const said = await run({ ...place, env: { ...place.env, ...env(model.url) } }, command, ...args);
  model.stop();
  return { said: `${said}\n--- the model was offered ${model.seen.tools} tools; the call gave:\n${model.seen.results.join("\n")}\n`,
    tools: model.seen.tools };
}

// Codex lists servers to whoever speaks its app server's protocol.
async function askCodex(place) {
  const p = spawn(bin("codex"), ["app-server"], { cwd: place.folder, env: place.env, stdio: ["pipe", "pipe", "ignore"], timeout: LIMIT });
  const waiting = new Map();
  createInterface(p.stdout).on("line", (line) => {
    const m = JSON.parse(line);
    if (m.id !== undefined && !m.method)
      waiting.get(m.id)?.(m);
  });
  const over = new Promise((yes) => { p.on("close", () => yes({ error: { message: "codex ended" } })); });
  const call = (id, method, params) => Promise.race([over, new Promise((yes) => {
    waiting.set(id, yes);
    p.stdin.write(JSON.stringify({ id, method, params }) + "\n");
  })]);
  await call(1, "initialize", { clientInfo: { name: "interop", title: "interop", version: "1" } });
  p.stdin.write(JSON.stringify({ method: "initialized" }) + "\n");
  const [server] = (await call(2, "mcpServerStatus/list", {})).result?.data ?? [];
  const thread = (await call(3, "thread/start", { cwd: place.folder })).result?.thread.id;
  const answer = await call(4, "mcpServer/tool/call", { threadId: thread, server: "mixpanel", tool: "Get-Projects", arguments: {} });
  p.stdin.end();
  p.kill();
  await over;
  const tools = Object.keys(server?.tools ?? {}).length;
  return { said: `${server?.name}: ${tools} tools ${server?.toolsError ?? ""}\n${JSON.stringify(answer.result?.content ?? answer.error)}\n`, tools };
}

// prepare: the entry and what keeps the client quiet. show: what a person (or the model) gets to see.
const clients = {
  "Gemini CLI": {
    async prepare(place, options) {
      await setUp(place, "gemini", options);
      edit(join(place.home, ".gemini/settings.json"), (s) => ({ ...s, privacy: { usageStatisticsEnabled: false },
        general: { enableAutoUpdate: false }, security: { folderTrust: { enabled: false }, auth: { selectedType: "gemini-api-key" } } }));
    },
    list: (place) => run(place, bin("gemini"), "mcp", "list"),
    connected: /✓ mixpanel: .*Connected/,
    // It says only that.
    failed: Object.fromEntries(["wrong", "down", "no sign-in", "unfinished", "unopened"].map((s) => [s, /Disconnected/])),
    agent: (place) => ask(place, bin("gemini"), ["-m", "gemini-2.5-pro", "--yolo", "--skip-trust", "-p", "which projects are there"],
      (url) => ({ GEMINI_API_KEY: "none", GOOGLE_GEMINI_BASE_URL: url })),
  },
  "Claude Code": {
    prepare: (place, options) => setUp(place, "claude-code", options),
    list: (place) => run(place, bin("claude"), "mcp", "list"),
    connected: /mixpanel: .*Connected/,
    agent: (place) => ask(place, bin("claude"), ["-p", "which projects are there", "--allowedTools", "mcp__mixpanel__Get-Projects"],
      (url) => ({ ANTHROPIC_API_KEY: "sk-ant-none", ANTHROPIC_BASE_URL: url })),
  },
  "Codex": {
    async prepare(place, options) {
      await setUp(place, "codex", options);
      const path = join(place.home, ".codex/config.toml");
      put(path, readFileSync(path, "utf8").replace(/^\[analytics\]\n.*\n/m, "") + "\n[analytics]\nenabled = false\n");
    },
    agent: askCodex,
  },
  // A server that does not start is missing without a word; its log has the reason.
  "Copilot CLI": {
    async prepare(place, options) {
      rmSync(join(place.home, ".copilot"), { recursive: true, force: true });
      await setUp(place, "copilot", options);
    },
    log: (place) => globSync(join(place.home, ".copilot/logs/*.log")).map((f) => readFileSync(f, "utf8")).join(""),
    agent: (place) => ask(place, bin("copilot"), ["-p", "which projects are there", "--allow-all-tools", "--disable-builtin-mcps",
      "--no-color", "--disable-client-telemetry"], (url) => ({ COPILOT_PROVIDER_BASE_URL: url + "/v1" })),
  },
  "opencode": {
    async prepare(place, options) {
      await setUp(place, "opencode", options);
      edit(join(place.home, ".config/opencode/opencode.json"), (s) => ({ ...s, autoupdate: false, share: "disabled" }));
    },
    list: (place) => run(place, bin("opencode"), "mcp", "list"),
    connected: /mixpanel +connected/,
  },
  // It replaces no ${NAME} and withholds the environment.
  "MCP Inspector": {
    async prepare(place, options) {
      const entry = await genericEntry(place, options), { MIXPANEL_SA_TOKEN, DISPLAY } = place.env;
      entry.mcpServers.mixpanel.env = { ...(MIXPANEL_SA_TOKEN && { MIXPANEL_SA_TOKEN }), ...(DISPLAY && { DISPLAY }) };
      put(join(place.folder, "inspector.json"), entry);
    },
    async agent(place) {
      const ask = (...args) => run(place, bin("mcp-inspector"), "--cli", "--config", "inspector.json", "--server", "mixpanel", ...args);
      const tools = await ask("--method", "tools/list");
      return { said: await ask("--method", "tools/call", "--tool-name", "Get-Projects"), tools: (tools.match(/"inputSchema"/g) ?? []).length };
    },
  },
  // Its list says "auth required" for every text with 401 in it, our code included, and "offline" for refused
  // connections; a call shows the whole.
  "mcporter": {
    prepare: async (place, options) => put(join(place.folder, "config/mcporter.json"), await genericEntry(place, options)),
    async agent(place) {
      const tools = await run(place, bin("mcporter"), "list", "mixpanel");
      return { said: await run(place, bin("mcporter"), "call", "mixpanel.Get-Projects"), tools: (tools.match(/^ +function /gm) ?? []).length };
    },
  },
};

const account = ["--service-account"];
const states = {
  wrong: { options: account, token: Buffer.from("someone.abc123.mp-service-account:not-the-secret").toString("base64"),
    says: /refuses the service account in MIXPANEL_SA_TOKEN \(HTTP 401\).* Check that/ },
  down: { options: account, url: "http://127.0.0.1:1/mcp", says: /cannot reach 127\.0\.0\.1:1: Connection refused\. Check the address/ },
  "no sign-in": { options: ["--no-browser"], token: "", says: /sign-in is needed.*mpmcp login|mpmcp login.*sign-in/ },
  unopened: { apart: true, options: [], token: "", opener: "exit 1",
    says: /no browser could be started: xdg-open failed.*mpmcp login/ },
  // A page that nobody completes, longer than any of them waits. The sign-in goes on when the client ends: the last state.
  unfinished: { apart: true, options: ["--auth-timeout", "80"], token: "", opener: "exit 0",
    says: /page is open.*then try again.*mpmcp login/ },
};

let passed = 0, failed = 0;

function judge(what, good, said) {
  if (good)
    passed++;
  else
    failed++;
  console.log((good ? "ok   " : "FAIL ") + what + (good ? "" : "\n    | " + said.trim().replaceAll("\n", "\n    | ")));
}

function keep(name, state, said) {
  writeFileSync(join(kept, `${name} ${state}.txt`.replaceAll(" ", "-").toLowerCase()), said);
}

// A desktop whose xdg-open does what the line says.
function withOpener(home, line) {
  put(join(home, "bin/xdg-open"), `#!/bin/sh\n${line}\n`);
  chmodSync(join(home, "bin/xdg-open"), 0o755);
  return { DISPLAY: ":0", PATH: join(home, "bin") + ":" + quiet.PATH };
}

async function tryClient(name, client, sandbox, base) {
  const home = join(base, name.replaceAll(" ", "-")), folder = join(home, "work");
  mkdirSync(folder, { recursive: true });
  const placeOf = ({ url = sandbox.mcp, token = sandbox.token, opener }) => ({ home, folder, url,
    env: { ...quiet, HOME: home, ...(token && { MIXPANEL_SA_TOKEN: token }), ...(opener && withOpener(home, opener)) } });
  const good = placeOf({});
  await client.prepare(good, account);
  if (client.list) {
    const said = await client.list(good);
    keep(name, "list", said);
    judge(name + ": connected", client.connected.test(said), said);
  }
  if (client.agent) {
    const { said, tools } = await client.agent(good);
    keep(name, "call", said);
    judge(name + ": all tools are there", tools === sandbox.tools, `${tools}, not ${sandbox.tools}\n${said}`);
    judge(name + ": a call", said.includes("Coffee Shop"), said);
  }
  for (const [state, s] of Object.entries(states)) {
    if (asked.state.length ? !asked.state.includes(state) : s.apart)
      continue;
    const place = placeOf(s);
    await client.prepare(place, s.options);
    const said = (client.list ? await client.list(place) : (await client.agent(place)).said) + (client.log?.(place) ?? "");
    keep(name, state, said);
    judge(`${name}: ${state}, and the reason`, (client.failed?.[state] ?? s.says).test(said.replace(/\s*\n\s*/g, " ")), said);
  }
}

function startSandbox() {
  const p = spawn("python3", [resolve("../../server/sandbox.py"), "--until-eof"], { stdio: ["pipe", "pipe", "inherit"] });
  return new Promise((yes) => {
    createInterface(p.stdout).once("line", (line) => yes({ ...JSON.parse(line), stop: () => p.stdin.end() }));
  });
}

const base = mkdtempSync(join(kept, "home-"));
const sandbox = await startSandbox();
const known = await run({ folder: base, env: { ...quiet, HOME: base, MIXPANEL_SA_TOKEN: sandbox.token } }, program, "tools", sandbox.mcp, "--json");
sandbox.tools = (known.match(/"inputSchema"/g) ?? []).length;
for (const [name, client] of Object.entries(clients)) {
  if (chosen.length && !chosen.includes(name))
    continue;
  try {
    await tryClient(name, client, sandbox, base);
  } catch (e) {
    judge(name, false, String(e.stack ?? e));
  }
}
sandbox.stop();
rmSync(base, { recursive: true, force: true });
console.log("what was shown is in " + kept);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
