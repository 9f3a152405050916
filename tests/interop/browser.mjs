// A real browser, headless Chromium, from the sandbox's consent page to mpmcp's own. Keeps what a person
// sees as pictures. Skipped where Chromium is not, and in CI.
import { spawn } from "node:child_process";
import { accessSync, chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { chromium } from "playwright-core";
import { check, deadline, equal, finish, program } from "./checks.mjs";
import { startSandbox } from "./sandbox.mjs";

const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find((p) => { try { accessSync(p); return true; } catch { return false; } });
if (!browserPath || process.env.CI) {
  console.log("skipped: " + (process.env.CI ? "no browser in CI" : "Chromium is not installed (Debian: apt-get install chromium)"));
  finish();
}

const pictures = join(dirname(program), "interop");
mkdirSync(pictures, { recursive: true });

// Nothing but this machine is reached, whatever a browser would like to ask elsewhere.
const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pings",
  "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1"] });

async function login(sandbox, home, act) {
  const p = spawn(program, ["login", sandbox.mcp, "--json"], { stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, HOME: home, BROWSER: opener(home) } });
  let out = "", opened;
  const address = new Promise((yes) => { opened = yes; });
  p.stdout.on("data", (d) => {
    out += d;
    const url = out.match(/"authorize_url": ?"([^"]+)"/);
    if (url) opened(JSON.parse(`"${url[1]}"`));
  });
  p.stderr.on("data", (d) => { out += d; });
  const over = new Promise((yes) => { p.on("close", (status) => yes({ status, out })); });
  const page = await browser.newPage({ viewport: { width: 900, height: 600 } });
  await page.goto(await deadline(address, "the address"));
  const text = await act(page);
  await page.close();
  return { text, ...await deadline(over, "the end of login") };
}

// The browser is already there; what mpmcp starts only has to succeed.
function opener(home) {
  const path = join(home, "browser");
  writeFileSync(path, "#!/bin/sh\nexit 0\n");
  chmodSync(path, 0o755);
  return path;
}

async function press(page, name, picture) {
  await page.screenshot({ path: join(pictures, picture + "-consent.png") });
  await page.getByRole("button", { name, exact: true }).click();
  await page.waitForURL(/^http:\/\/localhost:\d+\/oauth\/callback/);
  await page.waitForLoadState("load");
  await page.screenshot({ path: join(pictures, picture + ".png") });
  return page.locator("body").innerText();
}

const home = mkdtempSync(join(tmpdir(), "mpmcp-interop-"));
const sandbox = await startSandbox();
await check("browser: approving signs in, and the page says so", async () => {
  const { text, status } = await login(sandbox, home, (page) => press(page, "Approve", "approved"));
  equal([status, text.includes("You are signed in")], [0, true]);
});
await check("browser: denying says so on the page and in the terminal", async () => {
  rmSync(join(home, ".mcp-auth"), { recursive: true });
  const { text, status } = await login(sandbox, home, (page) => press(page, "Deny", "denied"));
  equal([status, text.includes("You declined. Nothing was stored.")], [4, true]);
});
await check("browser: an answer to another sign-in does not end this one", async () => {
  const { text, status } = await login(sandbox, home, async (page) => {
    const to = new URL(new URL(page.url()).searchParams.get("redirect_uri"));
    const other = await browser.newPage({ viewport: { width: 900, height: 600 } });
    await other.goto(to.href + "?code=stolen&state=wrong");
    await other.screenshot({ path: join(pictures, "foreign.png") });
    const words = await other.locator("body").innerText();
    await other.close();
    await press(page, "Approve", "approved-later");
    return words;
  });
  equal([status, text.includes("belongs to an earlier sign-in attempt")], [0, true]);
});
await browser.close();
sandbox.stop();
rmSync(home, { recursive: true });
console.log("pictures in " + pictures);
finish();
