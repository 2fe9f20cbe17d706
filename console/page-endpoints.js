// All endpoints with their numbers: which are in trouble, how much waits, and for how long. The table is the server's, page by page, so ten thousand
// are as quick as ten.

import { api, may, ownerPath, projects } from './lib-api.js';
import { sparkline } from './lib-chart.js';
import { endpointHref, endpointState, ownerWord } from './lib-endpoint.js';
import { ms, number, percent, rate, seconds } from './lib-format.js';
import { poll } from './lib-poll.js';
import { button, dialog, field, form, h, page, picker, searchBox, table, toast, toolbar } from './lib-ui.js';

export const title = 'Endpoints';

const REFRESH_MS = 5000;
// For a phone, where the heads of the columns are gone.
const SORTS = [
  ['trouble', 'Trouble first'],
  ['pending', 'Backlog'],
  ['oldest', 'Oldest'],
  ['error_rate', 'Errors'],
  ['p99', 'p99'],
  ['rate', 'Rate'],
  ['id', 'Endpoint'],
];
const STATES = [['', 'any'], 'ready', 'throttled', 'probe', 'paused', 'disabled'];

const nameCell = (row, all) =>
  h(
    'span',
    { class: 'two-lines' },
    h('span', null, row.name || row.id),
    h('span', null, all ? `${ownerWord(row)} / ${row.id}` : row.id),
  );
const mark = (words, bad) => (bad ? h('span', { class: 'is-wrong' }, words) : words);

function columns(all) {
  return [
    { key: 'id', label: 'Endpoint', sort: 'id', wide: true, cell: (row) => nameCell(row, all) },
    { key: 'state', label: 'State', cell: endpointState },
    {
      key: 'pending',
      label: 'Backlog',
      sort: 'pending',
      num: true,
      hint: 'Events not settled yet',
      cell: (row) => number(row.pending),
    },
    {
      key: 'oldest',
      label: 'Oldest',
      sort: 'oldest',
      num: true,
      hint: 'How long the oldest waiting event has waited',
      cell: (row) =>
        row.pending ? mark(seconds(Math.floor(row.oldest_pending_s ?? 0)), row.oldest_pending_s > 60) : '–',
    },
    {
      key: 'error_rate',
      label: 'Errors',
      sort: 'error_rate',
      num: true,
      hint: 'Share of requests that failed, last 5 minutes',
      cell: (row) => mark(percent(row.error_rate), row.error_rate > 0.05),
    },
    {
      key: 'p99',
      label: 'p99',
      sort: 'p99',
      num: true,
      hint: 'Latency, accepted to delivered, of 99 %',
      cell: (row) => ms(row.p99_ms),
    },
    {
      key: 'rate',
      label: 'Rate',
      sort: 'rate',
      num: true,
      hint: 'Delivered a second, last minute',
      cell: (row) => rate(row.per_s),
    },
    { key: 'spark', label: 'Last hour', cell: (row) => sparkline(row.spark, { failed: row.spark_failed }) },
  ];
}

// --- a new one ---

async function ownerField(ctx) {
  if (ctx.project) return null;
  const all = await projects();
  return field({ label: 'Project', name: 'project', type: 'select', options: all.map((p) => [p.id, p.name || p.id]) });
}

async function create(ctx) {
  const presets = await api.get('/v1/presets', { page_size: 500 });
  const owner = await ownerField(ctx);
  const fields = [
    owner,
    field({
      label: 'Id',
      name: 'id',
      required: true,
      mono: true,
      spellcheck: false,
      autocomplete: 'off',
      help: 'Letters, digits, - _ and .',
    }),
    field({ label: 'Name', name: 'name' }),
    field({
      label: 'Format',
      name: 'preset',
      type: 'select',
      options: [['', 'Standard events as JSON'], ...presets.data.map((p) => [p.name, p.name])],
    }),
    field({ label: 'URL', name: 'url', type: 'url', required: true, mono: true, placeholder: 'https://' }),
  ];
  await dialog({
    title: 'New endpoint',
    body: ({ close }) =>
      form(fields.filter(Boolean), {
        label: 'Create',
        cancel: () => close(),
        submit: async (v) => {
          const pid = v.project || ctx.project;
          const made = await api.post(`${ownerPath(pid)}/endpoints`, {
            id: v.id,
            name: v.name || null,
            preset: v.preset || undefined,
            url: v.url,
          });
          close();
          if (made.secret && made.secret !== '***')
            toast('It signs with a secret of its own; rotate it to see a new one', 'info');
          ctx.go(endpointHref({ owner: 'project', project: pid, id: made.id }));
        },
      }),
  });
}

// --- the page ---

export async function show(ctx) {
  const path = ctx.project ? `${ownerPath(ctx.project)}/endpoint_numbers` : '/v1/endpoint_numbers';
  const chosen = { q: ctx.query.q || '', state: ctx.query.state || '' };
  const sorted = { sort: ctx.query.sort || 'trouble', dir: ctx.query.dir || 'desc' };

  const order = picker({
    label: 'Sort by',
    options: SORTS,
    value: sorted.sort,
    onChange: (by) => list.sortBy(by, by === 'id' ? 'asc' : 'desc'),
  });
  order.classList.add('sort-picker');
  const list = table({
    caption: 'Endpoints and their numbers',
    columns: columns(!ctx.project),
    rowHref: endpointHref,
    ...sorted,
    empty: () => (chosen.q || chosen.state ? 'No endpoint is like that.' : 'There is no endpoint yet.'),
    load: ({ marker, sort, dir, signal }) => {
      order.input.value = sort;
      ctx.setQuery({ ...chosen, ...(sort === 'trouble' ? {} : { sort, dir }) });
      return api.get(path, { ...chosen, sort, sort_dir: dir, marker }, { signal });
    },
  });
  const change = (name) => (value) => {
    chosen[name] = value;
    list.reload();
  };
  list.classList.add('sorted-elsewhere');
  poll(ctx, REFRESH_MS, () => list.reload({ quiet: true }));
  return page(
    title,
    {
      actions: may('write') ? [button('New endpoint', { icon: 'plus', kind: 'primary', run: () => create(ctx) })] : [],
    },
    toolbar(
      searchBox({ label: 'Search endpoints', placeholder: 'Name, id or host', value: chosen.q, onChange: change('q') }),
      picker({ label: 'State', options: STATES, value: chosen.state, onChange: change('state') }),
      order,
    ),
    list,
  );
}
