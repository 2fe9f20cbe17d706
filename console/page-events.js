// Events: one field finds them by message, number or event id; filters for the rest; and a switch that lets new ones in as they come.
// What is asked for stands in the address, so that it can be kept, sent on, and gone back to.

import { about, EVENT_TYPES, eventHref, messageId, numbers, standing } from './lib-event.js';
import { api, merged, ownerPath } from './lib-api.js';
import { feed } from './lib-feed.js';
import { dateTime, time } from './lib-format.js';
import { field, h, page, picker, searchBox } from './lib-ui.js';
import { filterBar } from './lib-messaging.js';
import { follow } from './lib-stream.js';

export const title = 'Events';

const REFRESH_MS = 700; // between two looks at what came, while following
const PROJECTS_AT_ONCE = 5;
const SPANS = [
  ['', 'Any time'],
  ['3600', 'Last hour'],
  ['today', 'Today'],
  ['604800', 'Last 7 days'],
  ['between', 'Between …'],
];
const STATES = [['', 'Any'], 'pending', 'delivered', 'failed', 'expired'];

function startOfToday() {
  const now = new Date();
  return Math.floor(new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime() / 1000);
}

function times({ span, since, until }) {
  if (span === 'today') return { since: startOfToday() };
  if (span === 'between') return { since: since || null, until: until || null };
  return span ? { since: Math.floor(Date.now() / 1000) - Number(span) } : {};
}

const asked = (filters) => ({ q: filters.q, type: filters.type, state: filters.state, ...times(filters) });

function columns(all) {
  return [
    {
      label: 'Accepted',
      cell: (e) =>
        h(
          'time',
          {
            class: 'nowrap num',
            title: dateTime(e.time_accepted),
            datetime: new Date(e.time_accepted * 1000).toISOString(),
          },
          Date.now() / 1000 - e.time_accepted < 86400 ? time(e.time_accepted) : dateTime(e.time_accepted),
        ),
    },
    all && { label: 'Project', cell: (e) => e.project },
    { label: 'Type', cell: (e) => h('span', { class: 'mono' }, e.type) },
    { label: 'Message', cell: (e) => h('span', { class: 'mono clip' }, messageId(e) ?? e.id) },
    { label: 'Number', cell: (e) => h('span', { class: 'num' }, numbers(e)) },
    { label: 'What', cell: (e) => h('span', { class: 'clip' }, about(e)) },
    { label: 'At its endpoints', wide: true, cell: (e) => standing(e) },
  ].filter(Boolean);
}

// Tells at most every REFRESH_MS which projects something happened in.
function gatherer(tell) {
  let dirty = new Set();
  let timer = null;
  const stop = () => clearTimeout(timer);
  async function run() {
    const ids = [...dirty].slice(0, PROJECTS_AT_ONCE);
    dirty = new Set([...dirty].slice(PROJECTS_AT_ONCE));
    await tell(ids);
    timer = dirty.size ? setTimeout(run, REFRESH_MS) : null;
  }
  return {
    stop,
    add(id) {
      dirty.add(id);
      timer ??= setTimeout(run, REFRESH_MS);
    },
  };
}

function followed(list, project, filters, told) {
  const looks = gatherer(async (ids) => {
    const pages = await Promise.all(
      ids.map((id) =>
        api.get(`${ownerPath(id)}/events`, { ...asked(filters), page_size: 50 }).then(
          (answer) => answer.data.map((row) => ({ ...row, project: id })),
          () => [],
        ),
      ),
    );
    list.fresh(pages.flat().sort((a, b) => b.time_accepted - a.time_accepted || b.seq - a.seq));
  });
  const stop = follow({
    project,
    kinds: ['accepted', 'attempt'],
    on: (kind, data) => {
      const id = data.project ?? project;
      if (id) looks.add(id);
      else if (kind === 'skipped')
        list
          .rows()
          .slice(0, 50)
          .forEach((row) => looks.add(row.project));
    },
    onState: told,
  });
  return () => {
    stop();
    looks.stop();
  };
}

function localTime(unix) {
  const at = new Date(unix * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}

function between(filters, change) {
  const part = (name, label) => {
    const one = field({ label, name, type: 'datetime-local', value: filters[name] ? localTime(filters[name]) : '' });
    one.input.addEventListener('change', () =>
      change({ [name]: one.value ? String(Math.floor(new Date(one.value).getTime() / 1000)) : '' }),
    );
    return one;
  };
  return h('div', { class: 'toolbar', hidden: filters.span !== 'between' }, part('since', 'From'), part('until', 'To'));
}

// Follows until it is switched off or the page is left; begun anew when the filters change.
function followSwitch(begin, onLeave) {
  const state = h('span', { class: 'muted', 'aria-live': 'polite' });
  const box = h('input', { type: 'checkbox', role: 'switch' });
  let stop = null;
  const told = (connected, error) => {
    state.textContent = connected ? 'live' : error ? error.message : 'connecting again …';
  };
  const el = h('label', { class: 'switch' }, box, h('span', null, 'Follow'), state);
  const end = () => {
    if (stop) stop();
    stop = null;
    state.textContent = '';
  };
  el.again = () => {
    end();
    if (!box.checked) return;
    state.textContent = 'connecting …';
    stop = begin(told);
  };
  box.addEventListener('change', el.again);
  onLeave(end);
  return el;
}

function listOf(project, filters) {
  return feed({
    columns: columns(project === null),
    load: merged(project, '/events', asked(filters)),
    rowKey: (e) => `${e.project}/${e.id}`,
    rowHref: (e) => eventHref(e.project, e.id),
    caption: 'Events, newest first',
    empty: filters.q ? `Nothing has the message id, event id or number “${filters.q}”.` : 'No events here.',
  });
}

export async function show(ctx) {
  const filters = { q: '', type: '', state: '', span: '', since: '', until: '', ...ctx.query };
  const place = h('div');
  let list = null;
  const following = followSwitch((told) => followed(list, ctx.project, filters, told), ctx.onLeave);
  const begin = () => {
    list = listOf(ctx.project, filters);
    place.replaceChildren(list);
    following.again();
  };
  const range = between(filters, (more) => change(more));
  function change(more) {
    Object.assign(filters, more);
    range.hidden = filters.span !== 'between';
    ctx.setQuery(filters);
    begin();
  }
  const search = searchBox({
    label: 'Search events',
    placeholder: 'Message id, number or event id',
    value: filters.q,
    onChange: (q) => {
      if (q !== filters.q) change({ q });
    },
  });
  const bar = filterBar(search, [
    picker({ label: 'Time', options: SPANS, value: filters.span, onChange: (span) => change({ span }) }),
    picker({
      label: 'Type',
      options: [['', 'Any'], ...EVENT_TYPES],
      value: filters.type,
      onChange: (type) => change({ type }),
    }),
    picker({ label: 'State', options: STATES, value: filters.state, onChange: (state) => change({ state }) }),
  ]);
  bar.append(following);
  begin();
  return page(
    'Events',
    { sub: 'What happened to messages and contacts, and where it was delivered' },
    bar,
    range,
    place,
  );
}
