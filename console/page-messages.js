// Messages, newest first: found by number, contact or id, narrowed by what they are, and sent from here.

import { api, merged, ownerPath, project, projects } from './lib-api.js';
import { button, field, form, h, dialog, page, picker, searchBox, toast } from './lib-ui.js';
import {
  enc,
  filterBar,
  inProject,
  listAll,
  messageTable,
  nameOf,
  phoneOptions,
  sendDialog,
  writers,
} from './lib-messaging.js';

export const title = 'Messages';

const STATUSES = ['queued', 'sent', 'delivered', 'not_delivered', 'failed', 'failed_queued', 'cancelled', 'received'];
const NAMES = [
  'q',
  'direction',
  'status',
  'phone_id',
  'label_id',
  'starred',
  'from',
  'to',
  'broadcast_id',
  'service_id',
  'group_id',
];
const PROJECTS_MAX = 25; // asked for one id
const CONTACTS_MAX = 5; // whose messages are shown together

const unix = (text) => (text ? Math.floor(new Date(text).getTime() / 1000) : null);

// --- what is asked for ---

function params(now) {
  const { q, from, to, ...same } = now;
  return {
    ...same,
    sort: 'time_created',
    sort_dir: 'desc',
    'time_created[min]': unix(from),
    'time_created[max]': unix(to),
  };
}

const missing = (e) => {
  if (e.code === 'not_found') return null;
  throw e;
};

// An id does not say its project: with all of them chosen it is asked of the first ones.
async function oneMessage(id) {
  const pids = project() ? [project()] : (await projects()).slice(0, PROJECTS_MAX).map((p) => p.id);
  const found = await Promise.all(
    pids.map((pid) => api.get(`${ownerPath(pid)}/messages/${enc(id)}`).then((m) => ({ ...m, project: pid }), missing)),
  );
  return { data: found.filter(Boolean), truncated: false };
}

// Whom the words mean: a number as it is written, the beginning of one, or the beginning of a name.
async function contactsFor(q) {
  const digits = /^\+?[\d\s()-]{3,}$/.test(q);
  const ways = digits ? [{ phone_number: q }, { 'phone_number[prefix]': q }] : [{ 'name[prefix]': q }];
  for (const way of ways) {
    const found = (await merged(null, '/contacts', { ...way, page_size: CONTACTS_MAX })()).data;
    if (found.length) return found.slice(0, CONTACTS_MAX);
  }
  return [];
}

// The messages of several contacts in one list: the first page of each, which is what a search is for.
async function ofContacts(contacts, asked) {
  const lists = await Promise.all(
    contacts.map((c) => merged(c.project, '/messages', { ...asked, contact_id: c.id })()),
  );
  const data = lists.flatMap((list) => list.data).sort((a, b) => b.time_created - a.time_created);
  return { data, truncated: false };
}

function loader(now, say) {
  const asked = params(now);
  let only = null; // the load of a single contact's messages goes on page by page
  return async (more) => {
    if (!now.q) return merged(null, '/messages', asked)(more);
    if (/^SM[0-9A-Za-z]{10,}$/.test(now.q)) return oneMessage(now.q);
    if (more.marker && only) return only(more);
    const contacts = await contactsFor(now.q);
    say(contacts);
    if (!contacts.length) return merged(null, '/messages', { ...asked, 'content[prefix]': now.q })(more);
    only =
      contacts.length === 1 ? merged(contacts[0].project, '/messages', { ...asked, contact_id: contacts[0].id }) : null;
    return only ? only({}) : ofContacts(contacts, asked);
  };
}

// --- filters ---

function day(label, value, onChange) {
  const input = h('input', { type: 'datetime-local', value: value || '', on: { change: () => onChange(input.value) } });
  return h('label', { class: 'picker' }, h('span', null, label), input);
}

function filters(now, set, phones, labels) {
  const choose = (label, name, options) =>
    picker({ label, value: now[name], options: [['', 'any'], ...options], onChange: (v) => set(name, v) });
  const search = searchBox({
    label: 'Number, contact, words or message id',
    placeholder: 'Number, contact, words, id',
    value: now.q,
    onChange: (v) => set('q', v),
  });
  return filterBar(search, [
    choose('Way', 'direction', [
      ['incoming', 'in'],
      ['outgoing', 'out'],
    ]),
    choose(
      'Status',
      'status',
      STATUSES.map((word) => [word, word.replaceAll('_', ' ')]),
    ),
    phones.length
      ? choose(
          'Phone',
          'phone_id',
          phones.map((p) => [p.id, nameOf(p)]),
        )
      : null,
    labels.length
      ? choose(
          'Label',
          'label_id',
          labels.map((l) => [l.id, l.name]),
        )
      : null,
    choose('Star', 'starred', [['true', 'starred']]),
    day('From', now.from, (v) => set('from', v)),
    day('Until', now.to, (v) => set('to', v)),
  ]);
}

// What came with the address and has no control here: a broadcast's, a service's, a group's messages.
function bounds(now, set) {
  const words = {
    broadcast_id: 'of the broadcast',
    service_id: 'handled by the service',
    group_id: 'of contacts in the group',
  };
  return Object.entries(words)
    .filter(([name]) => now[name])
    .map(([name, text]) =>
      h(
        'p',
        { class: 'bound' },
        `Only messages ${text} `,
        h('code', null, now[name]),
        ' ',
        button('Show all', { small: true, run: () => set(name, '') }),
      ),
    );
}

// --- a message that comes in ---

async function receiveDialog() {
  const pid = await inProject('Receive a message');
  if (!pid) return undefined;
  const phones = await listAll(pid, 'phones');
  return dialog({
    title: 'Receive a message',
    body: ({ close }) =>
      form(
        [
          h('p', { class: 'muted' }, 'As if a phone had received it: the services run, and endpoints are told.'),
          field({ label: 'From', name: 'from_number', required: true, placeholder: '+46701234567' }),
          field({
            label: 'By phone',
            name: 'phone_id',
            type: 'select',
            options: phoneOptions(phones).slice(1),
            required: true,
          }),
          field({ label: 'Text', name: 'content', type: 'textarea', required: true }),
        ],
        {
          label: 'Receive',
          submit: async (values) => close(await api.post(`${ownerPath(pid)}/messages/receive`, values)),
        },
      ),
  });
}

export async function show(ctx) {
  const pid = project();
  const [phones, labels] = pid ? await Promise.all([listAll(pid, 'phones'), listAll(pid, 'labels')]) : [[], []];
  const now = Object.fromEntries(NAMES.map((name) => [name, ctx.query[name] || '']));
  const place = h('div', { class: 'table-place' });
  const found = h('p', { class: 'bound', role: 'status' });

  function draw() {
    found.replaceChildren();
    const say = (contacts) => {
      found.textContent =
        contacts.length > 1
          ? `The newest messages of ${contacts.length} contacts: ${contacts.map(nameOf).join(', ')}`
          : '';
    };
    place.replaceChildren(
      ...bounds(now, set),
      found,
      messageTable(
        {},
        {
          load: loader(now, say),
          caption: 'Messages',
          empty: 'No messages like this. Messages come in by a phone, and go out from here or over the API.',
        },
      ),
    );
  }

  function set(name, value) {
    now[name] = value;
    ctx.setQuery(now);
    draw();
  }

  const done = (words) => (m) => {
    if (!m) return;
    toast(words, 'ok');
    ctx.go(`#/messages/${enc(m.project_id)}/${enc(m.id)}`);
  };
  draw();
  return page(
    title,
    {
      sub: 'Newest first.',
      actions: writers(
        button('Receive a message', { run: async () => done('Received')(await receiveDialog()) }),
        button('Send a message', {
          kind: 'primary',
          icon: 'send',
          run: async () => done('The message is on its way')(await sendDialog({ pid })),
        }),
      ),
    },
    filters(now, set, phones, labels),
    place,
  );
}
