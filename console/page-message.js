// One message: what it says, what became of it, what services did with it, and what can still be done.

import { api, may, ownerPath } from './lib-api.js';
import { dateTime, ms } from './lib-format.js';
import {
  badge,
  button,
  card,
  confirm,
  dialog,
  facts,
  h,
  json,
  link,
  page,
  picker,
  state,
  table,
  timeAgo,
  toast,
} from './lib-ui.js';
import { logTable } from './page-service-logs.js';
import {
  askName,
  bubble,
  byId,
  direction,
  enc,
  forget,
  isFinal,
  listAll,
  nameOf,
  otherNumber,
  place,
  starButton,
  varsEditor,
  writers,
} from './lib-messaging.js';

export const title = 'Message';

const POLL_MS = 1000;
const SHOWN = new Set([
  'id',
  'content',
  'starred',
  'label_ids',
  'vars',
  'status',
  'status_history',
  'direction',
  'project_id',
  'error_message',
]);
const TIMES = /^time_/;

// --- parts ---

function history(m) {
  const steps =
    m.status_history && m.status_history.length ? m.status_history : [[m.status, m.time_updated || m.time_created]];
  return h(
    'ol',
    { class: 'steps', 'aria-label': 'Status history' },
    steps.map(([status, time]) => h('li', null, state(status), ' ', h('time', null, dateTime(time)))),
    m.time_clicked ? h('li', null, badge('clicked', 'ok', 'ok'), ' ', h('time', null, dateTime(m.time_clicked))) : null,
  );
}

function factOf(pid, m, name, phones) {
  const value = m[name];
  if (TIMES.test(name)) return dateTime(value);
  if (name === 'contact_id') return link(value, `#/contacts/${enc(pid)}/${enc(value)}`);
  if (name === 'service_id') return link(value, `#/services/${enc(pid)}/${enc(value)}`);
  if (name === 'broadcast_id') return link(value, `#/messages?broadcast_id=${enc(value)}`);
  if ((name === 'phone_id' || name === 'route_id') && phones.has(value))
    return `${nameOf(phones.get(value))} (${value})`;
  return typeof value === 'object' ? json(value) : String(value);
}

function everything(pid, m, phones) {
  const names = Object.keys(m).filter((name) => !SHOWN.has(name) && m[name] !== null && m[name] !== false);
  return facts([
    ['id', h('code', null, m.id)],
    ...names.map((name) => [name.replaceAll('_', ' '), factOf(pid, m, name, phones)]),
  ]);
}

function attemptTable(pid, id) {
  return table({
    caption: 'Attempts',
    empty: 'Nothing was sent to an endpoint, webhook or gateway about it.',
    load: ({ marker }) => api.get(`${ownerPath(pid)}/attempts`, { message_id: id, page_size: 20, marker }),
    rowHref: (a) => `#/attempts/${enc(pid)}/${enc(a.id)}`,
    columns: [
      { key: 'id', label: 'Attempt', cell: (a) => `no. ${a.id}` },
      { key: 'endpoint', label: 'To', cell: (a) => a.endpoint_id },
      { key: 'outcome', label: 'Outcome', cell: (a) => state(a.outcome) },
      { key: 'code', label: 'Code', cell: (a) => String(a.code ?? '–') },
      { key: 'reason', label: 'Why', wide: true, cell: (a) => a.reason || '' },
      { key: 'duration', label: 'Took', num: true, cell: (a) => ms(a.duration_ms) },
      { key: 'time', label: 'When', cell: (a) => timeAgo(a.time) },
    ],
  });
}

// --- changes ---

function labelsCard(pid, m, labels, change) {
  const without = (id) => m.label_ids.filter((other) => other !== id);
  const mine = m.label_ids.map((id) =>
    h(
      'span',
      { class: 'chip' },
      labels.get(id)?.name || id,
      ...writers(
        button(`Take the label ${labels.get(id)?.name || id} off`, {
          icon: 'close',
          iconOnly: true,
          small: true,
          run: () => change({ label_ids: without(id) }),
        }),
      ),
    ),
  );
  const put = (id) => id && change({ label_ids: [...m.label_ids, id] }).catch((e) => toast(e.message, 'bad'));
  const others = [...labels.values()].filter((l) => !m.label_ids.includes(l.id));
  const adding = writers(
    others.length
      ? picker({
          label: 'Add',
          value: '',
          options: [['', 'a label …'], ...others.map((l) => [l.id, l.name])],
          onChange: put,
        })
      : null,
    button('New label', {
      small: true,
      icon: 'plus',
      run: () =>
        askName('New label', {
          go: 'Make and add',
          submit: async (name) => {
            const made = await api.post(`${ownerPath(pid)}/labels`, { name });
            forget('labels');
            await change({ label_ids: [...without(made.id), made.id] });
          },
        }),
    }),
  );
  return card(
    'Labels',
    mine.length ? h('div', { class: 'chips' }, mine) : h('p', { class: 'muted' }, 'None.'),
    adding.length ? h('div', { class: 'toolbar' }, adding) : null,
  );
}

function varsCard(m, change) {
  if (!may('write'))
    return card('Variables', facts(Object.entries(m.vars).map(([name, value]) => [name, String(value)])));
  const editor = varsEditor(m.vars);
  return card(
    'Variables',
    editor,
    h(
      'div',
      { class: 'form-foot' },
      button('Save variables', {
        run: async () => {
          const changes = editor.changes();
          if (!Object.keys(changes).length) return toast('Nothing was changed', 'info');
          return change({ vars: changes });
        },
      }),
    ),
  );
}

function actions(ctx, pid, m, reload) {
  const path = `${ownerPath(pid)}/messages/${enc(m.id)}`;
  const run = (words, what) => async () => {
    await what();
    toast(words, 'ok');
  };
  const resend = async () => {
    const again = await api.post(`${path}/resend`);
    if (again.id !== m.id) ctx.go(`#/messages/${enc(pid)}/${enc(again.id)}`);
    else await reload();
  };
  const cancel = async () => {
    await api.post(`${path}/cancel`);
    await reload();
  };
  const remove = async () => {
    const text = 'The message is gone for good, here and over the API. What endpoints were told of it stays told.';
    if (!(await confirm(text, { danger: true, label: 'Delete', title: 'Delete this message?' }))) return;
    await api.delete(path);
    toast('Deleted', 'ok');
    ctx.go('#/messages');
  };
  const out = m.direction === 'outgoing';
  return writers(
    out && ['queued', 'failed_queued'].includes(m.status) ? button('Cancel', { run: run('Cancelled', cancel) }) : null,
    out ? button('Send again', { icon: 'replay', run: run('Sent again', resend) }) : null,
    button('Delete', { kind: 'danger', icon: 'trash', run: remove }),
  ).filter(Boolean);
}

// --- the page ---

async function names(pid) {
  const [labels, phones, services] = await Promise.all(
    ['labels', 'phones', 'services'].map((what) => listAll(pid, what)),
  );
  return { labels: byId(labels), phones: byId(phones), services: byId(services) };
}

function draw(ctx, pid, m, { labels, phones, services }, reload) {
  const change = async (body) => {
    await api.post(`${ownerPath(pid)}/messages/${enc(m.id)}`, body);
    toast('Changed', 'ok');
    await reload();
  };
  const asJson = () => {
    dialog({ title: 'The message as the API gives it', body: json(m), wide: true });
  };
  const head = h(
    'div',
    { class: 'head-line' },
    direction(m),
    state(m.status),
    m.simulated ? badge('test', 'muted', 'info') : null,
    starButton(pid, m),
  );
  return page(
    `Message ${m.direction === 'incoming' ? 'from' : 'to'} ${otherNumber(m)}`,
    {
      crumbs: [['Messages', '#/messages']],
      sub: head,
      actions: actions(ctx, pid, m, reload),
    },
    h(
      'div',
      { class: 'halves' },
      h(
        'div',
        null,
        card('Text', h('div', { class: 'conversation' }, bubble(m))),
        card(
          'What became of it',
          history(m),
          m.error_message ? h('p', { class: 'strong' }, m.error_message) : null,
          h('p', null, link('The events that were told of it', `#/events?q=${enc(m.id)}`)),
        ),
      ),
      h(
        'div',
        null,
        labelsCard(pid, m, labels, change),
        varsCard(m, change),
        m.contact_id
          ? card(
              'Contact',
              h('p', null, link('The conversation with this contact', `#/contacts/${enc(pid)}/${enc(m.contact_id)}`)),
            )
          : null,
      ),
    ),
    card(
      'Services',
      logTable({ message_id: m.id }, services, {
        ids: pid,
        hide: ['message'],
        empty: 'No service did anything with this message.',
      }),
    ),
    card('Attempts', attemptTable(pid, m.id)),
    card(
      { title: 'All fields', actions: [button('As JSON', { small: true, run: asJson })] },
      everything(pid, m, phones),
    ),
  );
}

export async function show(ctx) {
  const [pid, id] = place(ctx);
  const root = h('div', null);
  let shown = null;
  let timer = null;
  let left = false;

  async function load() {
    const m = await api.get(`${ownerPath(pid)}/messages/${enc(id)}`);
    if (left) return;
    const text = JSON.stringify(m);
    if (text !== shown) root.replaceChildren(draw(ctx, pid, m, await names(pid), load));
    shown = text;
    clearTimeout(timer);
    if (!isFinal(m)) timer = setTimeout(watch, POLL_MS);
  }

  // While its status can change it is asked for, unless a hand is in a field: drawing anew would take the words away.
  async function watch() {
    if (left) return;
    if (document.hidden || root.querySelector('input:focus, textarea:focus, select:focus')) {
      timer = setTimeout(watch, POLL_MS);
      return;
    }
    await load().catch((e) => {
      if (e.code === 'away' && !left) timer = setTimeout(watch, POLL_MS);
    });
  }

  ctx.onLeave(() => {
    left = true;
    clearTimeout(timer);
  });
  await load();
  return root;
}
