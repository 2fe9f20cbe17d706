// One contact: the conversation with a box to answer in, and who it is.

import { api, may, ownerPath } from './lib-api.js';
import { dateTime, number } from './lib-format.js';
import {
  badge,
  button,
  card,
  confirm,
  errorBox,
  facts,
  field,
  form,
  h,
  icon,
  json,
  link,
  page,
  picker,
  spinner,
  table,
  timeAgo,
  toast,
} from './lib-ui.js';
import {
  askName,
  bubble,
  byId,
  enc,
  forget,
  isFinal,
  listAll,
  nameOf,
  phoneOptions,
  place,
  varsEditor,
  writers,
} from './lib-messaging.js';

export const title = 'Contact';

const POLL_MS = 3000;
const SOON_MS = 800; // while a message is on its way
const ON_ITS_WAY_S = 60;
const PAGE = 30;

// --- the conversation ---

const dayOf = (unix) => new Date(unix * 1000).toDateString();

function bubbles(pid, list) {
  let before = null;
  return list.flatMap((m) => {
    const fresh = dayOf(m.time_created) !== before;
    before = dayOf(m.time_created);
    const words = new Date(m.time_created * 1000).toLocaleDateString('en-GB', {
      weekday: 'long',
      day: 'numeric',
      month: 'long',
      year: 'numeric',
    });
    return [
      fresh ? h('p', { class: 'day' }, words) : null,
      bubble(m, { href: `#/messages/${enc(pid)}/${enc(m.id)}` }),
    ].filter(Boolean);
  });
}

// Messages by id, so that what comes again with another status takes its old place.
function conversation(pid, contact) {
  const known = new Map();
  let marker = null;
  let shown = '';
  const view = h(
    'div',
    { class: 'conversation tall', tabindex: '0', role: 'log', 'aria-label': 'Conversation' },
    spinner(),
  );
  const earlier = button('Earlier messages', { small: true, run: () => load(marker) });

  function draw() {
    const list = [...known.values()].sort((a, b) => a.time_created - b.time_created || (a.id < b.id ? -1 : 1));
    const text = JSON.stringify(list.map((m) => [m.id, m.status, m.starred, m.error_message]));
    if (text === shown && list.length) return;
    shown = text;
    const low = view.scrollHeight - view.scrollTop - view.clientHeight < 40;
    const height = view.scrollHeight - view.scrollTop;
    view.replaceChildren(...(marker ? [h('div', { class: 'earlier' }, earlier)] : []), ...bubbles(pid, list));
    if (!list.length) view.append(h('p', { class: 'muted' }, 'No messages yet.'));
    view.scrollTop = low ? view.scrollHeight : view.scrollHeight - height;
  }

  async function load(from = null) {
    const answer = await api.get(`${ownerPath(pid)}/contacts/${enc(contact.id)}/messages`, {
      sort: 'time_created',
      sort_dir: 'desc',
      page_size: PAGE,
      marker: from,
    });
    const first = known.size === 0;
    for (const m of answer.data) known.set(m.id, m);
    if (from || first) marker = answer.truncated ? answer.next_marker : null;
    draw();
    if (first)
      requestAnimationFrame(() => {
        view.scrollTop = view.scrollHeight;
      });
  }

  load().catch((e) => view.replaceChildren(errorBox(e)));
  const moves = () => [...known.values()].some((m) => !isFinal(m) && m.time_created > Date.now() / 1000 - ON_ITS_WAY_S);
  return { view, load, moves };
}

// Asks again and again until the page is left.
function keepUp(ctx, talk) {
  let timer = null;
  const next = () => {
    clearTimeout(timer);
    timer = setTimeout(again, talk.moves() ? SOON_MS : POLL_MS);
  };
  const again = async () => {
    if (!document.hidden) await talk.load().catch(() => {}); // the banner says why
    if (timer !== null) next();
  };
  next();
  ctx.onLeave(() => {
    clearTimeout(timer);
    timer = null;
  });
  return () => {
    clearTimeout(timer);
    return again();
  };
}

function reply(pid, contact, phones, sent) {
  const text = h('textarea', { rows: 2, 'aria-label': 'Reply', placeholder: 'Write a reply' });
  const by = picker({ label: 'By', options: phoneOptions(phones), value: '', onChange: () => {} });
  const trouble = h('div', null);
  const send = async () => {
    trouble.replaceChildren();
    if (!text.value.trim()) return text.focus();
    try {
      await api.post(`${ownerPath(pid)}/messages/send`, {
        contact_id: contact.id,
        content: text.value,
        route_id: by.input.value || undefined,
      });
      text.value = '';
      await sent();
    } catch (e) {
      trouble.replaceChildren(errorBox(e));
    }
    return text.focus();
  };
  text.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send();
  });
  return h(
    'div',
    { class: 'reply' },
    text,
    h(
      'div',
      { class: 'reply-foot' },
      phones.length > 1 ? by : null,
      h('span', { class: 'muted key-hint' }, 'Ctrl+Enter sends'),
      button('Send', { kind: 'primary', icon: 'send', run: send }),
    ),
    trouble,
  );
}

function conversationCard(ctx, pid, contact, phones) {
  const talk = conversation(pid, contact);
  const now = keepUp(ctx, talk);
  const blocked = () => h('p', { class: 'muted' }, icon('off'), ' Sending to this contact is blocked.');
  return card(
    'Conversation',
    talk.view,
    contact.send_blocked ? blocked() : may('write') ? reply(pid, contact, phones, now) : null,
  );
}

// --- who it is ---

function detailsCard(contact, phones, change) {
  if (!may('write')) {
    return card(
      'Details',
      facts([
        ['Name', contact.name || '–'],
        ['Number', contact.phone_number],
        ['Conversation', contact.conversation_status],
        ...Object.entries(contact.vars).map(([name, value]) => [name, String(value)]),
      ]),
    );
  }
  const vars = varsEditor(contact.vars);
  const submit = (values) =>
    change({
      name: values.name || null,
      phone_number: values.phone_number,
      conversation_status: values.conversation_status,
      default_route_id: values.default_route_id || null,
      vars: vars.changes(),
    });
  return card(
    'Details',
    form(
      [
        field({ label: 'Name', name: 'name', value: contact.name || '', autocomplete: 'off' }),
        field({
          label: 'Number',
          name: 'phone_number',
          value: contact.phone_number || '',
          required: true,
          autocomplete: 'off',
        }),
        field({
          label: 'Conversation',
          name: 'conversation_status',
          type: 'select',
          options: ['closed', 'active', 'handled'],
          value: contact.conversation_status,
        }),
        field({
          label: 'Goes by phone',
          name: 'default_route_id',
          type: 'select',
          options: phoneOptions(phones),
          value: contact.default_route_id || '',
        }),
        h('fieldset', null, h('legend', null, 'Variables'), vars),
      ],
      { label: 'Save', submit },
    ),
  );
}

function groupsCard(pid, contact, groups, change) {
  const name = (id) => groups.get(id)?.name || id;
  const mine = contact.group_ids.map((id) =>
    h(
      'span',
      { class: 'chip' },
      name(id),
      ...writers(
        button(`Take out of ${name(id)}`, {
          icon: 'close',
          iconOnly: true,
          small: true,
          run: () => change({ remove_group_ids: [id] }),
        }),
      ),
    ),
  );
  const put = (id) => id && change({ add_group_ids: [id] }).catch((e) => toast(e.message, 'bad'));
  const others = [...groups.values()].filter((g) => !contact.group_ids.includes(g.id));
  const adding = writers(
    others.length
      ? picker({
          label: 'Add',
          value: '',
          options: [['', 'to a group …'], ...others.map((g) => [g.id, g.name])],
          onChange: put,
        })
      : null,
    button('New group', {
      small: true,
      icon: 'plus',
      run: () =>
        askName('New group', {
          go: 'Make and add',
          submit: async (words) => {
            const made = await api.post(`${ownerPath(pid)}/groups`, { name: words });
            forget('groups');
            await change({ add_group_ids: [made.id] });
          },
        }),
    }),
  );
  return card(
    'Groups',
    mine.length ? h('div', { class: 'chips' }, mine) : h('p', { class: 'muted' }, 'In none.'),
    adding.length ? h('div', { class: 'toolbar' }, adding) : null,
  );
}

function statesCard(pid, contact, services) {
  const named = (s) => services.get(s.service_id)?.name || s.service_id;
  const drop = async (s) => {
    const text = `${named(s)} treats the contact as a new one with the next message.`;
    if (!(await confirm(text, { danger: true, label: 'Forget', title: 'Forget where it stands?' }))) return;
    await api.delete(`${ownerPath(pid)}/services/${enc(s.service_id)}/states/${enc(contact.id)}`);
    list.reload();
  };
  const list = table({
    caption: 'Where the contact stands in services',
    empty: 'This contact is in no service.',
    load: ({ marker }) => api.get(`${ownerPath(pid)}/contacts/${enc(contact.id)}/states`, { marker }),
    columns: [
      { key: 'service', label: 'Service', cell: named },
      { key: 'id', label: 'State', cell: (s) => badge(s.id || '–', 'info', 'info') },
      { key: 'vars', label: 'Variables', cell: (s) => (Object.keys(s.vars || {}).length ? json(s.vars) : '–') },
      ...writers({
        key: 'forget',
        label: 'Forget',
        cell: (s) =>
          button(`Forget where the contact stands with ${named(s)}`, {
            icon: 'trash',
            iconOnly: true,
            small: true,
            run: () => drop(s),
          }),
      }),
    ],
  });
  return card('Services', list);
}

const numbersCard = (c) =>
  card(
    'Numbers',
    facts([
      [
        'Messages',
        `${number(c.message_count)}: ${number(c.incoming_message_count)} in, ${number(c.outgoing_message_count)} out`,
      ],
      ['Last in', timeAgo(c.last_incoming_message_time)],
      ['Last out', timeAgo(c.last_outgoing_message_time)],
      ['Made', dateTime(c.time_created)],
      ['id', h('code', null, c.id)],
    ]),
  );

// --- the page ---

export async function show(ctx) {
  const [pid, id] = place(ctx);
  const path = `${ownerPath(pid)}/contacts/${enc(id)}`;
  const [contact, phones, groups, services] = await Promise.all([
    api.get(path),
    listAll(pid, 'phones'),
    listAll(pid, 'groups'),
    listAll(pid, 'services'),
  ]);

  async function change(body, words = 'Saved') {
    await api.post(path, body);
    toast(words, 'ok');
    ctx.refresh();
  }

  async function remove() {
    const text = 'The contact and its places in services and groups are gone; its messages stay.';
    if (!(await confirm(text, { danger: true, label: 'Delete', title: `Delete ${nameOf(contact)}?` }))) return;
    await api.delete(path);
    forget('groups');
    toast('Deleted', 'ok');
    ctx.go('#/contacts');
  }

  const blocked = contact.send_blocked;
  return page(
    nameOf(contact),
    {
      crumbs: [['Contacts', '#/contacts']],
      sub: h(
        'span',
        null,
        contact.name ? `${contact.phone_number} ` : '',
        blocked ? badge('sending is blocked', 'bad', 'off') : null,
      ),
      actions: writers(
        button(blocked ? 'Allow sending' : 'Block sending', {
          run: () =>
            change({ send_blocked: !blocked }, blocked ? 'Messages may be sent again' : 'No message is sent any more'),
        }),
        button('Delete', { kind: 'danger', icon: 'trash', run: remove }),
      ),
    },
    h(
      'div',
      { class: 'halves' },
      h('div', null, conversationCard(ctx, pid, contact, phones), statesCard(pid, contact, byId(services))),
      h(
        'div',
        null,
        detailsCard(contact, phones, change),
        groupsCard(pid, contact, byId(groups), change),
        numbersCard(contact),
        h('p', null, link('All messages as a list', `#/messages?q=${enc(contact.phone_number || '')}`)),
      ),
    ),
  );
}
