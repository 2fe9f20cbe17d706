// One phone: its gateway's settings, whether it sends, what the gateway answered, and a message to try it.

import { api, may, ownerPath } from './lib-api.js';
import { dateTime, ms } from './lib-format.js';
import {
  badge,
  button,
  card,
  confirm,
  facts,
  form,
  h,
  json,
  link,
  page,
  state,
  table,
  timeAgo,
  toast,
} from './lib-ui.js';
import { enc, forget, messageTable, nameOf, place, sendDialog, writers } from './lib-messaging.js';
import { KINDS, phoneFields, phoneState } from './page-phones.js';

export const title = 'Phone';

// What is sent to a gateway is in the attempts, under an id of its own.
function exchanges(pid, p) {
  if (p.phone_type === 'test') return null;
  return card(
    'Exchanges with the gateway',
    table({
      caption: 'Exchanges with the gateway',
      empty: 'Nothing was sent to the gateway yet.',
      load: ({ marker }) =>
        api.get(`${ownerPath(pid)}/attempts`, { endpoint_id: `_route.${p.id}`, page_size: 20, marker }),
      rowHref: (a) => `#/attempts/${enc(pid)}/${enc(a.id)}`,
      columns: [
        { key: 'id', label: 'Attempt', cell: (a) => `no. ${a.id}` },
        { key: 'outcome', label: 'Outcome', cell: (a) => state(a.outcome) },
        { key: 'code', label: 'Code', cell: (a) => String(a.code ?? '–') },
        { key: 'reason', label: 'Why', wide: true, cell: (a) => a.reason || '' },
        {
          key: 'message',
          label: 'Message',
          cell: (a) =>
            a.items?.[0]?.message_id ? link('message', `#/messages/${enc(pid)}/${enc(a.items[0].message_id)}`) : '–',
        },
        { key: 'duration', label: 'Took', num: true, cell: (a) => ms(a.duration_ms) },
        { key: 'time', label: 'When', cell: (a) => timeAgo(a.time) },
      ],
    }),
  );
}

function settings(p, save) {
  const { fields, read } = phoneFields(p);
  return card('Settings', form(fields, { label: 'Save', submit: (values) => save(read(values)[1]) }));
}

export async function show(ctx) {
  const [pid, id] = place(ctx);
  const path = `${ownerPath(pid)}/phones/${enc(id)}`;
  const p = await api.get(path);

  async function save(body, words = 'Saved') {
    await api.post(path, body);
    forget('phones');
    toast(words, 'ok');
    ctx.refresh();
  }

  async function remove() {
    if (
      !(await confirm('Its messages stay, and those that wait fail.', {
        danger: true,
        label: 'Delete',
        title: `Delete the phone ${nameOf(p)}?`,
      }))
    )
      return;
    await api.delete(path);
    forget('phones');
    toast('Deleted', 'ok');
    ctx.go('#/phones');
  }

  async function tryIt() {
    const m = await sendDialog({ pid, phone: p.id, title: 'Try this phone' });
    if (m) ctx.go(`#/messages/${enc(pid)}/${enc(m.id)}`);
  }

  const paused = p.send_paused;
  return page(
    nameOf(p),
    {
      crumbs: [['Phones', '#/phones']],
      sub: h('span', { class: 'head-line' }, badge(p.phone_type, 'muted', 'phones'), phoneState(p), p.phone_number),
      actions: writers(
        button('Send a message by it', { icon: 'send', kind: 'primary', run: tryIt }),
        button(paused ? 'Send again' : 'Pause sending', {
          run: () => save({ send_paused: !paused }, paused ? 'It sends again' : 'What is to be sent waits'),
        }),
        button('Delete', { kind: 'danger', icon: 'trash', run: remove }),
      ),
    },
    h(
      'div',
      { class: 'halves' },
      may('write') ? settings(p, save) : card('Gateway', json(p.config || {})),
      card(
        'About',
        facts([
          ['Type', KINDS[p.phone_type] || p.phone_type],
          ['Made', dateTime(p.time_created)],
          ['Last active', timeAgo(p.last_active_time)],
          ['id', h('code', null, p.id)],
        ]),
      ),
    ),
    exchanges(pid, p),
    card('Messages', messageTable({ phone_id: id }, { ids: pid, empty: 'No messages by this phone yet.' })),
  );
}
