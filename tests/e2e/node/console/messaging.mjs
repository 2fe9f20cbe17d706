// The messaging side by hand, keys, projects and settings. given.part says which walk (test_console_messaging.py has one for each).

import { check, DESKTOP, PHONE, until, walk } from './browser.mjs';

// Logged in, with the test's project chosen.
async function enter(open, given, options) {
  const w = await open(options);
  await w.login();
  await w.page.evaluate((pid) => sessionStorage.setItem('postrider.project', pid), given.pid);
  await w.page.reload();
  await w.page.locator('nav.nav').waitFor({ state: 'attached' });
  return w;
}

const button = (page, name) => page.getByRole('button', { name, exact: true });
const link = (page, name) => page.getByRole('link', { name, exact: true });
const dialog = (page) => page.locator('dialog[open]');
const toast = (page, words) => page.locator('.toast', { hasText: words }).first().waitFor();

async function inDialog(page, name, act) {
  const one = page.getByRole('dialog', { name });
  await one.waitFor();
  await act(one);
  await one.waitFor({ state: 'detached' });
}

// --- hands ---

async function send(w) {
  const { page } = w;
  await w.follow('Messages');
  await button(page, 'Send a message').click();
  await inDialog(page, 'Send a message', async (d) => {
    await d.getByText('Numbers for trying').click();
    await button(d, '+15005550013').click();
    await d.getByLabel('Text').fill('Is it there?');
    await w.shot('messaging-send', { full: false });
    await button(d, 'Send').click();
  });
  await w.heading('Message to +15005550013');
  const steps = page.getByRole('list', { name: 'Status history' });
  for (const word of ['queued', 'sent', 'not delivered']) await steps.getByText(word, { exact: true }).waitFor();
  await page.getByText('Example delivery failure message.').first().waitFor();
}

async function change(w, given) {
  const { page } = w;
  await w.follow('Messages');
  await page.getByLabel('Way').selectOption('incoming');
  await page.getByText(`Are you open? ${given.markup}`).click();
  await w.heading('Message from +46701111111');
  await button(page, 'Star this message').click();
  await button(page, 'Starred: take the star away').waitFor();
  await page.getByLabel(/^Add/).selectOption({ label: 'Urgent' });
  await button(page, 'Take the label Urgent off').waitFor();
  await button(page, 'Add a variable').click();
  await page.getByLabel('Variable', { exact: true }).fill('order');
  await page.getByLabel('Value', { exact: true }).fill('17');
  await button(page, 'Save variables').click();
  await page.getByLabel('Value of order').waitFor();
  await w.shot('messaging-message');
}

async function contact(w, given) {
  const { page } = w;
  await w.follow('Contacts');
  await link(page, given.markup).click();
  await w.heading(given.markup);
  await page.getByLabel('Name', { exact: true }).fill('Anna Lind');
  for (const [name, value] of [
    ['city', 'Umeå'],
    ['age', '41'],
  ]) {
    await button(page, 'Add a variable').click();
    await page.getByLabel('Variable', { exact: true }).last().fill(name);
    await page.getByRole('textbox', { name: 'Value', exact: true }).last().fill(value);
  }
  await button(page, 'Save').click();
  await w.heading('Anna Lind');
  await button(page, 'New group').click();
  await inDialog(page, 'New group', async (d) => {
    await d.getByLabel('Name').fill('Friends');
    await button(d, 'Make and add').click();
  });
  await button(page, 'Take out of Friends').waitFor();
}

async function reply(w) {
  const { page } = w;
  const talk = page.getByRole('log', { name: 'Conversation' });
  await page.getByLabel('Reply').fill('Yes, until five');
  await page.keyboard.press('Control+Enter');
  await talk.getByText('Yes, until five').waitFor();
  await talk.locator('.bubble', { hasText: 'Yes, until five' }).getByText('sent', { exact: true }).waitFor();
  await w.shot('messaging-contact');
}

async function block(w) {
  const { page } = w;
  await button(page, 'Block sending').click();
  await page.getByText('Sending to this contact is blocked.').waitFor();
  check((await page.getByLabel('Reply').count()) === 0, 'there is no box to answer in');
  await button(page, 'Allow sending').click();
  await page.getByLabel('Reply').waitFor();
}

async function groups(w) {
  const { page } = w;
  await w.follow('Contacts');
  await button(page, 'Import').click();
  await inDialog(page, 'Import contacts', async (d) => {
    await d.getByLabel('One contact on each line').fill('nobody\nBo Ek; +46702222222');
    await button(d, 'Import').click();
    await d.getByText('line 1 has no phone number: nobody').waitFor();
    await d.getByLabel('One contact on each line').fill('Bo Ek; +46702222222\n+46703333333\tEva Holm');
    await d.getByLabel('Put them into the group').selectOption({ label: 'Friends' });
    await button(d, 'Import').click();
  });
  await link(page, 'Eva Holm').waitFor();
  await page.getByLabel('Beginning of a name or number').fill('bo');
  await link(page, 'Eva Holm').waitFor({ state: 'detached' });
  await w.follow('Groups');
  await page.getByRole('row', { name: /Friends 3/ }).waitFor();
  await button(page, 'Rename Friends').click();
  await inDialog(page, 'Rename Friends', async (d) => {
    await d.getByLabel('Name').fill('Good friends');
    await button(d, 'Save').click();
  });
  await link(page, 'Good friends').waitFor();
}

async function broadcast(w) {
  const { page } = w;
  await button(page, 'Broadcast').click();
  await inDialog(page, 'New broadcast', async (d) => {
    await d.getByLabel('Title').fill('Monday');
    await d.getByLabel('Text').fill('Hi [[contact.name]]');
    await d.getByLabel('Fill in variables').check();
    await button(d, 'Send to all of them').click();
  });
  await w.heading('Monday');
  await page.getByText('3 of 3').waitFor();
  await page.getByText('complete', { exact: true }).waitFor();
  await link(page, 'Hi Eva Holm').waitFor();
  await w.shot('messaging-broadcast');
}

async function labels(w) {
  const { page } = w;
  await w.follow('Labels');
  await page.getByRole('row', { name: /Urgent 1/ }).waitFor();
  await button(page, 'New label').click();
  await inDialog(page, 'New label', async (d) => {
    await d.getByLabel('Name').fill('Old');
    await button(d, 'Make').click();
  });
  await button(page, 'Delete Old').click();
  await inDialog(page, 'Delete the label Old?', (d) => button(d, 'Delete').click());
  await link(page, 'Old').waitFor({ state: 'detached' });
  await link(page, 'Urgent').click();
  await page.getByText('Are you open?').waitFor();
}

// By a number, a name, an id, words; and one that goes away.
async function search(w) {
  const { page } = w;
  await w.follow('Messages');
  const box = page.getByLabel('Number, contact, words or message id');
  await box.fill('0702222222');
  await page.getByText('Hi Bo Ek').waitFor();
  await page.getByText('Is it there?').waitFor({ state: 'detached' });
  await box.fill('Eva');
  await page.getByText('Hi Eva Holm').waitFor();
  await box.fill('Is it');
  await page.getByText('Is it there?').click();
  await w.heading('Message to +15005550013');
  const id = new URL(page.url()).hash.split('/').pop();
  await w.follow('Messages');
  await box.fill(id);
  await page.getByText('Hi Eva Holm').waitFor({ state: 'detached' });
  await page.getByText('Is it there?').click();
  await button(page, 'Delete').click();
  await inDialog(page, 'Delete this message?', (d) => button(d, 'Delete').click());
  await w.heading('Messages');
  await page.getByText('Hi Eva Holm').waitFor();
  check((await page.getByText('Is it there?').count()) === 0, 'the message is gone');
}

async function hands({ given, open, step }) {
  const w = await enter(open, given);
  await step('a message over the test route, its statuses as they come', () => send(w));
  await step('star, label, variable', () => change(w, given));
  await step('a contact has another name, variables, a group', () => contact(w, given));
  await step('a reply', () => reply(w));
  await step('block and allow', () => block(w));
  await step('import, find, rename a group', () => groups(w));
  await step('a broadcast to the group', () => broadcast(w));
  await step('labels', () => labels(w));
  await step('search and delete', () => search(w));
}

// --- services ---

const order = (page) => page.locator('.service-words a').allInnerTexts();
const isOrder = (page, names) => until(async () => (await order(page)).join() === names, `the order is ${names}`);

async function drag(w) {
  const { page } = w;
  await w.follow('Services');
  await isOrder(page, 'First,Second,Third,Always');
  const row = (name) => page.locator('.reorder-row', { hasText: name });
  const from = await row('First').locator('.handle').boundingBox();
  const to = await row('Third').boundingBox();
  const x = from.x + from.width / 2;
  await page.mouse.move(x, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(x, from.y + 60, { steps: 4 });
  await w.shot('messaging-drag', { full: false });
  await page.mouse.move(x, to.y + to.height - 4, { steps: 6 });
  await page.mouse.up();
  await page.getByText('First is now 3 of 4. Saved').waitFor();
  await isOrder(page, 'Second,Third,First,Always');
  await page.reload();
  await w.heading('Services');
  await isOrder(page, 'Second,Third,First,Always');
}

async function keyboard(w) {
  const { page } = w;
  const said = page.locator('[role=status][aria-live=assertive]');
  await page.getByRole('button', { name: /^Move Always, now 4 of 4/ }).focus();
  await page.keyboard.press('ArrowUp');
  await until(async () => (await said.innerText()) === 'Always is now 3 of 4. Saved', 'it is said');
  check(
    await page.evaluate(() => document.activeElement.getAttribute('aria-label').startsWith('Move Always, now 3 of 4')),
    'the handle has the focus still',
  );
  await isOrder(page, 'Second,Third,Always,First');
  await link(page, 'Third').focus();
  await page.keyboard.press('Alt+ArrowUp');
  await isOrder(page, 'Third,Second,Always,First');
  await button(page, 'Move down Third').click();
  await isOrder(page, 'Second,Third,Always,First');
  await page.getByText('Third is now 2 of 4. Saved').waitFor();
  await page.getByRole('switch', { name: 'Third is active' }).click();
  await until(
    async () => (await page.getByRole('switch', { name: 'Third is active' }).getAttribute('aria-checked')) === 'false',
    'Third is off',
  );
  await w.follow('Overview');
  await w.follow('Services');
  await isOrder(page, 'Second,Third,Always,First');
  await w.shot('messaging-services');
}

async function rules(w) {
  const { page } = w;
  await link(page, 'Second').click();
  await w.heading('Second');
  await page.getByText('Reply “Second”').or(page.getByText('Reply Second')).first().waitFor();
  await page.getByRole('tab', { name: 'Edit' }).click();
  const panel = page.getByRole('tabpanel');
  await panel.getByLabel('Text').fill('');
  await button(panel, 'Save').click();
  await panel.getByText('is empty; write a text').waitFor();
  check((await panel.getByLabel('Text').getAttribute('aria-invalid')) === 'true', 'the fault is at its field');
  await panel.getByLabel('Text').fill('Second of all');
  await panel.getByLabel('Action to add').selectOption('if');
  await button(panel, 'Add this action').click();
  await panel.getByLabel('With').fill('join');
  await button(panel, 'Add another condition').click();
  await panel.getByLabel('Compare').last().fill('[[contact.name]]');
  await panel.getByLabel('How', { exact: true }).last().selectOption('exists');
  await panel.getByLabel('Action to add').first().selectOption('add_group');
  await button(panel, 'Add this action').first().click();
  await button(panel, 'Save').click();
  await panel.getByText('is empty; write a text').waitFor();
  await panel.getByLabel('Group (name or id)').fill('Members');
  await w.shot('messaging-rules');
  await button(panel, 'Save').click();
  await toast(page, 'Saved');
  await page
    .getByText(/If .*join/)
    .first()
    .waitFor();
}

async function byHand(w) {
  const { page } = w;
  await page.getByLabel('Number or id').fill('+46705555555');
  await button(page, 'Run it').click();
  await page.getByText('It sent a message:').waitFor();
  await page.locator('.run-result .bubble', { hasText: 'Second of all' }).waitFor();
}

async function logs(w, given) {
  const { page } = w;
  await w.follow('Service logs');
  await page.getByText(`wrote ${given.markup}`).waitFor();
  await button(page, 'Show all of this entry').first().click();
  await inDialog(page, 'Service log', (d) => button(d, 'Close').click());
  await page.getByLabel('Errors').selectOption('true');
  await page.getByText('Nothing in the log.').waitFor();
}

async function kinds(w) {
  const { page } = w;
  await w.follow('Services');
  await button(page, 'New service').click();
  await inDialog(page, 'New service', async (d) => {
    await d.getByLabel('Name').fill('Script');
    await d.getByLabel('URL').fill('ftp://nowhere');
    await button(d, 'Make').click();
    await d.locator('.field-error', { hasText: 'http' }).waitFor();
    await d.getByLabel('URL').fill('https://script.example/hook');
    await d.getByLabel('Secret').fill('geheim');
    await button(d, 'Make').click();
  });
  await w.heading('Script');
  check((await page.getByLabel('Secret').inputValue()) === '***', 'the secret is masked');
  await page.getByLabel('Time limit, ms').fill('5000');
  await button(page.getByRole('tabpanel'), 'Save').click();
  await toast(page, 'Saved');
  await button(page, 'Delete').click();
  await inDialog(page, 'Delete the service Script?', (d) => button(d, 'Delete').click());
  await w.heading('Services');
}

async function services({ given, open, step }) {
  const w = await enter(open, given);
  await step('the order by drag', () => drag(w));
  await step('the order by keyboard, and a switch', () => keyboard(w));
  await step('rules, with faults at their field', () => w.expecting(/status of 400/, () => rules(w)));
  await step('run by hand', () => byHand(w));
  await step('the log', () => logs(w, given));
  await step('a webhook is made, changed, deleted', () => w.expecting(/status of 400/, () => kinds(w)));
}

// --- administration ---

async function makeKey(w) {
  const { page } = w;
  await w.follow('Keys');
  await button(page, 'New key').click();
  let key;
  await inDialog(page, 'New key', async (d) => {
    await d.getByLabel('Name').fill('web server');
    await button(d, 'Make the key').click();
  });
  await inDialog(page, 'The key “web server”', async (d) => {
    key = await d.getByLabel('Key').inputValue();
    await d.getByText('it is shown this once').waitFor();
    await w.shot('messaging-key', { full: false });
    await button(d, 'I have it').click();
  });
  await page.getByRole('row', { name: /web server/ }).waitFor();
  check(!(await page.content()).includes(key), 'the key is nowhere in the page any more');
  return key;
}

async function makeLink(w) {
  const { page } = w;
  await button(page, 'New link').click();
  let url;
  await inDialog(page, 'New portal link', async (d) => {
    await d.getByLabel('Lasts').selectOption({ label: '1 hour' });
    await button(d, 'Make the link').click();
  });
  await inDialog(page, 'The link', async (d) => {
    url = await d.getByLabel('Link', { exact: true }).inputValue();
    await d.getByText('Put it into a page of yours').click();
    await d.getByText('<iframe src=').waitFor();
    await button(d, 'I have it').click();
  });
  return url;
}

async function openLink(open, given, url) {
  const guest = await open();
  await guest.page.goto(url);
  await guest.heading('Overview');
  check(await guest.page.getByText('Front desk').first().isVisible(), 'the project is named');
  await guest.follow('Contacts');
  await link(guest.page, given.markup).waitFor();
  check((await guest.page.getByRole('button', { name: 'New contact' }).count()) === 0, 'it only looks');
  for (const name of ['Keys', 'Projects', 'Settings'])
    check((await link(guest.page, name).count()) === 0, `there is no ${name}`);
  check(!(await guest.page.content()).includes('Shop'), 'nothing of another project');
  await guest.expecting(/404/, async () => {
    await guest.go('/messages/shop/SM0000000000000000000000');
    await guest.heading('Not found');
  });
  return guest;
}

async function endLinks(w, guest) {
  const { page } = w;
  await button(page, 'End all links').click();
  await inDialog(page, /^End all links of/, (d) => button(d, 'End them').click());
  await toast(page, 'All links of the project have ended');
  await guest.expecting(/401/, async () => {
    await guest.go('/groups');
    await guest.heading('This link cannot be used');
  });
  await guest.close();
}

async function projects(w) {
  const { page } = w;
  await w.follow('Projects');
  await button(page, 'New project').click();
  await inDialog(page, 'New project', async (d) => {
    await d.getByLabel('Id').fill('shop');
    await button(d, 'Make').click();
    await d.getByText('there is a project with this id already').waitFor();
    await d.getByLabel('Id').fill('made');
    await d.getByLabel('Name').fill('Made');
    await button(d, 'Make').click();
  });
  await button(page, 'Change made').click();
  await inDialog(page, 'The project made', async (d) => {
    await d.getByLabel('Name').fill('Made here');
    await d.getByLabel('Mails about failures go to').fill('ops@example.org');
    await d.getByLabel('Time zone').fill('Europe/Nowhere');
    await button(d, 'Save').click();
    await d.locator('.field-error').filter({ hasText: /./ }).waitFor();
    await d.getByLabel('Time zone').fill('Europe/Stockholm');
    await button(d, 'Save').click();
  });
  await page.getByRole('row', { name: /Made here/ }).waitFor();
  await button(page, 'New project').click();
  await inDialog(page, 'New project', async (d) => {
    await d.getByLabel('Id').fill('gone');
    await button(d, 'Make').click();
  });
  await button(page, 'Delete gone').click();
  await inDialog(page, 'Delete gone?', async (d) => {
    check(await button(d, 'Delete the project').isDisabled(), 'it has to be typed first');
    await d.getByLabel('Type gone to confirm').fill('gone');
    await button(d, 'Delete the project').click();
  });
  await button(page, 'Delete gone').waitFor({ state: 'detached' });
  await page.getByLabel('Find a project').fill('made');
  await page.getByRole('row', { name: /Front desk/ }).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /Made here/ }).waitFor();
  await w.shot('messaging-projects');
}

async function settings(w, given) {
  const { page } = w;
  await w.follow('Settings');
  await page.getByLabel('Find a setting').fill('admin_key');
  await page.getByRole('row', { name: /^listen / }).waitFor({ state: 'detached' });
  await page.getByRole('row', { name: /^admin_key \*\*\*/ }).waitFor();
  check(!(await page.content()).includes(given.key), 'the key is nowhere in the page');
  check(
    (await link(page, '/metrics').count()) === 1 && (await link(page, '/v1/openapi.json').count()) === 1,
    'links to numbers and calls',
  );
}

async function phones(w, given) {
  const { page } = w;
  await w.follow('Phones');
  await button(page, 'New phone').click();
  await inDialog(page, 'New phone', async (d) => {
    await d.getByLabel('Id').fill('gate');
    await d.getByLabel('Name').fill('Gate');
    await d.getByLabel('Type').selectOption('http');
    await button(d, 'Make').click();
    await d.locator('.field-error').filter({ hasText: /./ }).or(d.locator('.notice.is-bad')).first().waitFor();
    await d
      .getByLabel('Gateway')
      .fill(
        JSON.stringify({
          url: `${given.url}/sms`,
          content_type: 'json',
          secret: 'geheim',
          body: '{"to":"{message.to_number}"}',
        }),
      );
    await button(d, 'Make').click();
  });
  await w.heading('Gate');
  check(
    !(await page.content()).includes('geheim') &&
      (await page.getByLabel('Gateway', { exact: true }).inputValue()).includes('"***"'),
    'the secret is masked',
  );
  await button(page, 'Pause sending').click();
  await page.getByText('paused', { exact: true }).waitFor();
  await button(page, 'Delete').click();
  await inDialog(page, 'Delete the phone Gate?', (d) => button(d, 'Delete').click());
  await w.heading('Phones');
}

async function administration({ given, open, step }) {
  const w = await enter(open, given);
  let key;
  let url;
  let guest;
  await step('a key is shown once', async () => {
    key = await makeKey(w);
  });
  await step('a link', async () => {
    url = await makeLink(w);
  });
  await step('the link elsewhere', async () => {
    guest = await openLink(open, given, url);
  });
  await step('all links end', () => endLinks(w, guest));
  await step('a gateway', () => w.expecting(/status of 4(00|22)/, () => phones(w, given)));
  await step('projects', () => w.expecting(/status of 40[04]/, () => projects(w)));
  await step('settings', () => settings(w, given));
  return { key, token: decodeURIComponent(url.split('#link=')[1]) };
}

// --- look ---

function pages({ pid, contact: c, message, broadcast: b }) {
  const of = (what, id) => `/${what}/${pid}/${id}`;
  return {
    messages: ['/messages', 'Messages'],
    message: [of('messages', message), /^Message from/],
    contacts: ['/contacts', 'Contacts'],
    contact: [of('contacts', c), null],
    groups: ['/groups', 'Groups'],
    labels: ['/labels', 'Labels'],
    services: ['/services', 'Services'],
    service: [of('services', 'loud'), null],
    'service-logs': ['/service-logs', 'Service logs'],
    phones: ['/phones', 'Phones'],
    phone: [of('phones', 'main'), 'Main'],
    broadcasts: ['/broadcasts', 'Broadcasts'],
    broadcast: [of('broadcasts', b), null],
    keys: ['/keys', 'Keys'],
    projects: ['/projects', 'Projects'],
    settings: ['/settings', 'Settings'],
  };
}

// Where what a stranger wrote stands on the page.
const HOSTILE = new Set([
  'messages',
  'message',
  'contacts',
  'contact',
  'groups',
  'labels',
  'services',
  'service',
  'service-logs',
  'broadcasts',
  'broadcast',
]);

const READABLE = [
  'main h1',
  '.muted',
  '.badge',
  '.bubble time',
  '.bubble .badge',
  '.chip',
  '.day',
  '.direction.is-incoming',
];

async function readable(w, name) {
  for (const selector of READABLE) {
    const now = await w.contrast(selector);
    check(now === null || now >= 4.5, `${name}: ${selector} has a contrast of ${now}`);
  }
}

async function onePage(w, given, name, [route, heading]) {
  const { page } = w;
  await w.go(route);
  await w.heading(heading || given.markup);
  await page.waitForFunction(() => !document.querySelector('main .spinner, main [aria-busy=true]'));
  if (HOSTILE.has(name)) await page.getByText(given.markup).first().waitFor({ state: 'attached' });
  check(
    (await page.locator('main img, main q b, main a b, main h1 b, main .bubble b, main td b').count()) === 0,
    `${name}: markup is text`,
  );
  check((await page.title()) !== 'broken in', `${name}: no script ran`);
  check((await w.overflow()) === 0, `${name} is ${await w.overflow()} px wider than the window`);
}

// In every look that is asked for: light, dark.
async function all(w, given, step, looks) {
  for (const [name, where] of Object.entries(pages(given))) {
    await step(name, async () => {
      await onePage(w, given, name, where);
      for (const [look, colorScheme] of looks) {
        await w.page.emulateMedia({ colorScheme });
        await readable(w, `${look}: ${name}`);
        await w.shot(`${look}-${name}`);
      }
    });
  }
  await w.close();
}

async function look({ given, open, step }) {
  await all(await enter(open, given, { size: DESKTOP }), given, step, [
    ['dark', 'dark'],
    ['light', 'light'],
  ]);
  await all(await enter(open, given, { size: PHONE }), given, step, [['phone', 'light']]);
  const every = await open();
  await step('all projects together', async () => {
    await every.login();
    for (const name of [
      'Messages',
      'Contacts',
      'Groups',
      'Labels',
      'Services',
      'Service logs',
      'Phones',
      'Broadcasts',
      'Keys',
    ]) {
      await every.follow(name);
      await every.page.getByRole('columnheader', { name: 'Project' }).first().waitFor({ state: 'attached' });
    }
    await every.follow('Contacts');
    await link(every.page, given.markup).first().waitFor();
    await button(every.page, 'New contact').click();
    await inDialog(every.page, 'New contact: in which project?', async (d) => {
      await d.getByLabel('Project').selectOption(given.pid);
      await button(d, 'Go on').click();
    });
    await inDialog(every.page, 'New contact', (d) => button(d, 'Close').click());
  });
}

const PARTS = { hands, services, administration, look };
walk((tools) => PARTS[tools.given.part](tools));
