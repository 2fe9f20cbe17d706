// A browser for a walk through the console. What the walk needs (addresses, keys) comes as JSON on stdin; what it measured goes to
// stdout as the last line. A walk fails when a step fails, and also when the page wrote an error to its console, broke its content security policy, threw,
// or asked any other host (than those of `hosts`) for anything, even if all steps went well.
//
//   import { walk } from './browser.mjs';
//   walk(async ({ given, open, step }) => {
//     const w = await open({ size: PHONE, dark: true });     // a window of its own: no cookies, no storage of another
//     await step('log in', async () => { await w.login(given.key); });
//     await w.go('/endpoints');                               // by the address; w.follow('Endpoints') by the link
//     await w.page.getByRole('heading', { name: 'Endpoints' }).waitFor();
//     await w.shot('endpoints');                              // into $SCREENSHOTS
//     return { milliseconds: 12 };
//   });
//
// w: page, login(key), go(route), follow(name), heading(name), shot(name), expecting(pattern, fn) (errors on the browser's console that are meant),
// bytes() (over the wire so far), contrast(selector) -> number, overflow() -> pixels that the page is wider than its window, close().

import { chromium } from 'playwright-core';
import fs from 'node:fs';
import path from 'node:path';

export const DESKTOP = { width: 1360, height: 900 };
export const PHONE = { width: 390, height: 844 };
const PATIENCE_MS = 20000;

const shots = process.env.SCREENSHOTS;

// --- what a page must not do ---

function watch(page, hosts, problems) {
  const meant = [];
  const note = (text) => {
    if (!meant.some((pattern) => pattern.test(text))) problems.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error') note(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => note(`thrown: ${error.stack || error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && !hosts.includes(url.host)) note(`another host: ${request.url()}`);
  });
  return meant;
}

// --- contrast, as WCAG 2 defines it ---

function contrastInPage(selector) {
  const parts = (text) => text.match(/[\d.]+/g).map(Number);
  const linear = (v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (el) => {
    for (let at = el; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const el = document.querySelector(selector);
  if (!el) return null;
  const [a, b] = [light(parts(getComputedStyle(el).color)), light(behind(el))];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

// --- a window ---

async function wire(page) {
  const client = await page.context().newCDPSession(page);
  let sum = 0;
  await client.send('Network.enable');
  client.on('Network.loadingFinished', (event) => {
    sum += event.encodedDataLength;
  });
  return () => sum;
}

async function openWindow(
  browser,
  given,
  problems,
  { size = DESKTOP, dark = false, reducedMotion = 'reduce', hosts = [given.url] } = {},
) {
  const context = await browser.newContext({
    viewport: size,
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion,
    locale: 'en-GB',
    isMobile: size === PHONE,
    hasTouch: size === PHONE,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const meant = watch(
    page,
    hosts.map((host) => new URL(host).host),
    problems,
  );
  const bytes = await wire(page);
  const w = { page, bytes, context };

  w.heading = (name) => page.getByRole('heading', { level: 1, name, exact: typeof name === 'string' }).waitFor();
  w.login = async (key = given.key) => {
    await page.goto(`${given.url}/`);
    await page.getByLabel('Key').fill(key);
    await page.keyboard.press('Enter');
    await page.locator('nav.nav').waitFor({ state: 'attached' }); // on a phone it is in the drawer
  };
  w.go = async (route) => {
    await page.evaluate((r) => {
      window.location.hash = r;
    }, `#${route}`);
  };
  w.follow = async (name) => {
    const menu = page.getByRole('button', { name: 'Menu' });
    if (await menu.isVisible()) await menu.click();
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
    await w.heading(name);
  };
  w.shot = async (name, { full = true } = {}) => {
    if (shots) await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: full });
  };
  w.expecting = async (pattern, fn) => {
    meant.push(pattern);
    try {
      return await fn();
    } finally {
      meant.splice(meant.indexOf(pattern), 1);
    }
  };
  w.contrast = (selector) => page.evaluate(contrastInPage, selector);
  w.overflow = () => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  w.close = () => context.close();
  return w;
}

// --- a walk ---

export function check(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
}

// Asks until it is true: for what no locator can wait for.
export async function until(condition, what) {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

export async function walk(run) {
  const given = JSON.parse(fs.readFileSync(0, 'utf8') || '{}');
  const problems = [];
  const windows = [];
  let result = {};
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu'],
  });
  const open = async (options) => {
    const w = await openWindow(browser, given, problems, options);
    windows.push(w);
    return w;
  };
  const step = async (name, fn) => {
    const begin = Date.now();
    try {
      await fn();
    } catch (e) {
      problems.push(`step "${name}": ${e.stack || e}`);
      for (const [i, w] of windows.entries()) await w.shot(`failed-${i}`, { full: false }).catch(() => {});
      throw e;
    }
    process.stderr.write(`ok ${name} (${Date.now() - begin} ms)\n`);
  };
  try {
    result = await run({ given, open, step });
  } catch (e) {
    if (!problems.some((p) => p.startsWith('step'))) problems.push(String(e.stack || e));
  } finally {
    await browser.close();
  }
  for (const problem of problems) process.stderr.write(`PROBLEM ${problem}\n`);
  process.stdout.write(`${JSON.stringify(result || {})}\n`);
  process.exitCode = problems.length ? 1 : 0;
}
