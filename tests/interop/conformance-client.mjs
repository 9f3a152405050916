// conformance-client.mjs PROGRAM URL: what the conformance suite runs as "the client under test". An
// official SDK's client speaks stdio to PROGRAM, PROGRAM speaks HTTP to the suite's scenario server at URL, a
// scripted browser follows redirects. The suite names the scenario in the environment.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client as Client1 } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport as Stdio1 } from "@modelcontextprotocol/sdk/client/stdio.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { Client as Client2 } from "@modelcontextprotocol/client";
import { StdioClientTransport as Stdio2 } from "@modelcontextprotocol/client/stdio";
import { browserProgram } from "./person.mjs";

const [program, url] = process.argv.slice(2);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO;
const modern = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION >= "2026";
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");

// What a person would put into the client's entry for such a server.
function extraArguments() {
  const registered = JSON.stringify({ client_id: context.client_id, client_secret: context.client_secret });
  switch (scenario) {
    case "auth/basic-cimd": return ["--client-metadata-url", "https://conformance-test.local/client-metadata.json"];
    case "auth/pre-registration": return ["--static-oauth-client-info", registered];
    case "auth/client-credentials-basic": return ["--client-credentials", "--static-oauth-client-info", registered];
    default: return [];
  }
}

function newClient() {
  const info = { name: "conformance", version: "1" };
  const accept = async (request) => ({ action: "accept", content: request.params.message.includes("default") ? {} : { confirmed: true } });
  if (modern) {
    const client = new Client2(info, { capabilities: { roots: {}, sampling: {}, elicitation: {} },
      versionNegotiation: { mode: { pin: "2026-07-28" } } });
    client.setRequestHandler("elicitation/create", accept);
    return { client, Stdio: Stdio2 };
  }
  const client = new Client1(info, { capabilities: { elicitation: { form: { applyDefaults: true } } } });
  client.setRequestHandler(ElicitRequestSchema, accept);
  return { client, Stdio: Stdio1 };
}

// What each scenario's server waits for.
async function play(client) {
  const call = (name, args = {}) => client.callTool({ name, arguments: args });
  const { tools } = await client.listTools();
  const named = (name) => tools.find((t) => t.name === name);
  if (scenario === "tools_call")
    return call("add_numbers", { a: 2, b: 3 });
  if (scenario === "json-schema-2020-12-preservation")
    return call("json_schema_echo", { schema: named("json_schema_2020_12_tool").inputSchema });
  if (scenario === "sep-2322-client-request-state") {
    await Promise.all([call("test_mrtr_echo_state"), call("test_mrtr_unrelated")]);
    await call("test_mrtr_no_state");
    // The SDK takes a result without resultType for a broken server's; that it came is enough.
    return call("test_mrtr_no_result_type").catch(() => {});
  }
  if (scenario === "http-custom-headers" || scenario === "http-invalid-tool-headers" || scenario === "http-standard-headers") {
    for (const { name, arguments: args } of context.toolCalls ?? tools.map((t) => ({ name: t.name, arguments: sample(t) })))
      await call(name, args).catch((e) => console.error(name + ": " + e.message));
    const { resources = [] } = await client.listResources().catch(() => ({}));
    for (const r of resources)
      await client.readResource({ uri: r.uri });
    const { prompts = [] } = await client.listPrompts().catch(() => ({}));
    for (const p of prompts)
      await client.getPrompt({ name: p.name });
    return;
  }
  if (scenario === "json-schema-ref-no-deref")
    return;
  for (const t of tools)
    await call(t.name);
}

// Arguments that fill a tool's required properties.
function sample(tool) {
  const value = (s) => s.type === "number" || s.type === "integer" ? 1 : s.type === "boolean" ? true : "text";
  return Object.fromEntries(Object.entries(tool.inputSchema.properties ?? {}).map(([k, s]) => [k, value(s)]));
}

const home = mkdtempSync(join(tmpdir(), "mpmcp-conformance-"));
const { client, Stdio } = newClient();
let status = 0;
try {
  await client.connect(new Stdio({ command: program, args: [url, ...extraArguments()], stderr: "inherit",
    env: { PATH: process.env.PATH, HOME: home, BROWSER: browserProgram(home) } }));
  await play(client);
} catch (e) {
  console.error(e);
  status = 1;
}
await client.close().catch(() => {});
rmSync(home, { recursive: true, force: true });
process.exit(status);
