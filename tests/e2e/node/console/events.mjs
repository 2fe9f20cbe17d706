// Search, a message's life, dead letters, the template editor. Everything a stranger wrote there is markup: none of it may run.

import { check, PHONE, until, walk } from './browser.mjs';

const ROW = 'table tbody tr';

async function found(w, text, id) {
  await w.page.getByLabel('Search events').fill(text);
  await w.page.keyboard.press('Enter');
  await until(
    async () => (await w.page.locator(ROW).count()) === 1 && (await w.page.locator(ROW).innerText()).includes(id),
    `one row with ${id} for ${text}`,
  );
}

// No markup became an element, and nothing ran.
async function harmless(w) {
  check(
    (await w.page.locator('main img, main script, main b:not([class])').filter({ hasText: 'bold' }).count()) === 0,
    'markup is text',
  );
  check((await w.page.locator('main img, main script').count()) === 0, 'no image and no script came of a text');
  check(!/^(run|broken in)$/.test(await w.page.title()), 'nothing ran');
}

async function postEvent(given, event) {
  const answer = await fetch(`${given.url}/v1/projects/${given.project}/events`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${given.key}` },
    body: JSON.stringify(event),
  });
  check(answer.status === 202, `the event was taken: ${answer.status}`);
}

async function search(w, given) {
  await w.follow('Events');
  await w.page.locator(ROW).first().waitFor();
  await found(w, 'm-7001', 'm-7001');
  await found(w, '46710007002', 'm-7002');
  await found(w, 'e-first', 'm-7001');
  check(new URL(w.page.url()).hash.includes('q=e-first'), 'what was looked for stands in the address');
  await w.page.getByLabel('Search events').fill('nobody-has-this');
  await w.page.getByText('Nothing has the message id').waitFor();
  await w.page.getByLabel('Search events').fill('');
  await w.page.getByRole('combobox', { name: 'State' }).selectOption('failed');
  await until(
    async () =>
      (await w.page.locator(ROW).count()) >= 1 && !(await w.page.locator('tbody').innerText()).includes('m-7001'),
    'only what failed',
  );
  await w.page.getByRole('combobox', { name: 'State' }).selectOption('');
  await w.page.getByRole('combobox', { name: 'Time' }).selectOption('3600');
  await w.page.getByRole('row', { name: /m-7001/ }).waitFor();
  await harmless(w);
  await w.shot('events');
}

async function live(w, given) {
  await w.page.getByLabel('Follow').check();
  await w.page.getByText('live', { exact: true }).waitFor();
  await postEvent(given, {
    type: 'send_status',
    id: 'e-live',
    message: { id: 'm-live', status: 'delivered', to_number: '46710007003' },
  });
  await until(
    async () => (await w.page.locator(ROW).first().innerText()).includes('m-live'),
    'the new event is on top',
  );
  await w.page.locator(ROW).first().getByRole('link').focus();
  await postEvent(given, {
    type: 'send_status',
    id: 'e-live-2',
    message: { id: 'm-live-2', status: 'delivered', to_number: '46710007003' },
  });
  await w.page.getByRole('button', { name: '1 new' }).click();
  await until(
    async () => (await w.page.locator(ROW).first().innerText()).includes('m-live-2'),
    'what was held back came in',
  );
  await w.page.getByLabel('Follow').uncheck();
}

async function life(w) {
  await w.page.getByLabel('Search events').fill('m-7001');
  await w.page
    .getByRole('row', { name: /m-7001/ })
    .getByRole('link')
    .first()
    .click();
  await w.heading('Message m-7001');
  const line = w.page.getByRole('list', { name: 'What happened, from first to last' });
  await line.getByText('attempt 2').waitFor();
  check(
    (await line.getByRole('link', { name: /^attempt/ }).allInnerTexts()).join() === 'attempt 1,attempt 2',
    'both attempts, in their order',
  );
  check((await line.innerText()).includes('503'), 'the code of the first');
  await line.locator('summary', { hasText: 'Request and answer' }).first().click();
  const first = line.locator('.exchange').first();
  await first.getByText('"text": "Parcel <img src=x').waitFor();
  await first.getByText('<h1>down</h1><img src=x').waitFor();
  for (const summary of await first.locator('summary').all()) await summary.click();
  await first.getByText('<script>1</script>').waitFor();
  await first.getByText('<b>bold</b>').waitFor();
  await first.getByRole('tab', { name: 'Hex' }).first().click();
  await first.getByText('000000  7b').waitFor();
  await line.locator('summary', { hasText: 'Request and answer' }).nth(1).click();
  await line.locator('.exchange').nth(1).getByText('000000  ff 00 62 69 6e').waitFor(); // what is no text shows as bytes at once
  await harmless(w);
  await w.shot('event');
  await line.getByRole('link', { name: 'attempt 1' }).click();
  await w.heading('Attempt 1 at twice');
  await w.page.getByText('e-first').first().waitFor();
  await harmless(w);
  await w.shot('attempt');
}

async function evilId(w, given) {
  await w.go('/events');
  await w.heading('Events');
  await w.page
    .getByRole('row', { name: given.evil_id.slice(2) })
    .getByRole('link')
    .first()
    .click();
  await w.page.getByRole('heading', { level: 1, name: given.evil_id.slice(2) }).waitFor();
  await w.page.getByText(given.evil_id, { exact: true }).first().waitFor();
  await harmless(w);
}

async function dead(w) {
  await w.follow('Dead letters');
  const row = w.page.getByRole('row', { name: /e-dead / });
  await row.waitFor();
  await w.shot('dead');
  await row.getByRole('checkbox').check();
  await w.page.getByRole('button', { name: 'Send again' }).click();
  await w.page.getByRole('button', { name: 'Send 1 again' }).click();
  await w.page.getByText('1 delivered').waitFor();
  await w.shot('dead-sent', { full: false });
  await w.page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await until(
    async () => (await w.page.getByRole('row', { name: /e-dead / }).count()) === 0,
    'the dead letter is none any more',
  );
}

async function deadOfEndpoint(w) {
  await w.page.getByRole('button', { name: 'All of an endpoint …' }).click();
  const dialog = w.page.getByRole('dialog');
  await dialog.getByLabel('Endpoint').selectOption({ label: 'post / later' });
  await dialog.getByRole('button', { name: 'Count' }).click();
  await dialog.getByText('1 event that failed for good will be sent again').waitFor();
  await dialog.getByRole('button', { name: 'Send 1 again' }).click();
  await dialog.getByText('1 event is on the way again').waitFor();
  await dialog.getByRole('button', { name: 'Close' }).last().click();
  await harmless(w);
}

async function refused(w) {
  const body = w.page.getByLabel('Body', { exact: true });
  await body.fill('{"å":"{STATUS}",\n "id":{IDD}}');
  await w.page.getByText('{IDD} is no metric').waitFor();
  await w.page.getByRole('button', { name: 'line 2, column 7' }).waitFor();
  check((await body.getAttribute('aria-invalid')) === 'true', 'the field says that it is wrong');
  check((await w.page.locator('.editor-layer .fault').innerText()) === '{IDD}', 'the placeholder is what is marked');
  check(await w.page.evaluate(() => document.activeElement.tagName === 'TEXTAREA'), 'the caret stays where one types');
  await w.shot('template-fault');
}

async function editor(w, given) {
  await w.go(`/templates?project=${given.project}&endpoint=tried&event=e-first`);
  await w.heading('Template editor');
  await w.page.getByText('renders').waitFor();
  await w.page.getByText('The endpoint’s filters leave this out').waitFor();
  await w.expecting(/422/, () => refused(w));
  const begin = Date.now();
  await w.page.getByLabel('Body', { exact: true }).fill('{"real":"for-real","id":{ID},"text":"{CONTENT}"}');
  const request = w.page.locator('.preview .request');
  await request.getByText('"real": "for-real"').waitFor();
  const took = Date.now() - begin;
  await request.getByText('"text": "Parcel <img src=x').waitFor();
  check((await w.page.locator('.editor-fault:visible').count()) === 0, 'no fault is left');
  await placeholder(w);
  await w.page.getByRole('button', { name: 'Add a header' }).click();
  await w.page.getByLabel('Name of the header').last().fill('X-Saved');
  await w.page.getByLabel('Value of the header').last().fill('{ID}');
  await w.page.getByText('not saved', { exact: true }).waitFor();
  await harmless(w);
  await w.shot('template');
  await w.page.getByRole('button', { name: 'Send it for real' }).click();
  await w.page.getByRole('button', { name: 'Send', exact: true }).click();
  await w.page.getByRole('dialog', { name: 'What came back' }).getByText('ok').first().waitFor();
  await w.shot('template-sent', { full: false });
  await w.page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await w.page.getByRole('button', { name: 'Save' }).click();
  await w.page.getByText('Endpoint tried is saved').waitFor();
  return took;
}

async function placeholder(w) {
  await w.page.getByText('Placeholders: click to insert').click();
  await w.page.locator('.placeholder-lists').getByText('46710007001').first().waitFor(); // what it is for this event
  await w.page.getByLabel('Body', { exact: true }).fill('{"real":"for-real","to":""}');
  await w.page.evaluate(() => document.activeElement.setSelectionRange(25, 25));
  await w.page.getByRole('button', { name: '{RECIPIENT}', exact: true }).click();
  check(
    (await w.page.getByLabel('Body', { exact: true }).inputValue()) === '{"real":"for-real","to":"{RECIPIENT}"}',
    'it went where the caret was',
  );
  await w.page.locator('.preview .request').getByText('"to": "46710007001"').waitFor();
}

async function presets(w) {
  await w.page.getByRole('combobox', { name: 'Preset' }).selectOption('vonage-dlr');
  await w.page.getByText('changes what is in the fields').waitFor();
  await w.page.locator('.preview .request').getByText('=', { exact: false }).first().waitFor();
  check((await w.page.getByRole('group', { name: 'Parameters' }).count()) === 1, 'the preset sends parameters');
  await w.shot('template-preset');
  await w.page.getByRole('button', { name: 'Undo' }).click();
  check((await w.page.getByLabel('Body', { exact: true }).inputValue()).includes('for-real'), 'it is as before');
}

async function small(w, given, name) {
  const pages = [
    ['events', '/events', 'Events'],
    ['event', `/events/${given.project}/e-first`, 'Message m-7001'],
    ['dead', '/dead', 'Dead letters'],
    ['template', `/templates?project=${given.project}&endpoint=twice&event=e-first`, 'Template editor'],
  ];
  for (const [word, route, heading] of pages) {
    await w.go(route);
    await w.heading(heading);
    await w.page.waitForLoadState('networkidle');
    check((await w.overflow()) <= 0, `${heading} is no wider than the window`);
    await w.shot(`${word}-${name}`, { full: name !== 'phone' });
  }
}

// A link that only reads: everything of its project is shown, nothing of another, and there is no button that would be refused.
async function reader(w, given) {
  await w.page.goto(`${given.url}/#link=${given.token}`);
  await w.page.locator('nav.nav').waitFor();
  for (const [route, heading] of [
    [`/events/${given.project}/e-first`, 'Message m-7001'],
    ['/dead', 'Dead letters'],
    ['/templates?endpoint=twice', 'Template editor'],
  ]) {
    await w.go(route);
    await w.heading(heading);
    check(
      (await w.page.getByRole('button', { name: /^(Send again|Save|Send it for real|All of an endpoint)/ }).count()) ===
        0,
      `nothing to change on ${heading}`,
    );
  }
  await w.page.getByText('renders').waitFor();
  await w.expecting(/404/, async () => {
    await w.go('/events/shop/e-first');
    await w.heading('Not found');
  });
}

walk(async ({ given, open, step }) => {
  const w = await open();
  let render_ms = null;
  await step('log in', () => w.login());
  await step('search', () => search(w, given));
  await step('follow', () => live(w, given));
  await step('a message’s life', () => life(w));
  await step('an id that is markup', () => evilId(w, given));
  await step('a dead letter sent again', () => dead(w));
  await step('all dead letters of an endpoint', () => deadOfEndpoint(w));
  await step('the template editor', async () => {
    render_ms = await editor(w, given);
  });
  await step('presets', () => presets(w));
  const phone = await open({ size: PHONE });
  await step('on a phone', async () => {
    await phone.login();
    await phone.follow('Events');
    await phone.page.getByRole('button', { name: 'Filters' }).click();
    await phone.page.getByRole('combobox', { name: 'State' }).selectOption('failed');
    await small(phone, given, 'phone');
  });
  const dark = await open({ dark: true });
  await step('in the dark', async () => {
    await dark.login();
    await small(dark, given, 'dark');
  });
  const guest = await open();
  await step('by a link that only reads', () => reader(guest, given));
  return { render_ms };
});
