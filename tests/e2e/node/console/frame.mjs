// The frame: what a wrong key gets, the way in and out, links and titles, the keyboard alone, themes, a phone, a daemon that is away.

import { check, PHONE, until, walk } from './browser.mjs';

const PAGES = [
  'Overview',
  'Endpoints',
  'Events',
  'Dead letters',
  'Template editor',
  'Messages',
  'Contacts',
  'Groups',
  'Labels',
  'Services',
  'Service logs',
  'Phones',
  'Broadcasts',
  'Keys',
  'Projects',
  'Settings',
];
const ADMIN = ['Projects', 'Settings'];

const names = (w) => w.page.locator('nav.nav a').allInnerTexts();

// [what, least contrast]: text, or large text and signs
const READABLE = [
  ['main h1', 4.5],
  ['.sub', 4.5],
  ['.stat-label', 4.5],
  ['.stat-value', 4.5],
  ['.stat-hint', 4.5],
  ['nav.nav a', 4.5],
  ['nav.nav a[aria-current]', 4.5],
  ['.nav-section', 4.5],
  ['.badge', 4.5],
  ['.trouble-why', 4.5],
  ['.legend', 4.5],
  ['.segments button[aria-pressed=true]', 4.5],
  ['.segments button[aria-pressed=false]', 4.5],
];

async function readable(w, list) {
  for (const [selector, least] of list) {
    const now = await w.contrast(selector);
    check(now !== null && now >= least, `${selector} has a contrast of ${least}, not ${now}`);
  }
}

// Everything in the order in which Tab goes through it, by name.
async function tabs(page, count) {
  const seen = [];
  for (let i = 0; i < count; i++) {
    await page.keyboard.press('Tab');
    seen.push(
      await page.evaluate(() => {
        const el = document.activeElement;
        return el.getAttribute('aria-label') || el.innerText || el.id;
      }),
    );
  }
  return seen;
}

walk(async ({ given, open, step }) => {
  const w = await open();
  const { page } = w;

  await step('a wrong key says so and shows nothing', () =>
    w.expecting(/401/, async () => {
      await page.goto(`${given.url}/`);
      const first = page.locator('input').first();
      await first.waitFor();
      await until(() => first.evaluate((el) => el === document.activeElement), 'the key field has the focus');
      await w.shot('login');
      await page.keyboard.type('not-the-key-0123456789');
      await page.keyboard.press('Enter');
      await page.getByText('This key is not right').waitFor();
      check(!(await page.content()).includes('shop'), 'nothing of a project is in the page');
      check((await page.locator('nav').count()) === 0, 'there is no navigation');
      await readable(w, [
        ['.field-error', 4.5],
        ['.field label', 4.5],
        ['.field-help', 4.5],
        ['.button.primary', 4.5],
      ]);
      await w.shot('login-wrong');
    }),
  );

  await step('the admin key, by keyboard', async () => {
    await page.keyboard.type(given.key);
    await page.keyboard.press('Enter');
    await w.heading('Overview');
    check((await names(w)).join() === PAGES.join(), `the navigation has all names in order, not ${await names(w)}`);
    check((await page.title()) === 'Overview · postrider', 'the title names the page');
  });

  await step('every page by its link', async () => {
    for (const name of PAGES) {
      await w.follow(name);
      check((await page.locator('nav.nav a[aria-current=page]').innerText()) === name, `${name} is marked`);
      await until(async () => (await page.title()) === `${name} · postrider`, `the title says ${name}`);
      await until(
        () => page.evaluate(() => document.activeElement.tagName === 'H1'),
        `the heading of ${name} has the focus`,
      );
      check((await w.overflow()) <= 0, `${name} is as wide as the window`);
    }
  });

  await step('skip link, shortcuts, search by keyboard', async () => {
    await page.reload();
    await w.heading('Settings');
    check((await tabs(page, 1))[0] === 'Skip to the content', 'the first stop skips the navigation');
    await page.keyboard.press('Enter');
    check((await page.evaluate(() => document.activeElement.id)) === 'main', 'it leads to the content');
    await page.keyboard.press('g');
    await page.keyboard.press('e');
    await w.heading('Endpoints');
    await page.keyboard.press('/');
    check((await page.evaluate(() => document.activeElement.type)) === 'search', '/ is the search');
    await page.keyboard.type('billing');
    await until(async () => (await page.locator('tbody tr').count()) === 1, 'the search finds one endpoint');
    await page.keyboard.press('Tab');
    const order = await tabs(page, 12);
    check(
      order.some((name) => name.startsWith('Old billing')),
      `Tab leads to the endpoint, not only to ${order}`,
    );
    await page.locator('tbody tr a').first().focus();
    await page.keyboard.press('Enter');
    await w.heading('Old billing');
  });

  await step('themes', async () => {
    await w.follow('Overview');
    await page.locator('.trouble-row').first().waitFor();
    await page.locator('.legend').first().waitFor();
    await readable(w, READABLE);
    const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    const light = await ground();
    await page.getByRole('button', { name: 'Use the dark theme' }).click();
    await until(async () => (await ground()) !== light, 'the switch changes the ground');
    await readable(w, READABLE);
    await page.reload();
    await w.heading('Overview');
    check((await ground()) !== light, 'the choice is kept');
    await w.shot('overview-dark');
    await page.getByRole('button', { name: 'Use the light theme' }).click();
    await until(async () => (await ground()) === light, 'and back');
  });

  await step('log out', async () => {
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Key').waitFor();
    await page.reload();
    await page.getByLabel('Key').waitFor();
  });

  await step("a project's key", async () => {
    await w.login(given.project_key);
    await w.heading('Overview');
    const seen = await names(w);
    check(!ADMIN.some((name) => seen.includes(name)), `no page of the admin, but ${seen}`);
    check((await page.locator('.project-switch').count()) === 0, 'no switch of projects');
    await w.follow('Endpoints');
    await page.getByRole('link', { name: /Old billing/ }).waitFor();
    check(!(await page.content()).includes('bank'), 'nothing of another project');
    await w.expecting(/404/, async () => {
      await w.go('/endpoints/bank/crm');
      await w.heading('Not found');
    });
  });

  await step('a phone', async () => {
    const phone = await open({ size: PHONE });
    await phone.login();
    for (const name of ['Overview', 'Endpoints']) {
      await phone.follow(name);
      await phone.page
        .locator(name === 'Overview' ? '.chart canvas' : 'tbody tr')
        .first()
        .waitFor();
      check((await phone.overflow()) <= 0, `${name} is no wider than a phone`);
      await phone.shot(`phone-${name.toLowerCase()}`);
    }
    await phone.page.getByRole('button', { name: 'Menu' }).click();
    await phone.shot('phone-menu', { full: false });
    await phone.page.keyboard.press('Escape');
    await until(
      () => phone.page.evaluate(() => document.activeElement.id === 'drawer-button'),
      'Escape closes the menu and gives the focus back',
    );
    await phone.close();
  });
  return {};
});
