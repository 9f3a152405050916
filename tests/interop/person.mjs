// What a person does with the page that a sign-in opens: follows redirects, keeps cookies, fills in the
// forms and presses their button. Those who refuse follow the link that aborts.
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const jar = new Map();

function cookies(url) {
  return [...(jar.get(url.host) ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
}

function keepCookies(url, response) {
  if (!jar.has(url.host))
    jar.set(url.host, new Map());
  for (const line of response.headers.getSetCookie()) {
    const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
    jar.get(url.host).set(name, value);
  }
}

const attribute = (tag, name) => tag.match(new RegExp(` ${name}="([^"]*)"`))?.[1].replaceAll("&amp;", "&");

// The form's fields; what must be typed is "ada".
function fields(page) {
  const form = new URLSearchParams();
  for (const tag of page.match(/<input[^>]*>/g) ?? [])
    form.set(attribute(tag, "name"), attribute(tag, "value") ?? "ada");
  return form;
}

// Ends at the page that asks for nothing more; returns its text.
export async function visit(address, refuse = false) {
  let url = new URL(address), body;
  for (let step = 0; step < 20; step++) {
    const response = await fetch(url, { method: body ? "POST" : "GET", body, redirect: "manual", headers: { Cookie: cookies(url) } });
    keepCookies(url, response);
    body = undefined;
    const to = response.headers.get("location");
    if (to) {
      url = new URL(to, url);
      continue;
    }
    const page = await response.text();
    const form = page.match(/<form[^>]*>/), abort = page.match(/<a [^>]*abort[^>]*>/);
    if (refuse && abort) {
      url = new URL(attribute(abort[0], "href"), url);
    } else if (form) {
      url = new URL(attribute(form[0], "action"), url);
      body = fields(page);
    } else {
      return page;
    }
  }
  throw new Error("too many pages");
}

// A program for $BROWSER, in this folder.
export function browserProgram(folder, { refuse = false } = {}) {
  const path = join(folder, refuse ? "browser-refuses" : "browser");
  writeFileSync(path, `#!${process.execPath}\nimport("${import.meta.url}").then((p) => p.visit(process.argv[2], ${refuse}));\n`);
  chmodSync(path, 0o755);
  return path;
}
