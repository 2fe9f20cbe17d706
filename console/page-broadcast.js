// One broadcast: how far it is, its statuses, its messages.

import { api, ownerPath } from './lib-api.js';
import { dateTime, number, plural } from './lib-format.js';
import { button, card, facts, h, link, page, stat, state, stats } from './lib-ui.js';
import { byId, enc, listAll, messageTable, place, writers } from './lib-messaging.js';
import { bar, cancel, counts, isUnderWay } from './page-broadcasts.js';

export const title = 'Broadcast';

const POLL_MS = 1000;

function recipients(pid, b, groups) {
  const to = (b.recipients || []).map((r) => r.group_id || (r.type === 'group' ? r.id : null)).filter(Boolean);
  if (to.length) return to.map((id) => link(groups.get(id)?.name || id, `#/contacts?group_id=${enc(id)}`));
  return plural(counts(b).total, 'number');
}

function draw(pid, b, { list, groups }, reload) {
  const words = Object.entries(b.status_counts).filter(([, n]) => n > 0);
  return page(
    b.title || 'Broadcast',
    {
      crumbs: [['Broadcasts', '#/broadcasts']],
      sub: state(b.status),
      actions: isUnderWay(b)
        ? writers(
            button('Cancel', {
              kind: 'danger',
              run: async () => {
                await cancel({ ...b, project: pid });
                await reload();
              },
            }),
          )
        : [],
    },
    card('Progress', bar(b)),
    stats(
      ...words.map(([word, n]) => stat(word.replaceAll('_', ' '), number(n))),
      stat('replies', number(b.reply_count)),
      ...(b.track_clicks ? [stat('clicked', number(b.clicked_count))] : []),
    ),
    h(
      'div',
      { class: 'halves' },
      card(
        'Text',
        h(
          'div',
          { class: 'conversation' },
          h('div', { class: 'bubble is-outgoing' }, h('p', { class: 'bubble-text' }, b.content || '')),
        ),
      ),
      card(
        'About',
        facts([
          ['To', recipients(pid, b, groups)],
          ['Made', dateTime(b.time_created)],
          ['Last sent', dateTime(b.last_send_time)],
          ['Last reply', dateTime(b.last_reply_time)],
          ['id', h('code', null, b.id)],
        ]),
      ),
    ),
    card('Messages', list),
  );
}

export async function show(ctx) {
  const [pid, id] = place(ctx);
  const root = h('div', null);
  const groups = byId(await listAll(pid, 'groups'));
  const list = messageTable(
    { broadcast_id: id },
    { ids: pid, caption: 'Messages of the broadcast', empty: 'No messages yet.' },
  );
  let timer = null;
  let left = false;

  async function load() {
    const b = await api.get(`${ownerPath(pid)}/broadcasts/${enc(id)}`);
    if (left) return;
    root.replaceChildren(draw(pid, b, { list, groups }, load));
    if (isUnderWay(b)) timer = setTimeout(again, POLL_MS);
  }

  async function again() {
    if (left) return;
    list.reload({ quiet: true });
    await load().catch(() => {
      if (!left) timer = setTimeout(again, POLL_MS);
    });
  }

  ctx.onLeave(() => {
    left = true;
    clearTimeout(timer);
  });
  await load();
  return root;
}
