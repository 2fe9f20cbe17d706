// Overview and endpoints against real traffic: numbers that move, what is in trouble and why, the table, one endpoint and all that can be done with it.

import { check, PHONE, until, walk } from './browser.mjs';

const intact = async (w, markup) => {
  check((await w.page.title()) !== 'broken in', 'no script of a name ran');
  check((await w.page.locator('img').count()) === 0, 'no markup of a name became an element');
  check((await w.page.locator('main').innerText()).includes(markup), 'the name stands there as text');
};

// The number of a stat, by its label.
const value = (page, label) => page.locator('.stat', { hasText: label }).locator('.stat-value').innerText();

walk(async ({ given, open, step }) => {
  const w = await open();
  const { page } = w;
  const dialog = page.getByRole('dialog');
  const measured = {};

  await step('overview', async () => {
    await page.goto(`${given.url}/`);
    await page.getByLabel('Key').fill(given.key);
    await page.keyboard.press('Enter');
    await w.heading('Overview');
    await page.locator('.chart canvas').nth(3).waitFor();
    await page.waitForFunction(() => window.Chart && document.querySelectorAll('.legend li').length >= 6);
    measured.first_view_bytes = w.bytes();
    await page
      .locator('.trouble-row', { hasText: 'Old billing' })
      .getByText(/the last answer was 503/)
      .waitFor();
    await page.locator('.trouble-row', { hasText: 'sorry' }).getByText('Look at its answer and at body.').waitFor();
    await until(async () => !['–', '0/s'].includes(await value(page, 'Delivered')), 'events are delivered');
    const before = await value(page, 'Backlog');
    await until(async () => (await value(page, 'Backlog')) !== before, 'the numbers move');
    await page.getByRole('button', { name: 'Last day' }).click();
    await page.getByRole('table', { name: 'Events a second' }).waitFor({ state: 'attached' });
    await w.shot('overview');
  });

  await step('one project of them', async () => {
    await page.getByLabel('Project', { exact: true }).selectOption('bank');
    await page.getByText('2 endpoints', { exact: true }).waitFor();
    await w.follow('Endpoints');
    await until(async () => (await page.locator('tbody tr').count()) === 2, 'only the endpoints of bank');
    await page.getByLabel('Project', { exact: true }).selectOption('');
    await until(async () => (await page.locator('tbody tr').count()) === 7, 'all endpoints');
  });

  await step('a chosen project that somebody else deletes', () =>
    w.expecting(/404/, async () => {
      const put = { method: 'PUT', headers: { Authorization: `Bearer ${given.key}` }, body: '{"name":"Short lived"}' };
      await fetch(`${given.url}/v1/projects/brief`, put);
      await page.reload();
      await page.getByLabel('Project', { exact: true }).selectOption('brief');
      await page.getByText('There is no endpoint').first().waitFor();
      await fetch(`${given.url}/v1/projects/brief`, { ...put, method: 'DELETE', body: undefined });
      await page.getByText('The project brief was deleted. All projects are shown.').waitFor();
      await until(async () => (await page.locator('tbody tr').count()) === 7, 'all endpoints');
      check((await page.getByLabel('Project', { exact: true }).inputValue()) === '', 'none is chosen');
    }),
  );

  await step('the table', async () => {
    await intact(w, given.markup);
    const names = () => page.locator('tbody th .two-lines > span:first-child').allInnerTexts();
    check(
      (await names()).slice(0, 2).sort().join() === 'Old billing,sorry',
      `what is in trouble is first, not ${await names()}`,
    );
    await page.getByRole('button', { name: 'Endpoint', exact: true }).click();
    await until(
      async () =>
        (await page.getByRole('columnheader', { name: 'Endpoint', exact: true }).getAttribute('aria-sort')) ===
        'ascending',
      'it is sorted by name',
    );
    await until(async () => (await names())[0] === 'Audit', `Audit is first, not ${await names()}`);
    for (const name of ['Backlog', 'Oldest', 'Errors', 'p99', 'Rate']) {
      await page.getByRole('button', { name, exact: true }).click();
      await page.locator('th[aria-sort=descending]', { hasText: name }).waitFor();
    }
    await page.getByLabel('State').selectOption('throttled');
    await until(async () => (await page.locator('tbody tr').count()) === 2, 'two are throttled');
    check(page.url().includes('state=throttled'), 'the filter is in the address');
    await page.getByLabel('State').selectOption('');
    await page.getByLabel('Search endpoints').fill('no such endpoint');
    await page.getByText('No endpoint is like that.').waitFor();
    await page.getByLabel('Search endpoints').fill('');
    await until(async () => (await page.locator('tbody tr').count()) === 7, 'all are back');
    await w.shot('endpoints');
  });

  await step('the table on a phone', async () => {
    const phone = await open({ size: PHONE });
    await phone.login();
    await phone.follow('Endpoints');
    const first = phone.page.locator('tbody th').first();
    await first.getByText(/Old billing|sorry/).waitFor();
    await phone.page.getByLabel('Sort by').selectOption('id');
    await first.getByText('Audit', { exact: true }).waitFor();
    await phone.page.route('**/v1/endpoint_numbers*', async (route) => {
      const answer = await (await route.fetch()).json();
      for (const row of answer.data) if (row.id === 'audit') Object.assign(row, { pending: 3, oldest_pending_s: 90 });
      await route.fulfill({ json: answer }); // what would take a minute
    });
    await phone.page.locator('tbody tr', { hasText: 'Audit' }).getByText('behind', { exact: true }).waitFor();
    await phone.shot('phone-behind', { full: false });
    await phone.page.unroute('**/v1/endpoint_numbers*');
    await phone.follow('Dead letters');
    await phone.page.getByRole('link', { name: 'Old billing' }).waitFor(); // nothing is dead, but here it is tried again
    check(
      await phone.page.getByRole('button', { name: 'Choose all shown' }).isDisabled(),
      'there is nothing to choose',
    );
    await phone.follow('Services');
    await phone.page.getByLabel('Change the order in').selectOption('shop');
    await phone.page.getByText('A message goes through them from the top').waitFor();
    await phone.close();
  });

  await step('one endpoint and why', async () => {
    await page.getByRole('link', { name: /Old billing/ }).click();
    await w.heading('Old billing');
    await page.locator('.notice', { hasText: 'the last answer was 503' }).waitFor();
    await page
      .getByRole('table', { name: 'Answers by code' })
      .getByRole('columnheader', { name: '503' })
      .waitFor({ state: 'attached' });
    await page.getByRole('columnheader', { name: 'Tries made' }).waitFor();
    await w.shot('endpoint');
    const more = page.getByRole('navigation', { name: 'More of this endpoint' });
    await more.getByRole('link', { name: 'Dead letters' }).click();
    await w.heading('Dead letters');
    check((await page.getByLabel('Endpoint id').inputValue()) === 'broken', 'the dead letters of this endpoint');
    await page.goBack();
    await more.getByRole('link', { name: 'Template editor' }).click();
    await w.heading('Template editor');
    check(
      (await page.getByRole('combobox', { name: 'Endpoint' }).inputValue()) === 'broken',
      'and the editor with it chosen',
    );
    await page.goBack();
    await w.heading('Old billing');
    await page.getByRole('tab', { name: 'Recent attempts' }).click();
    await page.locator('tbody tr', { hasText: '503' }).first().waitFor();
    await w.go('/endpoints/shop/slow');
    await w.heading(given.markup);
    await intact(w, given.markup);
    await w.go('/endpoints/@acme/audit');
    await w.heading('Audit');
    await page.getByRole('tab', { name: 'Recent attempts' }).click();
    await page.locator('tbody tr', { hasText: '200' }).first().waitFor();
  });

  await step('test', async () => {
    await w.go('/endpoints/shop/broken');
    await w.heading('Old billing');
    await page.getByRole('button', { name: 'Test' }).click();
    await dialog.getByText('<h1>down</h1><script>alert(1)</script>').first().waitFor();
    await w.shot('endpoint-test', { full: false });
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    const focused = () => page.evaluate(() => document.activeElement.textContent);
    check((await focused()) === 'Test', `a dialog that closes gives the focus back, not to ${await focused()}`);
  });

  await step('disable and enable', async () => {
    await page.getByRole('button', { name: 'Disable' }).click();
    await dialog.getByRole('button', { name: 'Disable' }).click();
    await page.getByText('It is switched off').waitFor();
    await page.getByRole('button', { name: 'Enable' }).click();
    await page.getByRole('button', { name: 'Disable' }).waitFor();
  });

  await step('settings: a fault at its field, then a change', async () => {
    await w.go('/endpoints/shop/crm');
    await w.heading('Customer relations');
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Edit as JSON' }).click();
    const text = dialog.getByLabel('Settings');
    const good = await text.inputValue();
    check(good.includes('"secret": "***"'), 'the secret is masked');
    await text.fill(good.replace('"timeout_ms": 10000', '"timeout_ms": -1'));
    await w.expecting(/422/, async () => {
      await dialog.getByRole('button', { name: 'Save' }).click();
      await dialog.getByText(/timeout_ms: /).waitFor();
    });
    check(
      (await text.evaluate((el) => el.value.slice(el.selectionStart, el.selectionEnd))).includes('"timeout_ms": -1'),
      'the line with the fault is marked',
    );
    await w.shot('endpoint-fault', { full: false });
    await text.fill(good.replace('"timeout_ms": 10000', '"timeout_ms": 9000'));
    await dialog.getByRole('button', { name: 'Save' }).click();
    await page.getByText('Saved').waitFor();
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.locator('pre', { hasText: '"timeout_ms": 9000' }).waitFor();
  });

  await step('a new secret, shown once', async () => {
    await page.getByRole('button', { name: 'Rotate the secret' }).click();
    await dialog.getByRole('button', { name: 'Rotate' }).click();
    check(/^whsec_/.test(await dialog.locator('.secret').innerText()), 'it is a secret');
    await dialog.getByRole('button', { name: 'Copy the secret' }).click();
    await dialog.getByText('Copied').waitFor();
    await dialog.getByRole('button', { name: 'Done' }).click();
    await until(async () => (await page.getByText(/whsec_/).count()) === 0, 'it is gone with the dialog');
  });

  await step('replay: cancelled', async () => {
    await page.getByRole('button', { name: 'Replay' }).click();
    await dialog.getByLabel('What').selectOption('all');
    await w.shot('replay', { full: false });
    await dialog.getByRole('button', { name: 'Count' }).click();
    await dialog.getByText(/[\d,]+ events? would be sent again/).waitFor();
    await w.shot('replay-count', { full: false });
    await dialog.getByRole('button', { name: /^Send [\d,]+ events?$/ }).click();
    await dialog.getByRole('progressbar').waitFor();
    await w.shot('replay-running', { full: false });
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await dialog.getByText(/^Cancelled.*[\d,]+ of [\d,]+ events/).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).last().click();
  });

  await step('a new endpoint, and its end', async () => {
    await w.follow('Endpoints');
    await page.getByRole('button', { name: 'New endpoint' }).click();
    await dialog.getByLabel('Project').selectOption('shop');
    await dialog.getByLabel('Id').fill('made.here');
    await dialog.getByLabel('URL').fill('no url');
    await w.expecting(/422|400/, async () => {
      await dialog.getByRole('button', { name: 'Create' }).click();
      await dialog.locator('.field-error:not(:empty)').waitFor();
    });
    await dialog.getByLabel('URL').fill(given.receiver);
    await dialog.getByRole('button', { name: 'Create' }).click();
    await w.heading('made.here');
    await page.getByRole('tab', { name: 'Settings' }).click();
    await page.getByRole('button', { name: 'Delete' }).click();
    const yes = dialog.getByRole('button', { name: 'Delete' });
    check(await yes.isDisabled(), 'its id is to be typed first');
    await dialog.getByLabel('Type made.here to confirm').fill('made.here');
    await yes.click();
    await w.heading('Endpoints');
  });

  await step('an address that is none', async () => {
    for (const route of ['/endpoints/shop/%zz', '/endpoints//crm', '/nothing']) {
      await w.go(route);
      await w.heading('Not found');
      await page.getByText('There is no such page').waitFor();
      await w.go('/endpoints');
      await w.heading('Endpoints');
    }
  });

  await step('away and back', () =>
    w.expecting(/ERR_INTERNET_DISCONNECTED|Failed to load resource/, async () => {
      await w.follow('Overview');
      await w.context.setOffline(true);
      await page.getByText('postrider does not answer.').waitFor();
      await w.shot('away', { full: false });
      await w.context.setOffline(false);
      await page.locator('#banner').waitFor({ state: 'hidden' });
      await w.context.setOffline(true);
      await w.go('/labels'); // a page whose module was not loaded yet
      await w.heading('This page could not be shown');
      await page.getByText('The page goes on by itself when it is back.').waitFor();
      await w.context.setOffline(false);
      await w.heading('Labels');
      await w.context.setOffline(true); // and a page that asks for nothing by itself
      await page.getByText('postrider does not answer.').waitFor();
      await w.context.setOffline(false);
      await page.locator('#banner').waitFor({ state: 'hidden' });
    }),
  );
  return measured;
});
