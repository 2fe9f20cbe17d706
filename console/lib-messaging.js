// What the pages of the messaging side have in common.
//
// enc(id)                                  a segment of a path or hash
// inProject(what) -> Promise of a project's id, asked for where none is chosen; undefined when nobody answered
// listAll(pid, what) -> Promise of up to 500 of a project's phones, labels, groups or services; kept for a while, forget(what) ends that
// projectColumn() -> [column] while all projects are shown, [] otherwise
// writers(...els) -> els where this session may change things, [] otherwise
// place(ctx) -> [project, id] of an address
// filterBar(search, filters) -> a toolbar of both
// otherNumber(message), direction(message), namedChips(pid, what, ids), roomy(table), starButton(pid, message)
// bubble(message, {href}) -> a message as in a conversation;  when(unix) for its time
// messageTable(params, {caption, empty, ids, load})
// sendDialog({pid, to, phone, title}) -> Promise of the message that was sent
// varsEditor(vars) -> Element with changes(): what to send as `vars` (null takes one away)
// askName(title, {label, value, submit})   a dialog with one field

import { api, may, merged, ownerPath, project, projects } from './lib-api.js';
import { dateTime, day, time } from './lib-format.js';
import { button, dialog, field, form, freshId, h, link, state, table, timeAgo, toast, toolbar } from './lib-ui.js';

export const enc = encodeURIComponent;
// The project and the thing that an address names.
export const place = (ctx) => [ctx.params.project, ctx.params.id];
const KEEP_MS = 20000;
const FINAL = new Set(['delivered', 'not_delivered', 'failed', 'cancelled', 'received']);

export const isFinal = (m) => m.direction === 'incoming' || FINAL.has(m.status);
export const writers = (...els) => (may('write') ? els : []);

// --- projects ---

export async function inProject(what) {
  const all = project() ? [{ id: project() }] : await projects();
  if (all.length === 1) return all[0].id;
  const which = field({
    label: 'Project',
    name: 'project',
    type: 'select',
    options: all.map((p) => [p.id, p.name ? `${p.name} (${p.id})` : p.id]),
  });
  return dialog({
    title: `${what}: in which project?`,
    body: which,
    actions: [{ label: 'Go on', kind: 'primary', run: () => which.value }],
  });
}

export const projectColumn = () => (project() ? [] : [{ key: 'project', label: 'Project' }]);

const kept = new Map();

export function listAll(pid, what) {
  const name = `${pid}/${what}`;
  const before = kept.get(name);
  if (before && Date.now() - before.since < KEEP_MS) return before.list;
  const found = api.get(`${ownerPath(pid)}/${what}`, { page_size: 500 }).then((page) => page.data);
  kept.set(name, { since: Date.now(), list: found });
  found.catch(() => kept.delete(name));
  return found;
}

export function forget(what) {
  for (const name of [...kept.keys()]) if (name.endsWith(`/${what}`)) kept.delete(name);
}

export const byId = (list) => new Map(list.map((one) => [one.id, one]));
export const nameOf = (one) => one.name || one.phone_number || one.id;

// Search and filters; on a phone the filters come when they are asked for.
export function filterBar(search, filters) {
  const more = h('div', { class: 'filters', id: freshId('filters') }, filters);
  const open = h(
    'button',
    { type: 'button', class: 'button plain filters-button', 'aria-expanded': 'false', 'aria-controls': more.id },
    'Filters',
  );
  open.addEventListener('click', () => open.setAttribute('aria-expanded', String(more.classList.toggle('open'))));
  return toolbar(search, open, more);
}

// --- messages ---

export const otherNumber = (m) => (m.direction === 'incoming' ? m.from_number : m.to_number) || '–';

export function direction(m) {
  const comes = m.direction === 'incoming';
  return h(
    'span',
    { class: `direction is-${m.direction}` },
    h('span', { 'aria-hidden': 'true' }, comes ? '↙' : '↗'),
    comes ? ' in' : ' out',
  );
}

// Chips with the names of labels or groups, which come a moment after their ids.
export function namedChips(pid, what, ids) {
  if (!ids?.length) return null;
  const el = h('span', { class: 'chips' });
  listAll(pid, what).then(
    (list) => {
      const known = byId(list);
      el.append(
        ...ids.map((id) => h('span', { class: 'chip', title: known.get(id)?.name || id }, known.get(id)?.name || id)),
      );
    },
    () => {
      el.textContent = ids.join(', ');
    },
  );
  return el;
}

// A table whose rows, as cards on a phone, have two columns instead of three: numbers need the room.
export function roomy(el) {
  el.classList.add('roomy');
  return el;
}

export function starButton(pid, m, { onChange = () => {} } = {}) {
  const star = h('button', { type: 'button', class: 'star', disabled: !may('write') });
  const draw = () => {
    star.textContent = m.starred ? '★' : '☆';
    star.setAttribute('aria-pressed', String(Boolean(m.starred)));
    star.setAttribute('aria-label', m.starred ? 'Starred: take the star away' : 'Star this message');
  };
  star.addEventListener('click', async () => {
    m.starred = !m.starred;
    draw();
    try {
      await api.post(`${ownerPath(pid)}/messages/${enc(m.id)}`, { starred: m.starred });
      onChange(m);
    } catch (e) {
      m.starred = !m.starred;
      draw();
      toast(e.message, 'bad');
    }
  });
  draw();
  return star;
}

const today = () => day(Date.now() / 1000);
export const when = (unix) => (day(unix) === today() ? time(unix).slice(0, 5) : dateTime(unix).slice(0, -3));

export function bubble(m, { href = null } = {}) {
  const text = m.content || (m.message_type === 'call' ? 'A call' : m.media && m.media.length ? 'A file' : 'No text');
  const media = (m.media || []).map((file) => h('p', { class: 'bubble-media' }, file.url || file.filename || 'a file'));
  const foot = h(
    'div',
    { class: 'bubble-foot' },
    href
      ? h('a', { href }, h('time', { title: dateTime(m.time_created) }, when(m.time_created)))
      : h('time', { title: dateTime(m.time_created) }, when(m.time_created)),
    m.starred ? h('span', { title: 'starred' }, '★') : null,
    m.direction === 'outgoing' ? state(m.status) : null,
  );
  return h(
    'div',
    { class: `bubble is-${m.direction}` },
    h('span', { class: 'visually-hidden' }, m.direction === 'incoming' ? 'Received: ' : 'Sent: '),
    h('p', { class: 'bubble-text' }, text),
    media,
    m.error_message ? h('p', { class: 'bubble-error' }, m.error_message) : null,
    foot,
  );
}

export const messageHref = (m) => `#/messages/${enc(m.project || m.project_id)}/${enc(m.id)}`;

export function messageTable(params, { caption = 'Messages', empty = 'No messages.', ids = null, load = null } = {}) {
  return roomy(
    table({
      caption,
      empty,
      load: load || merged(ids, '/messages', { sort: 'time_created', sort_dir: 'desc', ...params }),
      rowHref: messageHref,
      columns: [
        {
          key: 'content',
          label: 'Message',
          wide: true,
          cell: (m) => h('span', { class: 'snippet' }, m.content || `(${m.message_type})`),
        },
        { key: 'direction', label: 'Way', cell: direction },
        {
          key: 'number',
          label: 'With',
          cell: (m) =>
            m.contact_id ? link(otherNumber(m), `#/contacts/${enc(m.project)}/${enc(m.contact_id)}`) : otherNumber(m),
        },
        { key: 'status', label: 'Status', cell: (m) => state(m.status) },
        { key: 'labels', label: 'Labels', cell: (m) => namedChips(m.project, 'labels', m.label_ids) },
        ...projectColumn(),
        { key: 'time', label: 'When', cell: (m) => timeAgo(m.time_created) },
        { key: 'star', label: 'Star', cell: (m) => starButton(m.project, m) },
      ],
    }),
  );
}

// --- sending ---

const TEST_NUMBERS = [
  ['+15005550011', 'fails'],
  ['+15005550012', 'is sent, then delivered'],
  ['+15005550013', 'is sent, then not delivered'],
  ['+15005550014', 'fails for a while, then is sent'],
];

function testNumbers(take) {
  return h(
    'details',
    { class: 'hint' },
    h('summary', {}, 'Numbers for trying'),
    h('p', {}, 'On a phone of the type test nothing leaves the machine, and these numbers go through statuses:'),
    h(
      'ul',
      { class: 'plain' },
      TEST_NUMBERS.map(([number, what]) =>
        h('li', {}, button(number, { small: true, run: () => take(number) }), ` ${what}`),
      ),
    ),
  );
}

export const phoneOptions = (phones) => [
  ['', 'the usual one'],
  ...phones.map((p) => [p.id, `${nameOf(p)} – ${p.phone_type}${p.send_paused ? ', paused' : ''}`]),
];

export async function sendDialog({ pid, to = '', phone = '', title = 'Send a message' }) {
  pid ||= await inProject(title);
  if (!pid) return undefined;
  const phones = await listAll(pid, 'phones');
  const toField = field({
    label: 'To',
    name: 'to_number',
    value: to,
    required: true,
    placeholder: '+46701234567',
    type: 'text',
    autocomplete: 'off',
  });
  const fields = [
    toField,
    testNumbers((number) => {
      toField.value = number;
    }),
    field({ label: 'Text', name: 'content', type: 'textarea', rows: 4, required: true }),
    field({
      label: 'By phone',
      name: 'route_id',
      type: 'select',
      options: phoneOptions(phones),
      value: phone,
      help: phones.length ? null : 'This project has no phone yet: make one under Phones.',
    }),
    field({
      label: 'Fill in variables',
      name: 'replace_variables',
      type: 'checkbox',
      help: 'such as [[contact.name]]',
    }),
    field({ label: 'Track clicks', name: 'track_clicks', type: 'checkbox', help: 'its links become short ones' }),
  ];
  return dialog({
    title,
    body: ({ close }) =>
      form(fields, {
        label: 'Send',
        submit: async (values) => {
          const body = { ...values, route_id: values.route_id || undefined };
          close(await api.post(`${ownerPath(pid)}/messages/send`, body));
        },
      }),
  });
}

// --- custom variables ---

function varValue(text) {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?(0|[1-9]\d{0,14})(\.\d{1,9})?$/.test(text) ? Number(text) : text;
}

export function varsEditor(vars) {
  const before = { ...vars };
  const rows = h('div', { class: 'vars' });
  const add = (name = '', value = '') => {
    const key = h('input', {
      'aria-label': 'Variable',
      value: name,
      placeholder: 'name',
      spellcheck: 'false',
      autocomplete: 'off',
    });
    const text = h('input', {
      'aria-label': name ? `Value of ${name}` : 'Value',
      value: String(value),
      placeholder: 'value',
      autocomplete: 'off',
    });
    const away = button(name ? `Remove ${name}` : 'Remove this variable', {
      icon: 'close',
      iconOnly: true,
      small: true,
      run: () => row.remove(),
    });
    const row = h('div', { class: 'var' }, key, text, away);
    rows.append(row);
    return key;
  };
  Object.entries(before).forEach(([name, value]) => add(name, value));
  const el = h(
    'div',
    { class: 'vars-editor' },
    rows,
    button('Add a variable', { icon: 'plus', small: true, run: () => add().focus() }),
  );
  el.changes = () => {
    const now = {};
    for (const row of rows.children) {
      const [name, text] = [...row.querySelectorAll('input')].map((input) => input.value);
      if (name.trim()) now[name.trim()] = String(before[name.trim()]) === text ? before[name.trim()] : varValue(text);
    }
    const gone = Object.keys(before)
      .filter((name) => !(name in now))
      .map((name) => [name, null]);
    return Object.fromEntries([...gone, ...Object.entries(now).filter(([name, value]) => before[name] !== value)]);
  };
  return el;
}

// --- small dialogs ---

export function askName(title, { label = 'Name', value = '', submit, help = null, go = 'Save' }) {
  return dialog({
    title,
    body: ({ close }) =>
      form([field({ label, name: 'name', value, required: true, help, autocomplete: 'off' })], {
        label: go,
        submit: async (values) => close((await submit(values.name.trim())) ?? true),
      }),
  });
}
