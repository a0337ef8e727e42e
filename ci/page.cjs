// page.cjs BASE TOKEN PICTURES FILE: walks through the operator's page as a person would, and fails at the first broken promise: no console
// error, no request to another host, no serious fault that axe-core finds, readable on a phone and in the dark, in both languages.
"use strict";
const { chromium } = require("playwright-core");
const fs = require("node:fs");
const path = require("node:path");
const { pathToFileURL } = require("node:url");

const [base, token, pictures, file] = process.argv.slice(2);
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const faults = [];
let shown = 0;

function hold(condition, promise) {
  if (!condition) throw new Error(`the page broke a promise: ${promise}`);
}

function watched(page) {
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) faults.push(`console: ${m.text()}`); });
  page.on("pageerror", (e) => faults.push(`script: ${e.message}`));
  page.on("dialog", (d) => { faults.push(`a text became a script: ${d.message()}`); d.dismiss(); });
  page.on("request", (r) => {
    const to = new URL(r.url());
    if (to.origin !== base && to.protocol !== "file:") faults.push(`asked another host: ${r.url()}`);
  });
  return page;
}

async function look(page, name) {
  shown += 1;
  await page.screenshot({ path: path.join(pictures, `${String(shown).padStart(2, "0")}-${name}.png`), fullPage: true });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  hold(wide <= 0, `${name} is wider than its window by ${wide} px`);
  // Run outside of the page's own policy, as the tool does.
  const found = await page.evaluate(`(() => { ${axe}; return axe.run(document, { resultTypes: ["violations"] }); })()`);
  for (const v of found.violations.filter((v) => ["serious", "critical"].includes(v.impact)))
    faults.push(`axe on ${name}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " + (n.any[0]?.message ?? "")).join(" | ")}`);
}

async function walk(context, width) {
  const page = watched(await context.newPage());
  await page.goto(`${base}/`);
  hold(!(await page.content()).includes("billing"), "nothing about logs is shown before signing in");
  if (width === "wide") await look(page, "gate");
  await page.fill("#token", token);
  await page.click(".login button");
  await page.waitForSelector(".owner");
  await look(page, `owners-${width}`);
  await page.click(".owner h2 a");
  await page.waitForSelector(".cards .whole");
  const problems = await page.locator(".cards .whole").count();
  hold(problems === 5, `the sample day has five problems, not ${problems}`);
  hold((await page.locator(".kind svg .bars").count()) === 3, "each kind has a chart");
  hold((await page.locator(".kind svg .band").count()) === 3, "each chart has the band of the earlier days");
  const first = page.locator(".plot").first();
  await first.hover();
  hold((await first.locator(".tip").textContent()).includes("·"), "pointing at a chart tells a count");
  await page.mouse.move(0, 0);
  if (width === "phone") {
    const hidden = await page.evaluate(() => [...document.querySelectorAll(".scroll:has(.shapes)")].filter((s) => s.scrollWidth > s.clientWidth).length);
    hold(hidden === 0, "the templates fit on a phone");
  }
  await look(page, `day-${width}`);

  await page.click(".cards .whole >> nth=0");
  await page.waitForSelector(".lanes svg");
  hold((await page.locator(".lanes .lane").count()) === 3, "the chain has three lanes");
  hold((await page.locator(".lanes line.change").count()) === 1, "the change is marked");
  hold((await page.locator(".diff ins").count()) > 0, "the change is shown field by field");
  await page.locator("details.line summary").first().click();
  await page.waitForSelector("details.line[open] pre");
  hold((await page.locator("details.line[open] pre").first().textContent()).length > 40, "evidence opens to its line");
  await look(page, `incident-${width}`);
  await page.locator("details.line[open] a").first().click();
  await page.waitForSelector("pre.raw");
  await look(page, `line-${width}`);
  await page.goBack();
  await page.goBack();

  await page.keyboard.press("/");
  await page.keyboard.type("镜像");
  await page.keyboard.press("Enter");
  await page.waitForSelector(".hits li");
  await look(page, `search-${width}`);
  return page;
}

async function marks(page) {
  await page.goto(`${base}/`);
  await page.click(".owner h2 a");
  const title = await page.locator(".cards b").first().textContent();
  await page.click(".cards .whole >> nth=0");
  await page.fill(".mark input[name=note]", "<b>checked</b> {{ 7 * 7 }}");
  await page.press(".mark input[name=note]", "Enter");
  hold((await page.locator(".mark button[value=normal]").count()) === 1, "Enter in the note decides nothing");
  await page.click(".mark button[value=normal]");
  await page.waitForSelector(".mark .pill");
  hold((await page.locator(".mark").textContent()).includes("<b>checked</b> {{ 7 * 7 }}"), "a note stays text");
  await page.goto(`${base}/`);
  await page.click('.links a[href$="/marks"]');
  await page.waitForSelector(".marks li");
  hold((await page.locator(".marks").textContent()).includes(title), "a marked problem is listed");
  await look(page, "marks");
  await page.click(".marks button");
  await page.waitForSelector(".empty");
  await page.goto(`${base}/`);
  await page.click('.links a[href$="/alarms"]');
  await page.waitForSelector(".alarm");
  hold((await page.locator(".alarm").first().textContent()).includes("<img src=x onerror=alert(1)>"), "the text of an alarm stays text");
  await look(page, "alarms");
}

// Asks over MCP for the newest day to be read again, as a robot would.
async function refresh() {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json", accept: "application/json, text/event-stream" };
  const post = (message) => fetch(`${base}/mcp`, { method: "POST", headers, body: JSON.stringify({ jsonrpc: "2.0", ...message }) });
  const opened = await post({ id: 0, method: "initialize", params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "page", version: "1" } } });
  headers["mcp-session-id"] = opened.headers.get("mcp-session-id");
  await opened.text();
  await post({ method: "notifications/initialized" });
  await (await post({ id: 1, method: "tools/call", params: { name: "summarize_day", arguments: { refresh: true } } })).text();
}

// A round is followed to its end; then the cookie goes, and the page leads to the gate by itself.
async function follow(context) {
  const page = watched(await context.newPage());
  await page.goto(`${base}/`);
  await page.fill("#token", token);
  await page.click(".login button");
  await page.waitForSelector(".owner[data-watch]");
  const address = await page.getAttribute(".owner", "data-watch");
  // A small day is soon read: the page may come too late for one round, not for all.
  let asked;
  for (let round = 0; round < 5 && !(await page.locator("[data-round]").count()); round += 1) {
    asked = refresh();
    for (let n = 0; n < 200; n += 1) {
      const now = await page.request.get(`${base}${address}`, { headers: { accept: "application/json" } });
      if ((await now.json()) !== null) break;
    }
    await page.goto(`${base}/`);
  }
  hold(await page.locator("[data-round]").count(), "a round that runs is shown");
  hold((await page.locator("[data-phase]").textContent()).length > 0, "it says in which phase it is");
  await page.waitForSelector(".owner[data-watch]", { timeout: 120_000 });
  await asked;
  const before = faults.length;
  await context.clearCookies();
  await page.waitForSelector("#token", { timeout: 40_000 });
  hold(faults.splice(before).every((f) => f.includes("401")), "whoever is signed out is led to the gate");
}

(async () => {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const wide = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", locale: "zh-CN" });
  const page = await walk(wide, "wide");
  await marks(page);
  // Dark by the switch, English by the switch; both are remembered.
  await page.goto(`${base}/`);
  await page.click("[data-theme-switch]");
  await page.click('a[href*="lang=en"]');
  await page.click(".owner h2 a");
  await page.waitForSelector(".cards");
  hold((await page.getAttribute("html", "data-theme")) === "dark" && (await page.getAttribute("html", "lang")) === "en", "theme and language are remembered");
  await look(page, "day-dark-english");
  await page.click(".cards .whole >> nth=0");
  await page.waitForSelector(".lanes svg");
  await look(page, "incident-dark-english");
  await page.click('form[action="/page/logout"] button');
  await page.waitForSelector("#token");
  await page.goto(`${base}/`);
  hold(await page.locator("#token").count(), "signing out closes the door");
  await page.fill("#token", "no such token");
  // The refusal is an answer with a status of its own, which the console names.
  const before = faults.length;
  await page.click(".login button");
  await page.waitForSelector(".wrong");
  hold(faults.splice(before).every((f) => f.includes("401")), "a wrong token is refused");
  await wide.close();

  const morning = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "zh-CN" });
  await follow(morning);
  await morning.close();

  const phone = await browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true, colorScheme: "dark" });
  await walk(phone, "phone");
  await phone.close();

  const offline = await browser.newContext({ viewport: { width: 1100, height: 900 }, offline: true });
  const alone = watched(await offline.newPage());
  await alone.goto(pathToFileURL(file).href);
  hold((await alone.locator(".cards .whole").count()) === 5, "the single file shows the day");
  await alone.click(".cards .whole >> nth=0");
  await alone.locator("details.line summary").first().click();
  await look(alone, "file");
  await browser.close();
  if (faults.length) throw new Error(faults.join("\n"));
  console.log(`page: ${shown} pictures in ${pictures}`);
})().catch((error) => { console.error(error.message); process.exit(1); });
