// Ten thousand endpoints: how long until the overview and the endpoints' table can be used.

import { check, until, walk } from './browser.mjs';

walk(async ({ given, open, step }) => {
  const w = await open();
  const { page } = w;
  const measured = {};

  await step('overview', async () => {
    await w.login();
    await w.heading('Overview');
    await page.reload();
    await page.locator('.stat-value', { hasText: '/s' }).first().waitFor();
    measured.overview_ms = Math.round(await page.evaluate(() => performance.now())); // since the beginning of the load
    await page
      .getByText(/10,00\d endpoints/)
      .first()
      .waitFor();
  });

  await step('endpoints', async () => {
    const begin = Date.now();
    await w.follow('Endpoints');
    await page.locator('tbody tr').first().waitFor();
    measured.endpoints_ms = Date.now() - begin;
    check((await page.locator('tbody tr').count()) === 50, 'one page of them');
    await page.getByRole('button', { name: 'Load more' }).click();
    await until(async () => (await page.locator('tbody tr').count()) === 100, 'and one more');
    await page.getByLabel('Search endpoints').fill('customer-09999');
    await until(async () => (await page.locator('tbody tr').count()) === 1, 'one is found');
  });
  await step('one of many projects', async () => {
    await page.getByRole('button', { name: 'All projects' }).click();
    await page.getByLabel('Find a project').fill('customer-123');
    await page.getByRole('button', { name: 'customer-123' }).click();
    await page.locator('.sidebar').getByRole('button', { name: 'customer-123' }).waitFor();
    await page.getByText('No endpoint is like that.').waitFor();
  });
  return measured;
});
