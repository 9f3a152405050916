// Signing in at oidc-provider, a certified authorization server: its own pages, registration, PKCE,
// resource indicators, refresh tokens that rotate and whose reuse revokes the grant, revocation. Its access
// tokens live for two seconds.
import { copyFileSync, globSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import Provider from "oidc-provider";
import { requireBearerAuth } from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import { InvalidTokenError } from "@modelcontextprotocol/sdk/server/auth/errors.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { check, connect, equal, finish, run as runProgram } from "./checks.mjs";
import { browserProgram } from "./person.mjs";

console.info = console.warn = () => {}; // the server's advice for who deploys it
const seen = { registered: [], authorized: [], granted: [], refused: [], revoked: 0, audiences: new Set() };

async function listen(handler) {
  const http = createServer(handler);
  await new Promise((ready) => http.listen(0, "127.0.0.1", ready));
  return { http, origin: `http://localhost:${http.address().port}` };
}

const resource = express(), mcp = await listen(resource), endpoint = mcp.origin + "/mcp";
const authority = await listen((req, res) => provider.callback()(req, res));
const provider = new Provider(authority.origin, {
  scopes: ["offline_access"],
  features: {
    registration: { enabled: true }, revocation: { enabled: true },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: () => ({ scope: "read write", audience: endpoint, accessTokenTTL: 2, accessTokenFormat: "opaque" }),
    },
  },
});
provider.on("registration_create.success", (c, client) => seen.registered.push(client.metadata()));
provider.on("authorization.success", (c) => seen.authorized.push({ ...c.oidc.params }));
provider.on("grant.success", (c) => seen.granted.push({ ...c.oidc.params }));
provider.on("grant.error", (c, e) => seen.refused.push(e.error));
provider.on("grant.revoked", () => { seen.revoked++; });

resource.get("/.well-known/oauth-protected-resource/mcp", (_, res) =>
  res.json({ resource: endpoint, authorization_servers: [authority.origin], scopes_supported: ["read", "write"] }));
const verifier = {
  async verifyAccessToken(value) {
    const token = await provider.AccessToken.find(value);
    if (!token) throw new InvalidTokenError("not known, or no longer");
    seen.audiences.add(token.aud);
    return { token: value, clientId: token.clientId, scopes: [...token.scopes], expiresAt: token.exp };
  },
};
resource.post("/mcp", requireBearerAuth({ verifier, resourceMetadataUrl: mcp.origin + "/.well-known/oauth-protected-resource/mcp" }),
  express.json(), async (req, res) => {
    const server = new McpServer({ name: "guarded", version: "1" });
    server.registerTool("who", {}, async () => ({ content: [{ type: "text", text: "you" }] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await server.connect(transport);
    await transport.handleRequest(req, res, req.body);
  });
resource.all("/mcp", (_, res) => res.status(405).end());

const home = mkdtempSync(join(tmpdir(), "mpmcp-interop-"));
const env = { HOME: home, BROWSER: browserProgram(home) };
const stored = () => globSync(join(home, ".mcp-auth/mpmcp/*.json"))[0];

const run = (...args) => runProgram(args, env);

const who = async (client) => equal((await client.callTool({ name: "who" })).content[0].text, "you");
const refreshes = () => seen.granted.filter((g) => g.grant_type === "refresh_token").length;
const expired = () => new Promise((yes) => { setTimeout(yes, 2500); });

await check("oidc-provider: a person who refuses", async () => {
  const { status, out } = await runProgram(["login", endpoint], { ...env, BROWSER: browserProgram(home, { refuse: true }) });
  equal([status, out.includes("End-User aborted interaction")], [4, true]);
});
await check("oidc-provider: login", async () => equal((await run("login", endpoint)).status, 0));
await check("oidc-provider: registered as a native, public client", async () => {
  const client = seen.registered.at(-1);
  equal([client.application_type, client.token_endpoint_auth_method, client.grant_types], ["native", "none", ["authorization_code", "refresh_token"]]);
});
await check("oidc-provider: PKCE, and the resource in both requests", async () => {
  const asked = seen.authorized.at(-1), granted = seen.granted.at(-1);
  equal([asked.code_challenge_method, asked.resource, granted.resource], ["S256", endpoint, endpoint]);
});
await check("oidc-provider: a refresh token", async () =>
  equal(Boolean(JSON.parse(readFileSync(stored(), "utf8")).refresh_token), true));
await check("oidc-provider: a call, with a token for this resource", async () => {
  const client = await connect(endpoint, env);
  await who(client);
  equal([...seen.audiences], [endpoint]);
  await client.close();
});
await check("oidc-provider: refreshed while the bridge runs, again and again", async () => {
  const client = await connect(endpoint, env), before = refreshes();
  while (refreshes() < before + 3) {
    await who(client);
    await new Promise((yes) => { setTimeout(yes, 100); });
  }
  await client.close();
});
await check("oidc-provider: eight bridges at once, no refresh token used twice", async () => {
  await expired();
  const clients = await Promise.all(Array.from({ length: 8 }, () => connect(endpoint, env)));
  await Promise.all(clients.map(who));
  await Promise.all(clients.map((c) => c.close()));
  equal([seen.revoked, seen.refused, seen.authorized.length], [0, [], 1]);
});
await check("oidc-provider: a refresh token that was used before revokes the grant, and the person signs in again", async () => {
  const kept = join(home, "kept.json"), before = refreshes();
  copyFileSync(stored(), kept);
  let client = await connect(endpoint, env);
  while (refreshes() === before) {
    await who(client);
    await new Promise((yes) => { setTimeout(yes, 100); });
  }
  await client.close();
  copyFileSync(kept, stored());
  await expired();
  client = await connect(endpoint, env);
  await who(client);
  await client.close();
  equal([seen.revoked > 0, seen.refused, seen.authorized.length], [true, ["invalid_grant"], 2]);
});
await check("oidc-provider: logout revokes", async () => {
  const { refresh_token } = JSON.parse(readFileSync(stored(), "utf8"));
  equal((await run("logout", endpoint)).status, 0);
  equal(await provider.RefreshToken.find(refresh_token), undefined);
  equal((await run("status", endpoint)).status, 4);
});
rmSync(home, { recursive: true });
finish();
