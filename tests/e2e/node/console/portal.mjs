// The customer's portal: in by a signed link, which leaves the address at once; one project, and nothing to change with a link for reading; in a frame
// that is refused all storage; and a link that has ended.

import { check, walk } from './browser.mjs';

const names = (w) => w.page.locator('nav.nav a').allInnerTexts();

walk(async ({ given, open, step }) => {
  await step('a link that has ended', async () => {
    const w = await open();
    await w.expecting(/401/, async () => {
      await w.page.goto(given.ended);
      await w.heading(/This link/);
      check(!w.page.url().includes('link='), 'the token is gone from the address');
      check(!(await w.page.content()).includes('shop'), 'nothing of the project is shown');
      await w.shot('portal-ended', { full: false });
      await w.page.getByRole('button', { name: 'Log in with a key' }).click();
      await w.page.getByLabel('Key').waitFor();
    });
    await w.close();
  });

  await step('a link for reading', async () => {
    const w = await open();
    await w.page.goto(given.reading);
    await w.heading('Overview');
    check(!w.page.url().includes('link='), 'the token is gone from the address');
    check(!(await names(w)).includes('Settings'), 'no page of the admin');
    check((await w.page.locator('.project-switch').count()) === 0, 'no switch of projects');
    await w.page.getByText('link, reading only').waitFor();
    await w.follow('Endpoints');
    await w.page.getByRole('link', { name: /Old billing/ }).click();
    await w.heading('Old billing');
    for (const name of ['Test', 'Replay', 'Disable'])
      check((await w.page.getByRole('button', { name }).count()) === 0, `${name} is not there`);
    await w.shot('portal-reading', { full: false });
    await w.page.reload();
    await w.heading('Old billing');
    await w.close();
  });

  await step('a link for writing, in a frame without storage', async () => {
    const w = await open({ hosts: [given.url, given.outer] });
    await w.page.addInitScript(() => {
      const refuse = {
        get() {
          throw new DOMException('refused', 'SecurityError');
        },
      };
      Object.defineProperty(window, 'sessionStorage', refuse);
      Object.defineProperty(window, 'localStorage', refuse);
    });
    await w.page.goto(`${given.outer}/?${encodeURIComponent(given.writing)}`);
    const frame = w.page.frameLocator('iframe');
    await frame.getByRole('heading', { name: 'Overview', level: 1 }).waitFor();
    await frame.getByRole('link', { name: 'Endpoints', exact: true }).click();
    await frame.getByRole('link', { name: /Customer relations/ }).click();
    await frame.getByRole('button', { name: 'Test' }).click();
    await frame.getByText(/It took a sample event/).waitFor();
    await w.shot('portal-frame', { full: false });
    await w.close();
  });

  await step('links and keys that end while they are used', async () => {
    const headers = { Authorization: `Bearer ${given.key}` };
    const keys = `${given.url}/v1/projects/shop/keys`;
    const made = await (await fetch(keys, { method: 'POST', headers, body: '{"name":"brief"}' })).json();
    const [linked, keyed, idle, wrong] = [await open(), await open(), await open(), await open()];
    await linked.page.goto(given.reading);
    await linked.heading('Overview');
    await keyed.login(made.key);
    await keyed.heading('Overview');
    await idle.page.clock.install();
    await idle.login(made.key);
    await idle.follow('Labels'); // a page that asks for nothing by itself
    const meant = (w, fn) => w.expecting(/401/, fn);
    await meant(linked, () =>
      meant(keyed, async () => {
        await fetch(`${given.url}/v1/projects/shop/portal_links`, { method: 'DELETE', headers });
        await fetch(`${keys}/${made.id}`, { method: 'DELETE', headers });
        await linked.heading('This link cannot be used'); // Overview asks by itself
        await keyed.page.getByText('You were logged out: this key was deleted.').waitFor();
        check(!(await linked.page.content()).includes('Old billing'), 'nothing of the project is left on the page');
      }),
    );
    await meant(idle, async () => {
      await idle.page.clock.fastForward(40000);
      await idle.page.getByText('You were logged out: this key was deleted.').waitFor();
    });
    await meant(wrong, async () => {
      await wrong.page.goto(`${given.url}/#link=%zz`);
      await wrong.heading('This link cannot be used');
    });
  });
});
