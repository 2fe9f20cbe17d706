// Broadcasts: one text to many, how far each is, and the end of what still waits.

import { api, merged, ownerPath } from './lib-api.js';
import { number } from './lib-format.js';
import { button, confirm, dialog, field, form, h, page, progress, state, table, timeAgo, toast } from './lib-ui.js';
import { enc, inProject, listAll, phoneOptions, projectColumn, writers } from './lib-messaging.js';

export const title = 'Broadcasts';

const POLL_MS = 2000;
const WAITS = ['queued', 'failed_queued'];

export const isUnderWay = (b) => b.status === 'queuing' || b.status === 'sending';

export function counts(b) {
  const total = Math.max(b.message_count, b.estimated_count || 0);
  const waits = WAITS.reduce((sum, word) => sum + (b.status_counts[word] || 0), 0);
  return { total, waits, done: b.message_count - waits };
}

export function bar(b) {
  const { total, done } = counts(b);
  return progress(done, total, `Progress of ${b.title || b.id}`);
}

export async function cancel(b) {
  const text =
    'What was sent stays sent, and what is with a gateway cannot be taken back. Everything else is cancelled.';
  if (
    !(await confirm(text, {
      danger: true,
      label: 'Cancel the broadcast',
      title: `Cancel ${b.title || 'this broadcast'}?`,
    }))
  )
    return;
  await api.post(`${ownerPath(b.project)}/broadcasts/${enc(b.id)}/cancel`);
  toast('Cancelled', 'ok');
}

const numbersOf = (text) => text.split(/[\s,;]+/).filter(Boolean);

// In one project: to a group, or to numbers.
export async function broadcastDialog(ctx, { pid = null, group = '' } = {}) {
  pid ||= await inProject('New broadcast');
  if (!pid) return;
  const [groups, phones] = await Promise.all([listAll(pid, 'groups'), listAll(pid, 'phones')]);
  const to = field({
    label: 'To',
    name: 'group_id',
    type: 'select',
    value: group,
    options: [...groups.map((g) => [g.id, `${g.name} (${number(g.num_members)})`]), ['', 'numbers …']],
  });
  const numbers = field({
    label: 'Numbers',
    name: 'to_numbers',
    type: 'textarea',
    rows: 4,
    placeholder: '+46701111111, +46702222222',
    help: 'up to 500, with blanks, commas or new lines between',
  });
  const look = () => {
    numbers.hidden = to.value !== '';
  };
  to.input.addEventListener('change', look);
  if (!group && groups.length) to.value = groups[0].id;
  look();
  const sent = await dialog({
    title: 'New broadcast',
    body: ({ close }) =>
      form(
        [
          field({ label: 'Title', name: 'title', help: 'only you see it' }),
          to,
          numbers,
          field({ label: 'Text', name: 'content', type: 'textarea', required: true }),
          field({ label: 'By phone', name: 'route_id', type: 'select', options: phoneOptions(phones), value: '' }),
          field({
            label: 'Fill in variables',
            name: 'replace_variables',
            type: 'checkbox',
            help: 'such as [[contact.name]]',
          }),
          field({ label: 'Track clicks', name: 'track_clicks', type: 'checkbox', help: 'its links become short ones' }),
        ],
        {
          label: 'Send to all of them',
          submit: async ({ group_id, to_numbers, title: name, route_id, ...rest }) => {
            const whom = group_id ? { group_id } : { to_numbers: numbersOf(to_numbers) };
            close(
              await api.post(`${ownerPath(pid)}/send_broadcast`, {
                ...rest,
                ...whom,
                title: name || undefined,
                route_id: route_id || undefined,
              }),
            );
          },
        },
      ),
  });
  if (!sent) return;
  toast('The broadcast is on its way', 'ok');
  ctx.go(`#/broadcasts/${enc(pid)}/${enc(sent.id)}`);
}

export async function show(ctx) {
  const list = table({
    caption: 'Broadcasts',
    empty: 'No broadcasts yet. A broadcast sends one text to a group or to many numbers.',
    load: merged(null, '/broadcasts', { sort: 'time_created', sort_dir: 'desc' }),
    rowHref: (b) => `#/broadcasts/${enc(b.project)}/${enc(b.id)}`,
    columns: [
      {
        key: 'title',
        label: 'Title',
        wide: true,
        cell: (b) => b.title || h('span', { class: 'snippet' }, b.content || b.id),
      },
      { key: 'status', label: 'Status', cell: (b) => state(b.status) },
      { key: 'progress', label: 'Made and gone', cell: bar },
      {
        key: 'failed',
        label: 'Failed',
        num: true,
        cell: (b) => number((b.status_counts.failed || 0) + (b.status_counts.not_delivered || 0)),
      },
      { key: 'replies', label: 'Replies', num: true, cell: (b) => number(b.reply_count) },
      ...projectColumn(),
      { key: 'time', label: 'When', cell: (b) => timeAgo(b.time_created) },
      ...writers({
        key: 'do',
        label: 'Actions',
        cell: (b) =>
          isUnderWay(b)
            ? button('Cancel', {
                small: true,
                run: async () => {
                  await cancel(b);
                  list.reload();
                },
              })
            : '',
      }),
    ],
  });
  const timer = setInterval(() => {
    if (!document.hidden && list.rows().some(isUnderWay)) list.reload({ quiet: true });
  }, POLL_MS);
  ctx.onLeave(() => clearInterval(timer));
  return page(
    title,
    {
      sub: 'Newest first.',
      actions: writers(
        button('New broadcast', { kind: 'primary', icon: 'broadcasts', run: () => broadcastDialog(ctx) }),
      ),
    },
    list,
  );
}
