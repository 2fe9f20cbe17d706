// A replay to its end: the count first, then the question, the bar, and what was done; and one with nothing to do.

import { walk } from './browser.mjs';

walk(async ({ given, open, step }) => {
  const w = await open();
  const { page } = w;
  const dialog = page.getByRole('dialog');

  await step('all of it', async () => {
    await w.login();
    await w.go('/endpoints/bank/crm');
    await w.heading('crm');
    await page.getByRole('button', { name: 'Replay' }).click();
    await dialog.getByLabel('What').selectOption('all');
    await dialog.getByRole('button', { name: 'Count' }).click();
    await dialog.getByText(`${given.count} events would be sent again`).waitFor();
    await dialog.getByRole('button', { name: `Send ${given.count} events` }).click();
    await dialog.getByText(`${given.count} events are on the way again.`).waitFor();
    await w.shot('replay-done', { full: false });
    await dialog.getByRole('button', { name: 'Close' }).last().click();
  });

  await step('nothing', async () => {
    await page.getByRole('button', { name: 'Replay' }).click();
    await dialog.getByRole('button', { name: 'Count' }).click();
    await page.getByText('There is nothing to send again in that time').waitFor();
  });
});
