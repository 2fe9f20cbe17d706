// Contacts: found by name or number, made by hand or from lines.

import { api, merged, ownerPath, project } from './lib-api.js';
import { number } from './lib-format.js';
import {
  badge,
  button,
  dialog,
  errorBox,
  field,
  form,
  h,
  page,
  picker,
  searchBox,
  table,
  timeAgo,
  toast,
} from './lib-ui.js';
import {
  enc,
  filterBar,
  forget,
  inProject,
  listAll,
  namedChips,
  projectColumn,
  roomy,
  writers,
} from './lib-messaging.js';

export const title = 'Contacts';

const LINES_MAX = 200; // the API's

// --- the list ---

function wanted({ q, group_id, send_blocked, status }) {
  const filters = { group_id, send_blocked, conversation_status: status };
  if (!q) return filters;
  return { ...filters, [/^\+?[\d\s()-]+$/.test(q) ? 'phone_number[prefix]' : 'name[prefix]']: q };
}

function talk(c) {
  if (c.send_blocked) return badge('blocked', 'bad', 'off');
  return badge(c.conversation_status || 'closed', c.conversation_status === 'active' ? 'info' : 'muted', 'messages');
}

function list(now) {
  return roomy(
    table({
      caption: 'Contacts',
      empty: 'No contacts like this. A contact is made by the first message from or to its number, or by hand.',
      load: merged(null, '/contacts', wanted(now)),
      sort: 'last_message_time',
      dir: 'desc',
      rowHref: (c) => `#/contacts/${enc(c.project)}/${enc(c.id)}`,
      columns: [
        { key: 'name', label: 'Name', sort: 'name', cell: (c) => c.name || h('span', { class: 'muted' }, 'no name') },
        {
          key: 'phone_number',
          label: 'Number',
          sort: 'phone_number',
          cell: (c) => h('span', { class: 'num' }, c.phone_number || '–'),
        },
        { key: 'groups', label: 'Groups', cell: (c) => namedChips(c.project, 'groups', c.group_ids) },
        { key: 'messages', label: 'Messages', num: true, cell: (c) => number(c.message_count) },
        { key: 'status', label: 'State', cell: talk },
        ...projectColumn(),
        { key: 'last', label: 'Last message', sort: 'last_message_time', cell: (c) => timeAgo(c.last_message_time) },
      ],
    }),
  );
}

// --- making them ---

async function createDialog(ctx) {
  const pid = await inProject('New contact');
  if (!pid) return;
  const made = await dialog({
    title: 'New contact',
    body: ({ close }) =>
      form(
        [
          field({
            label: 'Number',
            name: 'phone_number',
            placeholder: '+46701234567',
            required: true,
            autocomplete: 'off',
          }),
          field({ label: 'Name', name: 'name', autocomplete: 'off' }),
        ],
        {
          label: 'Make',
          submit: async (values) =>
            close(await api.post(`${ownerPath(pid)}/contacts`, { ...values, name: values.name || undefined })),
        },
      ),
  });
  if (made) ctx.go(`#/contacts/${enc(pid)}/${enc(made.id)}`);
}

// "Anna;+4670…" and the other way round, with commas, semicolons or tabs; the part that has the digits is the number.
function readLines(text) {
  const contacts = text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
    .map((line, i) => {
      const parts = line.split(/[,;\t]/).map((part) => part.trim().replace(/^"(.*)"$/, '$1'));
      const phone_number = parts.find((part) => /^\+?[\d\s()-]{3,}$/.test(part));
      if (!phone_number) throw new Error(`line ${i + 1} has no phone number: ${line.slice(0, 60)}`);
      const name = parts.find((part) => part !== phone_number && part);
      return name ? { phone_number, name } : { phone_number };
    });
  if (!contacts.length) throw new Error('write one contact on each line');
  return contacts;
}

async function importAll(pid, contacts, group, say) {
  for (let at = 0; at < contacts.length; at += LINES_MAX) {
    await api.post(`${ownerPath(pid)}/import_contacts`, {
      contacts: contacts.slice(at, at + LINES_MAX),
      add_group_ids: group ? [group] : undefined,
    });
    say(Math.min(at + LINES_MAX, contacts.length));
  }
}

async function importDialog(done) {
  const pid = await inProject('Import contacts');
  if (!pid) return;
  const groups = await listAll(pid, 'groups');
  const count = await dialog({
    title: 'Import contacts',
    body: ({ close }) => {
      const trouble = h('div', { role: 'status' });
      return form(
        [
          field({
            label: 'One contact on each line',
            name: 'lines',
            type: 'textarea',
            rows: 8,
            required: true,
            placeholder: 'Anna Lind, +46701111111',
            mono: true,
            help: 'Name and number, in any order, with a comma, semicolon or tab between. Who is there already gets the name.',
          }),
          groups.length
            ? field({
                label: 'Put them into the group',
                name: 'group',
                type: 'select',
                options: [['', 'none'], ...groups.map((g) => [g.id, g.name])],
                value: '',
              })
            : null,
          trouble,
        ],
        {
          label: 'Import',
          submit: async (values) => {
            try {
              const contacts = readLines(values.lines);
              await importAll(pid, contacts, values.group, (n) => {
                trouble.textContent = `${n} of ${contacts.length}`;
              });
              close(contacts.length);
            } catch (e) {
              trouble.replaceChildren(errorBox(e));
            }
          },
        },
      );
    },
  });
  if (!count) return;
  forget('groups');
  toast(`${count} contacts imported`, 'ok');
  done();
}

// --- the page ---

export async function show(ctx) {
  const pid = project();
  const groups = pid ? await listAll(pid, 'groups') : [];
  const now = { q: '', group_id: '', send_blocked: '', status: '', ...ctx.query };
  const where = h('div', { class: 'table-place' });
  const draw = () => where.replaceChildren(list(now));
  const set = (name) => (value) => {
    now[name] = value;
    ctx.setQuery(now);
    draw();
  };
  const choose = (label, name, options) =>
    picker({ label, value: now[name], options: [['', 'any'], ...options], onChange: set(name) });
  draw();
  return page(
    title,
    {
      actions: writers(
        button('Import', { run: () => importDialog(draw) }),
        button('New contact', { kind: 'primary', icon: 'plus', run: () => createDialog(ctx) }),
      ),
    },
    filterBar(
      searchBox({
        label: 'Beginning of a name or number',
        placeholder: 'Name or number',
        value: now.q,
        onChange: set('q'),
      }),
      [
        groups.length
          ? choose(
              'Group',
              'group_id',
              groups.map((g) => [g.id, g.name]),
            )
          : null,
        choose('Conversation', 'status', ['active', 'handled', 'closed']),
        choose('Sending', 'send_blocked', [
          ['true', 'blocked'],
          ['false', 'allowed'],
        ]),
      ],
    ),
    where,
  );
}
