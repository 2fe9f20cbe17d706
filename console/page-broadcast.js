// One broadcast: how far it is, its statuses, its messages.

import { api, ownerPath } from './lib-api.js';
import { dateTime, number } from './lib-format.js';
import { button, card, facts, h, link, page, stat, state, stats } from './lib-ui.js';
import { enc, messageTable, place, writers } from './lib-messaging.js';
import { bar, cancel, counts, isUnderWay } from './page-broadcasts.js';

export const title = 'Broadcast';

const POLL_MS = 1500;

function recipients(pid, b) {
  const groups = (b.recipients || []).filter((r) => r.type === 'group');
  if (groups.length) return groups.map((g) => link(g.name || g.group_id || g.id || 'a group', `#/contacts?group_id=${enc(g.group_id || g.id)}`));
  return `${number(counts(b).total)} numbers`;
}

function draw(pid, b, list, reload) {
  const words = Object.entries(b.status_counts).filter(([, n]) => n > 0);
  return page(b.title || 'Broadcast', { crumbs: [['Broadcasts', '#/broadcasts']], sub: state(b.status),
    actions: isUnderWay(b) ? writers(button('Cancel', { kind: 'danger', run: async () => {
      await cancel({ ...b, project: pid });
      await reload();
    } })) : [] },
  card('Progress', bar(b), stats(...words.map(([word, n]) => stat(word.replaceAll('_', ' '), number(n))), stat('replies', number(b.reply_count)),
    ...(b.track_clicks ? [stat('clicked', number(b.clicked_count))] : []))),
  h('div', { class: 'halves' },
    card('Text', h('div', { class: 'conversation' }, h('div', { class: 'bubble is-outgoing' }, h('p', { class: 'bubble-text' }, b.content || '')))),
    card('About', facts([['To', recipients(pid, b)], ['Made', dateTime(b.time_created)], ['Last sent', dateTime(b.last_send_time)], ['Last reply', dateTime(b.last_reply_time)],
      ['id', h('code', null, b.id)]]))),
  card('Messages', list));
}

export async function show(ctx) {
  const [pid, id] = place(ctx);
  const root = h('div', null);
  const list = messageTable({ broadcast_id: id }, { ids: pid, caption: 'Messages of the broadcast', empty: 'No messages yet.' });
  let timer = null;
  let left = false;

  async function load() {
    const b = await api.get(`${ownerPath(pid)}/broadcasts/${enc(id)}`);
    if (left) return;
    root.replaceChildren(draw(pid, b, list, load));
    if (isUnderWay(b)) timer = setTimeout(again, POLL_MS);
  }

  async function again() {
    if (left) return;
    list.reload({ quiet: true });
    await load().catch(() => { if (!left) timer = setTimeout(again, POLL_MS); });
  }

  ctx.onLeave(() => {
    left = true;
    clearTimeout(timer);
  });
  await load();
  return root;
}
