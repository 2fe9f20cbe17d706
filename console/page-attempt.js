// One attempt: the exchange as it was, what went wrong, and which events were in it.

import { endpointName, eventHref } from './lib-event.js';
import { exchange } from './lib-exchange.js';
import { api, ownerPath } from './lib-api.js';
import { dateTime, ms, plural } from './lib-format.js';
import { explanation } from './lib-timeline.js';
import { badge, card, facts, h, page, state, table } from './lib-ui.js';

export const title = 'Attempt';

const PAGE = 50; // items of a batch shown at once

function itemsTable(project, items) {
  const columns = [
    { key: 'event_id', label: 'Event', cell: (one) => h('span', { class: 'mono' }, one.event_id) },
    { key: 'message_id', label: 'Message', cell: (one) => h('span', { class: 'mono' }, one.message_id ?? '–') },
    {
      key: 'acked',
      label: 'Acknowledged',
      cell: (one) => badge(one.acked ? 'yes' : 'no', one.acked ? 'ok' : 'warn', one.acked ? 'ok' : 'warn'),
    },
  ];
  const load = async ({ marker }) => {
    const from = marker || 0;
    return { data: items.slice(from, from + PAGE), truncated: from + PAGE < items.length, next_marker: from + PAGE };
  };
  return table({
    columns,
    load,
    caption: 'Events in this request',
    rowHref: (one) => eventHref(project, one.event_id),
  });
}

export async function show(ctx) {
  const { project, id } = ctx.params;
  const attempt = await api.get(`${ownerPath(project)}/attempts/${encodeURIComponent(id)}`);
  const items = attempt.items || [];
  return page(
    `Attempt ${attempt.attempt || ''} at ${attempt.endpoint_id || 'a deleted endpoint'}`,
    {
      crumbs: [
        ['Events', '#/events'],
        ...(items.length === 1 ? [[items[0].event_id, eventHref(project, items[0].event_id)]] : []),
      ],
      sub: dateTime(attempt.time),
    },
    card(
      null,
      facts([
        ['Outcome', state(attempt.outcome)],
        ['Code', h('span', { class: 'mono' }, String(attempt.code ?? '–'))],
        ['Took', ms(attempt.duration_ms)],
        ['Endpoint', endpointName(project, attempt)],
        ['Request id', h('span', { class: 'mono' }, attempt.delivery_id || '–')],
      ]),
      explanation(attempt),
    ),
    card('Request and answer', exchange(attempt)),
    card(`${plural(items.length, 'event')} in it`, itemsTable(project, items)),
  );
}
