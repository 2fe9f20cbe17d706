// What strangers may have put into every place that the console shows: markup, addresses that are scripts, names that every object has. Each page is
// gone to, everything on it that unfolds is unfolded, and what the browser then holds is looked at.

import { check, walk } from './browser.mjs';

function lookAround() {
  const bad = [];
  for (const el of document.querySelectorAll('*')) {
    if (/^(script|img|iframe|object|embed|base|meta)$/i.test(el.localName) && el.outerHTML.includes('hostile'))
      bad.push(el.outerHTML.slice(0, 200));
    for (const { name, value } of el.attributes) {
      if (/^on/i.test(name)) bad.push(`${el.localName} ${name}`);
      if (/^(href|src|action|formaction|xlink:href)$/i.test(name) && !/^(#|\/(?!\/)|data:(image|,$))/.test(value))
        bad.push(`${el.localName} ${name}=${value}`);
    }
  }
  if ({}.polluted !== undefined || Object.prototype.hasOwnProperty.call(Object.prototype, 'hostile'))
    bad.push('Object.prototype was written to');
  if (window.hostile || document.title.startsWith('hostile')) bad.push('a script of theirs ran');
  return bad;
}

walk(async ({ given, open, step }) => {
  const w = await open();
  w.page.on('dialog', () => check(false, 'a dialog was opened'));
  await w.login();
  const settled = () =>
    w.page.waitForFunction(
      () => document.querySelector('main h1:not([data-old])') && !document.querySelector('main .spinner'),
    );
  const show = async (route) => {
    await w.page.evaluate(() => document.querySelectorAll('h1').forEach((el) => el.setAttribute('data-old', '')));
    await w.go(route);
    await settled();
    await w.page.evaluate(() => document.querySelectorAll('details').forEach((el) => el.setAttribute('open', '')));
    for (const tab of await w.page.getByRole('tab').all()) {
      await tab.click();
      await settled();
    }
  };
  for (const route of given.routes) {
    await step(route, async () => {
      await w.expecting(/404|400/, () => show(route));
      const bad = await w.page.evaluate(lookAround);
      check(bad.length === 0, bad.join('; '));
    });
  }
  return { seen: given.routes.length };
});
