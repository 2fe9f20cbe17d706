// The daemon's settings as they are in force, and where each comes from.

import { api, session } from './lib-api.js';
import { dateTime } from './lib-format.js';
import { badge, card, facts, h, link, page, searchBox, table } from './lib-ui.js';

export const title = 'Settings';

const KINDS = { list: 'a list', number: 'a number', size: 'a size', choice: 'a choice', url: 'a URL' };

const shown = (value) =>
  value === null || value === undefined || value === '' || value.length === 0
    ? h('span', { class: 'muted' }, 'empty')
    : h('code', { class: 'setting-value' }, Array.isArray(value) ? value.join(', ') : String(value));

function origin(s) {
  return s.from === 'default' ? badge('default', 'muted') : badge(s.from, 'info');
}

function settingsTable(all, words) {
  const low = words.toLowerCase();
  const data = all.filter((s) => `${s.name} ${s.help} ${s.from} ${s.value}`.toLowerCase().includes(low));
  return table({
    caption: 'Settings',
    empty: 'No setting like this.',
    load: async () => ({ data, truncated: false }),
    columns: [
      { key: 'name', label: 'Setting', cell: (s) => h('code', null, s.name) },
      { key: 'value', label: 'In force', wide: true, cell: (s) => shown(s.value) },
      { key: 'from', label: 'Comes from', cell: origin },
      { key: 'default', label: 'Default', cell: (s) => shown(s.default) },
      {
        key: 'reload',
        label: 'Changed by',
        hint: 'A reload is SIGHUP to the daemon; nothing stops for it.',
        cell: (s) => (s.reload ? badge('reload', 'ok', 'replay') : badge('restart', 'muted', 'info')),
      },
      {
        key: 'help',
        label: 'What it is',
        wide: true,
        cell: (s) =>
          h(
            'span',
            { class: 'setting-help' },
            s.help || '',
            KINDS[s.kind] ? h('span', { class: 'muted' }, ` (${KINDS[s.kind]})`) : null,
          ),
      },
    ],
  });
}

function about() {
  const s = session();
  const out = (text, href) => {
    const a = link(text, href);
    a.target = '_blank';
    a.rel = 'noopener noreferrer';
    return a;
  };
  return card(
    'About',
    facts([
      ['Version', s.version],
      ['Address', s.public_url || window.location.origin],
      ['Clock at login', dateTime(s.time)],
      ['Metrics', out('/metrics', '/metrics')],
      ['API description', out('/v1/openapi.json', '/v1/openapi.json')],
    ]),
  );
}

export async function show() {
  const { data } = await api.get('/v1/settings');
  const where = h('div', { class: 'table-place' });
  const draw = (words) => where.replaceChildren(settingsTable(data, words));
  draw('');
  return page(
    title,
    { sub: 'As they are in force. Secrets are ***.' },
    about(),
    card(
      'Settings',
      h(
        'div',
        { class: 'toolbar' },
        searchBox({ label: 'Find a setting', placeholder: 'Name, word, origin', onChange: draw }),
      ),
      where,
    ),
  );
}
