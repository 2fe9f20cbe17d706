// Dead letters: what failed for good or became too old. Some of them, or all of an endpoint, are sent again here.

import { endpointName, eventHref, isOwn } from './lib-event.js';
import { api, may, merged, ownerPath } from './lib-api.js';
import { feed } from './lib-feed.js';
import { plural } from './lib-format.js';
import { countAgain, sendAgain } from './lib-replay.js';
import { sentence } from './lib-timeline.js';
import { endpointHref, ownerWord } from './lib-endpoint.js';
import { badge, button, card, confirm, dialog, field, h, page, searchBox, timeAgo, toolbar } from './lib-ui.js';

export const title = 'Dead letters';

const AT_ONCE = 1000; // event ids that one replay takes
const LOOKED_AT = 50; // events whose fate is told after they were sent again
const PATIENCE_MS = 15000;
const LOOK_MS = 700;
const RETRYING = 20; // endpoints that an empty list tells of

const keyOf = (row) => `${row.project}/${row.organization_id || ''}/${row.endpoint_id}/${row.event_id}`;
const pathOf = (row) =>
  `${ownerPath(row.organization_id ? `@${row.organization_id}` : row.project)}/endpoints/${encodeURIComponent(row.endpoint_id)}`;
const sendable = (row) => may('write') && isOwn(row) && (!row.organization_id || may('admin'));

// --- sending again ---

function jobsOf(rows) {
  const by = new Map();
  for (const row of rows) by.set(pathOf(row), [...(by.get(pathOf(row)) || []), row.event_id]);
  return [...by].flatMap(([path, ids]) =>
    Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, i) => ({
      path,
      body: { event_ids: ids.slice(i * AT_ONCE, (i + 1) * AT_ONCE) },
    })),
  );
}

async function stateOf(row) {
  const event = await api.get(`${ownerPath(row.project)}/events/${encodeURIComponent(row.event_id)}`);
  return (event.endpoints || []).find((leg) => leg.endpoint_id === row.endpoint_id)?.state;
}

// Waits a while for what became of them, and says it.
async function fates(rows) {
  if (rows.length > LOOKED_AT) return 'How they fare is to be seen among the events.';
  const until = Date.now() + PATIENCE_MS;
  let open = rows;
  const sum = { delivered: 0, failed: 0 };
  while (open.length && Date.now() < until) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    const states = await Promise.all(open.map((row) => stateOf(row).catch(() => null)));
    sum.delivered += states.filter((s) => s === 'delivered').length;
    sum.failed += states.filter((s) => s === 'failed' || s === 'expired').length;
    open = open.filter((_, i) => states[i] === 'pending' || states[i] === null);
  }
  const parts = [
    sum.delivered && `${sum.delivered} delivered`,
    sum.failed && `${sum.failed} failed again`,
    open.length && `${open.length} waiting`,
  ].filter(Boolean);
  return parts.length ? `So far: ${parts.join(', ')}.` : null;
}

async function sendRows(rows, done) {
  const text = `${plural(rows.length, 'event')} will be sent again, with the settings of now.`;
  if (!(await confirm(text, { title: 'Send again', label: `Send ${rows.length} again` }))) return;
  await sendAgain(jobsOf(rows), { expected: rows.length, after: () => fates(rows) });
  done();
}

const SINCE = [
  ['', 'any time'],
  ['3600', 'in the last hour'],
  ['86400', 'in the last 24 hours'],
  ['604800', 'in the last 7 days'],
];

// All of one endpoint: counted before anything is sent.
async function sendAll(endpoints, done) {
  const which = field({
    label: 'Endpoint',
    name: 'endpoint',
    type: 'select',
    options: endpoints.map(({ label }, i) => [String(i), label]),
  });
  const since = field({ label: 'Accepted', name: 'since', type: 'select', options: SINCE });
  const answer = await dialog({
    title: 'Send all of an endpoint again',
    body: h('div', { class: 'stack' }, which, since),
    actions: [
      { label: 'Cancel' },
      {
        label: 'Count',
        kind: 'primary',
        run: async () => {
          const { path, label } = endpoints[Number(which.value)];
          const body = {
            outcome: 'failed',
            ...(since.value ? { since: Math.floor(Date.now() / 1000) - Number(since.value) } : {}),
          };
          return { path, label, body, count: await countAgain(path, body) };
        },
      },
    ],
  });
  if (!answer) return;
  const { path, label, body, count } = answer;
  if (!count)
    return void (await dialog({
      title: 'Nothing to send',
      body: h('p', null, `No event that failed for good at ${label}.`),
      actions: [{ label: 'Close', kind: 'primary' }],
    }));
  if (
    !(await confirm(
      `${plural(count, 'event')} that failed for good will be sent again to ${label}, with its settings of now.`,
      { title: 'Send again', label: `Send ${count} again` },
    ))
  )
    return;
  await sendAgain([{ path, body }], { expected: count });
  done();
}

// --- the list ---

function columns(all, picked, changed) {
  const pick = (row) => {
    const box = h('input', {
      type: 'checkbox',
      'aria-label': `Choose ${row.event_id} at ${row.endpoint_id || 'a deleted endpoint'}`,
      checked: picked.has(keyOf(row)),
      disabled: !sendable(row),
    });
    box.addEventListener('change', () => {
      if (box.checked) picked.set(keyOf(row), row);
      else picked.delete(keyOf(row));
      changed();
    });
    return h('span', { class: 'pick' }, box);
  };
  return [
    { label: 'Event', cell: (row) => h('span', { class: 'mono clip' }, row.event_id) },
    may('write') && { label: 'Choose', cell: pick },
    all && { label: 'Project', cell: (row) => row.project },
    { label: 'Message', cell: (row) => h('span', { class: 'mono clip' }, row.message_id ?? '–') },
    { label: 'Endpoint', cell: (row) => endpointName(row.project, row) },
    { label: 'Failed', cell: (row) => timeAgo(row.time_failed) },
    { label: 'Code', cell: (row) => badge(String(row.code ?? '–'), 'bad') },
    { label: 'Attempts', cell: (row) => h('span', { class: 'num' }, row.attempts) },
    { label: 'Why', wide: true, cell: why },
  ].filter(Boolean);
}

function why({ explanation, reason }) {
  if (!explanation) return h('span', { class: 'why' }, reason || '–');
  return h(
    'span',
    { class: 'why two-lines' },
    h('span', null, sentence(explanation.what)),
    explanation.cure ? h('span', null, sentence(explanation.cure)) : null,
  );
}

function endpointsOf(rows) {
  const by = new Map(
    rows.filter(sendable).map((row) => [
      pathOf(row),
      {
        path: pathOf(row),
        label: row.organization_id
          ? `${row.organization_id} / ${row.endpoint_id}`
          : `${row.project} / ${row.endpoint_id}`,
      },
    ]),
  );
  return [...by.values()].sort((a, b) => a.label.localeCompare(b.label));
}

// What may come to lie here: it fails, and is tried again. Said where the list is empty, which alone would sound as if all were well.
async function retrying(project) {
  const path = project ? `${ownerPath(project)}/endpoint_numbers` : '/v1/endpoint_numbers';
  const { data } = await api.get(path, { sort: 'trouble', page_size: RETRYING });
  const rows = data.filter((row) => row.waiting > 0 || row.state === 'throttled' || row.state === 'probe');
  if (!rows.length) return null;
  return card(
    'Failing now, and tried again',
    h(
      'ul',
      { class: 'stack' },
      rows.map((row) =>
        h(
          'li',
          null,
          h('a', { href: endpointHref(row) }, row.name || row.id),
          ` (${ownerWord(row)}): ${plural(row.pending, 'event')} ${row.pending === 1 ? 'waits' : 'wait'}`,
        ),
      ),
    ),
  );
}

export async function show(ctx) {
  const filter = { endpoint_id: '', project: '', ...ctx.query };
  let project = filter.project || ctx.project; // an endpoint's page names its own
  const picked = new Map();
  const place = h('div', { class: 'stack' });
  const beside = h('div');
  let list = null;
  const reload = () => {
    picked.clear();
    changed();
    list.reload();
  };
  const chosenWords = h('span', { class: 'muted', 'aria-live': 'polite' });
  const send = button('Send again', {
    kind: 'primary',
    icon: 'replay',
    disabled: true,
    run: async () => sendRows([...picked.values()], reload),
  });
  const all = button('Choose all shown', {
    disabled: true,
    run: async () => {
      const boxes = [...place.querySelectorAll('.pick input:enabled')];
      const on = boxes.some((box) => !box.checked);
      boxes.filter((box) => box.checked !== on).forEach((box) => box.click());
    },
  });
  const whole = button('All of an endpoint …', {
    icon: 'replay',
    disabled: true,
    run: async () => sendAll(endpointsOf(list.rows()), reload),
  });
  function changed() {
    chosenWords.textContent = picked.size ? `${picked.size} chosen` : '';
    setTimeout(() => {
      send.disabled = !picked.size;
    }); // after the button's own turn
  }
  let told = 0;
  async function tell(isEmpty) {
    const mine = ++told;
    const found = isEmpty ? await retrying(project).catch(() => null) : null; // the list says what is wrong
    if (mine === told) beside.replaceChildren(...(found ? [found] : []));
  }
  const begin = () => {
    list = feed({
      columns: columns(project === null, picked, changed),
      load: merged(project, '/dead', { endpoint_id: filter.endpoint_id }),
      rowKey: keyOf,
      rowHref: (row) => eventHref(row.project, row.event_id),
      caption: 'Dead letters, newest first',
      empty: 'No dead letters: nothing has failed for good.',
      onRows: (rows) =>
        setTimeout(() => {
          whole.disabled = !endpointsOf(rows).length;
          all.disabled = !rows.some(sendable);
          tell(!rows.length);
        }),
    });
    place.replaceChildren(list, beside);
  };
  begin();
  const search = searchBox({
    label: 'Endpoint id',
    placeholder: 'Endpoint id',
    value: filter.endpoint_id,
    onChange: (value) => {
      if (value === filter.endpoint_id) return;
      filter.endpoint_id = value;
      if (!value) filter.project = '';
      project = filter.project || ctx.project;
      ctx.setQuery(filter);
      picked.clear();
      changed();
      begin();
    },
  });
  return page(
    'Dead letters',
    {
      sub: `Events that failed for good, or became too old, at an endpoint${filter.project ? ` of ${filter.project}` : ''}`,
    },
    toolbar(search, may('write') ? [all, whole, send, chosenWords] : null),
    place,
  );
}
