// Keys of projects, and links that open a project's console for a while.

import { api, merged, ownerPath } from './lib-api.js';
import { dateTime } from './lib-format.js';
import {
  button,
  card,
  code,
  confirm,
  copyButton,
  dialog,
  field,
  form,
  h,
  notice,
  page,
  table,
  timeAgo,
  toast,
} from './lib-ui.js';
import { enc, inProject, projectColumn } from './lib-messaging.js';

export const title = 'Keys';

const HOUR = 3600;
const LASTS = [
  [HOUR, '1 hour'],
  [8 * HOUR, '8 hours'],
  [24 * HOUR, '1 day'],
  [7 * 24 * HOUR, '7 days'],
  [30 * 24 * HOUR, '30 days'],
];

const warning = (...words) => notice('warn', h('p', null, words));

// What is shown once stands in a field of its own, so that it can be marked too.
function shownOnce(label, text) {
  const el = field({ label, name: 'secret', value: text, mono: true, autocomplete: 'off', spellcheck: false });
  el.input.readOnly = true;
  el.input.addEventListener('focus', () => el.input.select());
  return h('div', { class: 'secret' }, el, copyButton(text));
}

// --- keys ---

async function createKey(done) {
  const pid = await inProject('New key');
  if (!pid) return;
  const made = await dialog({
    title: 'New key',
    body: ({ close }) =>
      form(
        [
          field({
            label: 'Name',
            name: 'name',
            required: true,
            placeholder: 'web server',
            help: 'where it will be used, so that you know later which one to delete',
            autocomplete: 'off',
          }),
        ],
        { label: 'Make the key', submit: async (values) => close(await api.post(`${ownerPath(pid)}/keys`, values)) },
      ),
  });
  if (!made) return;
  done();
  await dialog({
    title: `The key “${made.name}”`,
    body: h(
      'div',
      null,
      warning(
        'Copy it now: it is shown this once, and postrider keeps no copy that could be shown again. Whoever has it can do everything in this project.',
      ),
      shownOnce('Key', made.key),
    ),
    actions: [{ label: 'I have it', kind: 'primary' }],
  });
}

async function deleteKey(k, done) {
  if (
    !(await confirm('Programs that use it are refused from this moment on.', {
      danger: true,
      label: 'Delete',
      title: `Delete the key ${k.name || k.id}?`,
    }))
  )
    return;
  await api.delete(`${ownerPath(k.project)}/keys/${enc(k.id)}`);
  toast('Deleted', 'ok');
  done();
}

function keysCard() {
  const again = () => list.reload();
  const list = table({
    caption: 'Keys',
    empty: 'No keys yet. A program sends events and messages with a key of its project.',
    load: merged(null, '/keys'),
    columns: [
      { key: 'name', label: 'Name', cell: (k) => k.name || k.id },
      { key: 'id', label: 'Id', cell: (k) => h('code', null, k.id) },
      ...projectColumn(),
      { key: 'time_created', label: 'Made', cell: (k) => timeAgo(k.time_created) },
      {
        key: 'do',
        label: 'Delete',
        cell: (k) =>
          button(`Delete ${k.name || k.id}`, {
            icon: 'trash',
            iconOnly: true,
            small: true,
            run: () => deleteKey(k, again),
          }),
      },
    ],
  });
  return card(
    {
      title: 'Keys of projects',
      sub: 'With such a key a program does everything in its project, and sees no other.',
      actions: [button('New key', { kind: 'primary', icon: 'plus', run: () => createKey(again) })],
    },
    list,
  );
}

// --- links ---

const frame = (url) =>
  `<iframe src="${url}" title="postrider" width="100%" height="800" referrerpolicy="no-referrer"></iframe>`;

async function createLink() {
  const pid = await inProject('New link');
  if (!pid) return;
  const made = await dialog({
    title: 'New portal link',
    body: ({ close }) =>
      form(
        [
          field({ label: 'Lasts', name: 'expires_s', type: 'select', options: LASTS, value: 24 * HOUR }),
          field({ label: 'May change things', name: 'write', type: 'checkbox', help: 'otherwise it only looks' }),
          field({
            label: 'For whom',
            name: 'name',
            placeholder: 'Anna at Acme',
            autocomplete: 'off',
            help: 'only a note',
          }),
        ],
        {
          label: 'Make the link',
          submit: async (v) => {
            const body = { expires_s: Number(v.expires_s), write: v.write, name: v.name || undefined };
            close(await api.post(`${ownerPath(pid)}/portal_links`, body));
          },
        },
      ),
  });
  if (!made) return;
  await dialog({
    title: 'The link',
    wide: true,
    body: h(
      'div',
      null,
      warning(
        `Whoever has it ${made.write ? 'can change things in' : 'can look at'} the project ${pid} until ${dateTime(made.time_expires)}, without a login. ` +
          'It is shown this once.',
      ),
      shownOnce('Link', made.url),
      h(
        'details',
        null,
        h('summary', null, 'Put it into a page of yours'),
        h('p', null, 'The setting ', h('code', null, 'portal_frame_ancestors'), ' has to name the page’s origin.'),
        code(frame(made.url), { label: 'Markup for a frame' }),
        copyButton(frame(made.url), 'Copy the markup'),
      ),
    ),
    actions: [{ label: 'I have it', kind: 'primary' }],
  });
}

async function endLinks() {
  const pid = await inProject('End all links');
  const text = 'Everybody who came by one is logged out, and the links lead nowhere.';
  if (!pid || !(await confirm(text, { danger: true, label: 'End them', title: `End all links of ${pid}?` }))) return;
  await api.delete(`${ownerPath(pid)}/portal_links`);
  toast('All links of the project have ended', 'ok');
}

function linksCard() {
  return card(
    {
      title: 'Portal links',
      sub: 'A link opens this console for one project, without a login, until it ends.',
      actions: [
        button('End all links', { kind: 'danger', run: endLinks }),
        button('New link', { icon: 'plus', run: createLink }),
      ],
    },
    h(
      'p',
      null,
      'For a customer who shall see how the deliveries go, or mend them: nothing of other projects is there, and no keys.',
    ),
  );
}

export async function show() {
  return page(title, {}, keysCard(), linksCard());
}
