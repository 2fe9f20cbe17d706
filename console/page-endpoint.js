// One endpoint: its state and why, what it answers, what waits to be sent again, its settings; and what can be done with it.

import { api, may, merged, ownerPath, projects } from './lib-api.js';
import { bars, lineChart } from './lib-chart.js';
import { settingsOf } from './lib-draft.js';
import { endpointState, trouble } from './lib-endpoint.js';
import { exchange } from './lib-exchange.js';
import { ms, number, percent, plural, rate, seconds, sentence } from './lib-format.js';
import { overTime } from './lib-plots.js';
import { poll } from './lib-poll.js';
import { countAgain, sendAgain } from './lib-replay.js';
import {
  badge,
  button,
  card,
  confirm,
  copyButton,
  dialog,
  errorBox,
  field,
  form,
  grid,
  h,
  json,
  notice,
  page,
  segments,
  stat,
  state,
  stats,
  table,
  tabs,
  timeAgo,
  toast,
} from './lib-ui.js';

export const title = 'Endpoint';

const REFRESH_MS = 2000;
const ROUNDS = 5;
const part = encodeURIComponent;

// --- numbers ---

function numbers() {
  const made = {
    pending: stat('Backlog', '–'),
    oldest: stat('Oldest waiting', '–'),
    window: stat('Window', '–'),
    rate: stat('Rate', '–'),
    errors: stat('Errors', '–'),
    latency: stat('Latency p50', '–'),
  };
  const el = stats(Object.values(made));
  el.update = (n) => {
    made.pending.set(number(n.pending), { hint: `${number(n.waiting)} for a retry` });
    made.oldest.set(n.pending ? seconds(Math.floor(n.oldest_pending_s ?? 0)) : 'none', {
      kind: n.pending && n.oldest_pending_s > 60 ? 'warn' : null,
      hint: n.pending ? 'since it was accepted' : 'nothing waits',
    });
    made.window.set(`${number(n.in_flight)} / ${number(n.window)}`, { hint: 'under way / at most' });
    made.rate.set(rate(n.per_s), { hint: `${number(n.delivered)} since start` });
    made.errors.set(percent(n.error_rate), {
      kind: n.error_rate > 0.05 ? 'bad' : null,
      hint: n.last_time ? ['last: ', h('b', null, String(n.last_code)), ', ', timeAgo(n.last_time)] : 'no answer yet',
    });
    made.latency.set(ms(n.p50_ms), { hint: ['p99 ', h('b', null, ms(n.p99_ms))] });
  };
  return el;
}

// -> [look, words], or nothing when all is well
function reason(n) {
  const why = trouble(n);
  if (why) return [n.state === 'disabled' ? 'bad' : 'warn', why];
  if (n.state !== 'disabled') return [];
  const what = n.pending ? plural(n.pending, 'event') : 'what comes';
  return ['info', `It is switched off: nothing is sent, and ${what} waits until it is enabled.`];
}

// A page of a search may be empty although there is more: among much traffic of others it takes a few.
async function newestAttempt(path, id) {
  let marker = null;
  for (let round = 0; round < ROUNDS; round++) {
    const answer = await api.get(path, { endpoint_id: id, page_size: 1, marker });
    if (answer.data.length || !answer.truncated) return answer.data[0];
    marker = answer.next_marker;
  }
  return null;
}

// The newest failure in words, with the way to its request and answer.
async function lastFailure(ctx) {
  const { owner, id } = ctx.params;
  const last = await newestAttempt(`${ownerPath(owner)}/attempts`, id);
  if (!last || !last.explanation) return [];
  const { what, cure } = last.explanation;
  const words = [what, cure].filter(Boolean).map(sentence).join(' ');
  return [
    words,
    ' ',
    h('a', { href: `#/attempts/${part(owner)}/${part(last.id)}` }, 'The last request and its answer'),
  ];
}

// What is wrong and what helps. Only its words change from look to look: who is on the link stays there, and no reader hears it all anew.
function reasonBox(ctx) {
  const words = h('p');
  const more = h('p');
  const el = h('div');
  let look;
  let asked = null;
  async function explain(n) {
    const told = trouble(n) && n.last_time && !ctx.params.owner.startsWith('@') ? n.last_code : null;
    if (asked === told) return;
    asked = told;
    const said = told === null ? [] : await lastFailure(ctx).catch(() => []);
    if (asked === told) more.replaceChildren(...said);
  }
  el.update = (n) => {
    const [kind, text = ''] = reason(n);
    if (kind !== look) {
      const box = kind && notice(kind, words, more);
      if (box) box.setAttribute('role', 'note');
      el.replaceChildren(...(box ? [box] : []));
    }
    look = kind;
    words.textContent = text;
    explain(n); // nothing waits for it
  };
  return el;
}

// --- plots ---

function codeColour(code) {
  if (code.startsWith('2')) return 'ok';
  if (code.startsWith('3')) return 'muted';
  return code.startsWith('4') ? 'warn' : /^5/.test(code) ? 'bad' : 'violet';
}

const SPANS = { hour: 3600, day: 86400 };

function codesSpec(s, span) {
  const codes = Object.keys(s.codes).sort();
  return {
    step_s: s.step_s,
    end: s.end,
    span_s: SPANS[span],
    series: codes.map((code) => ({ label: code, data: s.codes[code], color: codeColour(code) })),
  };
}

const waitingSpec = (s, span) => ({
  step_s: s.step_s,
  end: s.end,
  span_s: SPANS[span],
  series: [{ label: 'Waiting events', data: s.pending, color: 'violet' }],
});

const plots = () =>
  overTime([
    {
      title: 'Answers by code',
      spec: codesSpec,
      make: (spec) => bars({ ...spec, unit: number, stacked: true }),
    },
    { title: 'Backlog', spec: waitingSpec, make: (spec) => lineChart({ ...spec, unit: number }) },
  ]);

// Only the part of the histogram where something is: the ends of it are empty for nearly everybody.
function histogramSpec(rows) {
  const first = Math.max(0, rows.findIndex((r) => r.count) - 1);
  const last = rows.findLastIndex((r) => r.count) + 2;
  const used = rows.slice(first, Math.max(last, first + 3));
  return {
    labels: used.map((r) => (r.le_ms === null ? 'more' : `≤ ${ms(r.le_ms)}`)),
    series: [{ label: 'Requests', data: used.map((r) => r.count), color: 'accent' }],
  };
}

function latency() {
  let made = null;
  let kind = 'attempt';
  let last = null;
  const place = h('div');
  const el = card(
    {
      title: 'Latency since start',
      actions: [
        segments({
          label: 'What is measured',
          options: [
            ['attempt', 'One request'],
            ['delivery', 'Accepted to delivered'],
          ],
          value: kind,
          onChange: (word) => {
            kind = word;
            if (last) el.update(last);
          },
        }),
      ],
    },
    place,
  );
  el.update = (histogram) => {
    last = histogram;
    const spec = histogramSpec(histogram[kind]);
    if (made) return made.update(spec);
    made = bars({ title: 'Latency', ...spec, unit: number, height: 168 });
    return place.append(made);
  };
  return el;
}

const due = (unix) => (unix - Date.now() / 1000 < 1 ? 'due now' : timeAgo(unix));

function retriesCard() {
  const place = h('div');
  const el = card('Waiting for a retry', place);
  el.update = (r) => {
    if (!r.steps.length) return place.replaceChildren(h('p', { class: 'muted' }, 'Nothing waits to be sent again.'));
    return place.replaceChildren(
      h(
        'p',
        null,
        ['The next try is ', due(r.next_retry_time ?? 0), '.'],
        r.held
          ? ` ${plural(r.held, 'delivery', 'deliveries')} ${r.held === 1 ? 'is' : 'are'} held until it answers again.`
          : '',
      ),
      h(
        'table',
        { class: 'plain' },
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            ['Tries made', 'Deliveries', 'Events', 'Next'].map((w, i) =>
              h('th', { scope: 'col', class: i && i < 3 ? 'num' : null }, w),
            ),
          ),
        ),
        h(
          'tbody',
          null,
          r.steps.map((s) =>
            h(
              'tr',
              null,
              h('th', { scope: 'row' }, number(s.attempts)),
              h('td', { class: 'num' }, number(s.deliveries)),
              h('td', { class: 'num' }, number(s.events)),
              h('td', null, due(s.next_time ?? 0)),
            ),
          ),
        ),
      ),
      r.truncated ? h('p', { class: 'muted' }, 'There are more; these were counted.') : '',
    );
  };
  return el;
}

// --- attempts ---

async function seenBy(owner) {
  if (!owner.startsWith('@')) return owner;
  return (await projects()).filter((p) => p.organization_id === owner.slice(1)).map((p) => p.id);
}

const ids = (row) => {
  const items = row.items || [];
  const first = items[0] && (items[0].message_id || items[0].event_id);
  return items.length > 1 ? `${first} and ${items.length - 1} more` : first || '–';
};

async function attempts(ctx) {
  const load = merged(await seenBy(ctx.params.owner), '/attempts', { endpoint_id: ctx.params.id });
  return table({
    caption: 'Recent attempts',
    load,
    empty: 'Nothing was sent yet.',
    rowHref: (row) => `#/attempts/${part(row.project)}/${part(row.id)}`,
    columns: [
      { key: 'time', label: 'Time', cell: (row) => timeAgo(row.time) },
      { key: 'outcome', label: 'Outcome', cell: (row) => state(row.outcome) },
      { key: 'code', label: 'Answer', cell: (row) => h('span', { class: 'mono' }, String(row.code ?? '–')) },
      { key: 'attempt', label: 'Try', num: true, cell: (row) => number(row.attempt) },
      { key: 'items', label: 'Message or event', wide: true, cell: (row) => h('span', { class: 'mono' }, ids(row)) },
      { key: 'duration', label: 'Took', num: true, cell: (row) => ms(row.duration_ms) },
    ],
  });
}

// --- settings ---

// The line in the text where the last name of "retry.delays_s[2]" stands, so that the fault is seen where it is.
function showPlace(input, param) {
  let at = 0;
  for (const name of param.replace(/\[\d+\]/g, '').split('.')) {
    const found = input.value.indexOf(`"${name}"`, at);
    if (found < 0) return;
    at = found;
  }
  const end = input.value.indexOf('\n', at);
  input.focus();
  input.setSelectionRange(at, end < 0 ? input.value.length : end);
  const line = input.value.slice(0, at).split('\n').length;
  input.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(input).lineHeight));
}

async function edit(path, shown, done) {
  const text = field({
    label: 'Settings',
    name: 'settings',
    type: 'textarea',
    rows: 24,
    mono: true,
    spellcheck: false,
    value: JSON.stringify(settingsOf(shown), null, 2),
    help: 'Secrets stand as ***; left so, they stay as they are. null takes a setting back to its default.',
  });
  await dialog({
    title: 'Edit settings',
    wide: true,
    body: ({ close }) =>
      form([text], {
        label: 'Save',
        cancel: () => close(),
        submit: async () => {
          let settings;
          try {
            settings = JSON.parse(text.value);
          } catch (e) {
            return text.error(`This is no JSON: ${e.message}`);
          }
          try {
            await api.put(path, settings);
          } catch (e) {
            if (!e.param) throw e;
            text.error(`${e.param}: ${e.message}`);
            return showPlace(text.input, e.param);
          }
          close();
          toast('Saved', 'ok');
          return done();
        },
      }),
  });
}

async function rotate(path) {
  const yes = await confirm(
    'A new secret is made. The old one signs beside it until the next rotation, so that the receiver can change over.',
    { title: 'Rotate the secret', label: 'Rotate' },
  );
  if (!yes) return;
  const { secret } = await api.post(`${path}/rotate_secret`);
  await dialog({
    title: 'The new secret',
    body: h(
      'div',
      null,
      h('p', null, 'It is shown this once. Give it to the receiver.'),
      h('pre', { class: 'code secret', tabindex: '0' }, secret),
      copyButton(secret, 'Copy the secret'),
    ),
    actions: [{ label: 'Done', kind: 'primary' }],
  });
}

async function remove(ctx, path, shown) {
  const waiting = shown.pending
    ? ` ${plural(shown.pending, 'event')} ${shown.pending === 1 ? 'waits' : 'wait'} for it and will count as failed.`
    : '';
  const yes = await confirm(`The endpoint ${shown.id} goes, with its settings.${waiting}`, {
    title: 'Delete the endpoint',
    label: 'Delete',
    danger: true,
    typed: shown.id,
  });
  if (!yes) return;
  await api.delete(path);
  toast(`${shown.id} was deleted`, 'ok');
  ctx.go('/endpoints');
}

function settingsTab(ctx, path) {
  const place = h('div');
  async function draw() {
    const shown = await api.get(path);
    const actions = may('write')
      ? [
          button('Edit as JSON', { icon: 'edit', run: () => edit(path, shown, ctx.refresh) }),
          button('Rotate the secret', { icon: 'keys', run: () => rotate(path) }),
          button('Delete', { icon: 'trash', kind: 'danger', run: () => remove(ctx, path, shown) }),
        ]
      : [];
    place.replaceChildren(
      card(
        { title: 'Settings in force', actions, sub: 'The preset’s and the defaults included; secrets are ***.' },
        shown.public_key ? h('p', null, 'Public key: ', h('span', { class: 'mono' }, shown.public_key)) : null,
        json(settingsOf(shown), { label: 'Settings' }),
      ),
    );
  }
  draw().catch((e) => place.replaceChildren(errorBox(e, { retry: draw })));
  return place;
}

// --- what can be done ---

async function test(path) {
  const result = await api.post(`${path}/test`);
  await dialog({
    title: 'Test',
    wide: true,
    body: h(
      'div',
      null,
      h(
        'p',
        null,
        state(result.outcome),
        ' ',
        result.outcome === 'ok'
          ? `It took a sample event in ${ms(result.duration_ms)}.`
          : sentence(result.reason || `it answered ${result.code}`),
      ),
      h('p', { class: 'muted' }, 'A sample event was really sent, with the settings in force. It is recorded nowhere.'),
      exchange(result),
    ),
    actions: [{ label: 'Close', kind: 'primary' }],
  });
}

const unixOf = (text) => (text ? Math.floor(new Date(text).getTime() / 1000) : undefined);
const local = (unix) =>
  new Date((unix - new Date(unix * 1000).getTimezoneOffset() * 60) * 1000).toISOString().slice(0, 16);

// First what it would be, then the question, then the doing.
async function replay(path, shown) {
  const now = Math.floor(Date.now() / 1000);
  const what = field({
    label: 'What',
    name: 'outcome',
    type: 'select',
    options: [
      ['failed', 'What failed for good'],
      ['all', 'Everything, delivered or not'],
    ],
  });
  const since = field({ label: 'Accepted since', name: 'since', type: 'datetime-local', value: local(now - 86400) });
  const until = field({ label: 'Until', name: 'until', type: 'datetime-local', help: 'Empty: now.' });
  const body = await dialog({
    title: `Replay to ${shown.name || shown.id}`,
    body: ({ close }) =>
      form([what, since, until], {
        label: 'Count',
        cancel: () => close(),
        submit: async (v) => {
          const asked = { outcome: v.outcome, since: unixOf(v.since), until: unixOf(v.until) };
          close({ asked, count: await countAgain(path, asked) });
        },
      }),
  });
  if (!body) return;
  if (!body.count) {
    toast('There is nothing to send again in that time', 'info');
    return;
  }
  const yes = await confirm(
    `${plural(body.count, 'event')} would be sent again${shown.actions !== 'none' ? ', and what is answered to them is done again' : ''}.`,
    { title: 'Send again?', label: `Send ${plural(body.count, 'event')}` },
  );
  if (yes) await sendAgain([{ path, body: body.asked }], { title: 'Replay', expected: body.count });
}

async function activate(ctx, path, on) {
  if (
    !on &&
    !(await confirm('Nothing more is sent to it. What comes waits until it is enabled, or is too old.', {
      title: 'Disable the endpoint',
      label: 'Disable',
      danger: true,
    }))
  )
    return;
  await api.post(`${path}/${on ? 'enable' : 'disable'}`);
  ctx.refresh();
}

function actionsOf(ctx, path, shown) {
  if (!may('write')) return [];
  return [
    button('Test', { icon: 'send', run: () => test(path) }),
    button('Replay', { icon: 'replay', run: () => replay(path, shown) }),
    shown.active
      ? button('Disable', { icon: 'pause', run: () => activate(ctx, path, false) })
      : button('Enable', { icon: 'ok', kind: 'primary', run: () => activate(ctx, path, true) }),
  ];
}

// Where else this endpoint stands. The editor knows those of projects alone.
function ways({ owner, id }) {
  const org = owner.startsWith('@');
  const words = (path, query) => `#${path}?${new URLSearchParams(query)}`;
  return h(
    'nav',
    { class: 'toolbar', 'aria-label': 'More of this endpoint' },
    button('Dead letters', {
      icon: 'dead',
      small: true,
      href: words('/dead', { endpoint_id: id, ...(org ? {} : { project: owner }) }),
    }),
    org
      ? null
      : button('Template editor', {
          icon: 'templates',
          small: true,
          href: words('/templates', { project: owner, endpoint: id }),
        }),
  );
}

// --- the page ---

function live(ctx, path) {
  const parts = { top: numbers(), over: plots(), latency: latency(), retries: retriesCard() };
  const el = h('div', { class: 'stack' }, parts.over, grid(parts.latency, parts.retries));
  async function refresh() {
    const [n, r] = await Promise.all([api.get(`${path}/numbers`), api.get(`${path}/retries`)]);
    parts.top.update(n);
    parts.over.update(n.series);
    parts.latency.update(n.histogram);
    parts.retries.update(r);
    return n;
  }
  return { el, top: parts.top, refresh };
}

export async function show(ctx) {
  const { owner, id } = ctx.params;
  const path = `${ownerPath(owner)}/endpoints/${part(id)}`;
  const shown = await api.get(path);
  const now = live(ctx, path);
  const word = h('span', { class: 'state-line' });
  const why = reasonBox(ctx);

  async function refresh() {
    const n = await now.refresh();
    word.replaceChildren(
      endpointState(n),
      badge(shown.preset || 'events as JSON', 'muted'),
      h('span', { class: 'mono muted' }, `${shown.method} ${shown.url}`),
    );
    why.update(n);
  }

  async function again() {
    try {
      await refresh();
    } catch (e) {
      if (e.status !== 404) throw e;
      ctx.refresh(); // it was deleted meanwhile
    }
  }

  await refresh();
  poll(ctx, REFRESH_MS, again);
  return page(
    shown.name || shown.id,
    { sub: word, actions: actionsOf(ctx, path, shown), crumbs: [['Endpoints', '#/endpoints']] },
    ways(ctx.params),
    why,
    now.top,
    tabs(
      [
        { id: 'now', label: 'Now', content: now.el },
        { id: 'attempts', label: 'Recent attempts', content: () => later(attempts(ctx)) },
        { id: 'settings', label: 'Settings', content: () => settingsTab(ctx, path) },
      ],
      { selected: ctx.query.tab || 'now', onSelect: (tab) => ctx.setQuery({ tab: tab === 'now' ? '' : tab }) },
    ),
  );
}

function later(promise) {
  const place = h('div');
  promise.then(
    (el) => place.replaceChildren(el),
    (e) => place.replaceChildren(errorBox(e)),
  );
  return place;
}
