// The state of everything at a glance: what waits and for how long, what goes in and out, and what is in trouble first. Numbers come every two
// seconds; the plots, which are more work for everybody, after the first numbers stand and then every ten.

import { api, may, ownerPath, project } from './lib-api.js';
import { lineChart } from './lib-chart.js';
import { cure, endpointHref, endpointState, ownerWord, trouble } from './lib-endpoint.js';
import { bytes, ms, number, percent, plural, rate, seconds } from './lib-format.js';
import { overTime } from './lib-plots.js';
import { poll } from './lib-poll.js';
import { follow } from './lib-stream.js';
import { button, card, empty, h, icon, notice, page, stat, stats } from './lib-ui.js';

export const title = 'Overview';

const NUMBERS_MS = 2000;
const PLOTS_MS = 10000;
const OLD_S = 60;
const VERY_OLD_S = 600;

// --- numbers ---

function ageKind(s) {
  if (s === null || s < OLD_S) return null;
  return s < VERY_OLD_S ? 'warn' : 'bad';
}

function rateKind(x) {
  if (x === null || x >= 0.99) return null;
  return x >= 0.9 ? 'warn' : 'bad';
}

function numbers() {
  const made = {
    oldest: stat('Oldest waiting event', '–'),
    pending: stat('Backlog', '–'),
    accepted: stat('Accepted', '–'),
    delivered: stat('Delivered', '–'),
    success: stat('Success rate', '–'),
    latency: stat('Latency p50', '–'),
  };
  made.oldest.classList.add('lead');
  const el = stats(Object.values(made));
  el.update = (o) => {
    made.oldest.set(o.oldest_pending_s === null ? 'none' : seconds(Math.floor(o.oldest_pending_s)), {
      kind: ageKind(o.oldest_pending_s),
      hint: o.oldest_pending_s === null ? 'nothing waits' : 'since it was accepted',
    });
    made.pending.set(number(o.pending), { hint: `${number(o.waiting)} for a retry` });
    made.accepted.set(rate(o.accepted_per_s), { hint: 'events' });
    made.delivered.set(rate(o.delivered_per_s), { hint: `${rate(o.failed_per_s)} failed for good` });
    made.success.set(percent(o.success_rate), { kind: rateKind(o.success_rate), hint: 'last 5 min' });
    made.latency.set(ms(o.p50_ms), { hint: ['p99 ', h('b', null, ms(o.p99_ms))] });
  };
  return el;
}

// --- trouble ---

function troubleRow(row) {
  const why = [trouble(row) || 'Switched off.', row.failing_since ? cure(row) : null].filter(Boolean).join(' ');
  return h(
    'li',
    null,
    h(
      'a',
      { class: 'trouble-row', href: endpointHref(row) },
      h(
        'span',
        { class: 'trouble-name' },
        h('strong', null, row.name || row.id),
        h('span', { class: 'muted' }, ownerWord(row)),
      ),
      h('span', { class: 'trouble-why' }, why),
      endpointState(row),
      icon('right'),
    ),
  );
}

const COUNTED = ['ready', 'throttled', 'probe', 'paused', 'disabled'];

function counts(endpoints) {
  return h(
    'ul',
    { class: 'counts', 'aria-label': 'Endpoints by state' },
    COUNTED.filter((word) => endpoints[word]).map((word) =>
      h(
        'li',
        null,
        h(
          'a',
          { href: `#/endpoints?state=${word}` },
          endpointState({ state: word }),
          h('span', { class: 'num' }, number(endpoints[word], { exact: true })),
        ),
      ),
    ),
  );
}

function troubleCard() {
  const place = h('div');
  const tally = h('div');
  const el = card({ title: 'In trouble first', actions: [tally] }, place);
  let before = null;
  el.update = (o) => {
    const now = JSON.stringify([o.trouble, o.endpoints]);
    if (now === before) return; // whoever is on a link here stays there
    before = now;
    tally.replaceChildren(counts(o.endpoints));
    const focused = [...place.querySelectorAll('a')].findIndex((a) => a === document.activeElement);
    if (o.trouble.length) place.replaceChildren(h('ul', { class: 'trouble' }, o.trouble.map(troubleRow)));
    else if (o.endpoints.total)
      place.replaceChildren(
        h('p', { class: 'all-well' }, icon('ok'), `All ${plural(o.endpoints.total, 'endpoint')} are well.`),
      );
    else
      place.replaceChildren(
        empty('There is no endpoint yet.', may('write') ? button('Endpoints', { href: '#/endpoints' }) : null),
      );
    if (focused >= 0) (place.querySelectorAll('a')[focused] || place.querySelector('a'))?.focus();
  };
  return el;
}

// --- plots ---

const SPANS = { hour: 3600, day: 86400 };
const PLOTS = [
  [
    'Events a second',
    [
      ['Accepted', 'accepted', 'muted'],
      ['Delivered', 'delivered', 'accent'],
      ['Failed', 'failed', 'bad'],
    ],
    rate,
  ],
  ['Age of the oldest waiting event', [['Oldest', 'oldest_s', 'warn']], (v) => seconds(Math.round(v)), 1],
  ['Backlog', [['Waiting events', 'pending', 'violet']], number],
  [
    'Latency, accepted to delivered',
    [
      ['p50', 'p50_ms', 'accent'],
      ['p99', 'p99_ms', 'muted'],
    ],
    ms,
    1000,
  ],
];

const specOf = (lines, s, span) => ({
  step_s: s.step_s,
  end: s.end,
  span_s: SPANS[span],
  series: lines.map(([label, key, color]) => ({
    label,
    data: s[key],
    color,
    fill: color === 'accent' || lines.length === 1,
  })),
});

const plots = () =>
  overTime(
    PLOTS.map(([title, lines, unit, per_s]) => ({
      title,
      spec: (series, span) => specOf(lines, series, span),
      make: (spec) => lineChart({ ...spec, unit, per_s }),
    })),
  );

// --- the page ---

function storeNotice(store) {
  if (!store || store.ready) return null;
  return notice(
    'bad',
    h('p', { class: 'strong' }, 'The store takes no events.'),
    h('p', null, store.reason || 'It is not ready.'),
  );
}

const summary = (o) =>
  [
    plural(o.endpoints.total, 'endpoint'),
    o.projects === undefined ? null : plural(o.projects, 'project'),
    o.store ? `${bytes(o.store.bytes)} on disk` : null,
  ]
    .filter(Boolean)
    .join(' · ');

export async function show(ctx) {
  const path = ctx.project ? `${ownerPath(ctx.project)}/overview` : '/v1/overview';
  const top = numbers();
  const bad = troubleCard();
  const over = plots();
  const sub = h('span', { class: 'num' });
  const store = h('div');

  async function refresh() {
    const o = await api.get(path, { series: 0 });
    top.update(o);
    bad.update(o);
    sub.textContent = summary(o);
    const wrong = storeNotice(o.store);
    store.replaceChildren(...(wrong ? [wrong] : []));
  }

  const draw = async () => over.update((await api.get(path)).series);
  await refresh();
  const again = poll(ctx, NUMBERS_MS, refresh);
  poll(ctx, PLOTS_MS, draw)();
  ctx.onLeave(
    follow({
      project: project(),
      kinds: ['state'],
      on: (kind) => {
        if (kind === 'state') again();
      },
    }),
  );
  return page(title, { sub }, store, top, bad, over);
}
