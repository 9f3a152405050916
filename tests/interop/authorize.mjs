// Signing in at an authorization server that nobody here wrote: the SDK's own auth router with its
// demonstration store, resource metadata included.
import { mkdtempSync, rmSync } from "node:fs";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import { mcpAuthRouter, getOAuthProtectedResourceMetadataUrl } from "@modelcontextprotocol/sdk/server/auth/router.js";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { check, connect, equal, finish, run as runProgram } from "./checks.mjs";
import { browserProgram } from "./person.mjs";

const clients = new Map(), codes = new Map(), refresh = new Map(), access = new Map();
const seen = { refreshed: 0, resources: new Set() };

function issue(clientId, scopes) {
  const tokens = { access_token: randomUUID(), token_type: "bearer", expires_in: 3600, scope: scopes.join(" "), refresh_token: randomUUID() };
  access.set(tokens.access_token, { token: tokens.access_token, clientId, scopes, expiresAt: Date.now() / 1000 + 3600 });
  refresh.set(tokens.refresh_token, scopes);
  return tokens;
}

const provider = {
  clientsStore: {
    getClient: async (id) => clients.get(id),
    registerClient: async (c) => { clients.set(c.client_id, c); return c; },
  },
  async authorize(client, params, res) {
    const code = randomUUID();
    codes.set(code, params);
    seen.resources.add(String(params.resource));
    const to = new URL(params.redirectUri);
    to.searchParams.set("code", code);
    if (params.state) to.searchParams.set("state", params.state);
    res.redirect(to.href);
  },
  challengeForAuthorizationCode: async (_, code) => codes.get(code).codeChallenge,
  async exchangeAuthorizationCode(client, code) {
    const params = codes.get(code);
    codes.delete(code);
    return issue(client.client_id, params.scopes ?? []);
  },
  async exchangeRefreshToken(client, token) {
    const scopes = refresh.get(token);
    if (!scopes) throw new InvalidTokenError("used");
    refresh.delete(token);
    seen.refreshed++;
    return issue(client.client_id, scopes);
  },
  async verifyAccessToken(token) {
    const info = access.get(token);
    if (!info) throw new InvalidTokenError("unknown");
    return info;
  },
};

const app = express();
const http = await new Promise((yes) => { const s = app.listen(0, "127.0.0.1", () => yes(s)); });
// The SDK's router takes http for "localhost" only.
const base = new URL(`http://localhost:${http.address().port}`), endpoint = new URL("/mcp", base);
app.use(mcpAuthRouter({ provider, issuerUrl: base, resourceServerUrl: endpoint, scopesSupported: ["read", "write"] }));
app.post("/mcp", requireBearerAuth({ verifier: provider, resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(endpoint) }),
  express.json(), async (req, res) => {
    const server = new McpServer({ name: "guarded", version: "1" });
    server.registerTool("who", {}, async () => ({ content: [{ type: "text", text: "you" }] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await server.connect(transport);
    await transport.handleRequest(req, res, req.body);
  });
app.all("/mcp", (_, res) => res.status(405).end());

const folder = mkdtempSync(join(tmpdir(), "mpmcp-interop-"));
const env = { HOME: folder, BROWSER: browserProgram(folder) };
const run = (...args) => runProgram(args, env);

await check("auth router: login", async () => equal((await run("login", endpoint.href)).status, 0));
await check("auth router: resource indicator as published", async () => equal([...seen.resources], [endpoint.href]));
await check("auth router: a call with the token", async () => {
  const client = await connect(endpoint.href, env);
  equal((await client.callTool({ name: "who" })).content[0].text, "you");
  await client.close();
});
await check("auth router: refresh with rotation", async () => {
  access.clear();
  const client = await connect(endpoint.href, env);
  equal((await client.callTool({ name: "who" })).content[0].text, "you");
  access.clear();
  equal((await client.callTool({ name: "who" })).content[0].text, "you");
  equal(seen.refreshed, 2);
  await client.close();
});
await check("auth router: status and logout", async () => {
  equal((await run("status", endpoint.href, "--check")).status, 0);
  equal((await run("logout", endpoint.href)).status, 0);
  equal((await run("status", endpoint.href)).status, 4);
});
rmSync(folder, { recursive: true });
http.closeAllConnections();
finish();
