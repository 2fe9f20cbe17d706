// One event, and with it the life of its message: where it stands at each endpoint, and everything that happened from first to last.
// It is drawn anew while things happen; what is open stays open.

import { endpointName, eventHref, isOwn, messageId, numbers } from './lib-event.js';
import { api, may, ownerPath } from './lib-api.js';
import { plural } from './lib-format.js';
import { sendAgain } from './lib-replay.js';
import { follow } from './lib-stream.js';
import { countdown, entries, ticking, timeline } from './lib-timeline.js';
import { button, card, confirm, errorBox, h, json, page, segments, state } from './lib-ui.js';

export const title = 'Event';

const ROUNDS = 4; // pages asked for in one go; a page of a search may be short
const ATTEMPTS = 100;
const EVENTS = 200;
const REDRAW_MS = 400;

async function gather(path, params, most) {
  const data = [];
  let marker = null;
  for (let round = 0; round < ROUNDS && data.length < most; round++) {
    const answer = await api.get(path, { ...params, page_size: Math.min(100, most), marker });
    data.push(...answer.data);
    marker = answer.truncated ? answer.next_marker : null;
    if (marker === null) break;
  }
  return { data, more: marker !== null };
}

async function load(project, id, whole) {
  const base = ownerPath(project);
  const event = await api.get(`${base}/events/${encodeURIComponent(id)}`);
  const mid = messageId(event);
  const by = whole && mid ? { message_id: mid } : { event_id: id };
  const [events, attempts] = await Promise.all([
    whole && mid ? gather(`${base}/events`, by, EVENTS) : { data: [event], more: false },
    gather(`${base}/attempts`, by, ATTEMPTS),
  ]);
  if (!events.data.some((one) => one.id === id)) events.data.push(event);
  return { event, mid, events: events.data, attempts: attempts.data, more: attempts.more || events.more };
}

// --- where it stands ---

async function again(project, leg, ids, done) {
  const many = plural(ids.length, 'event');
  if (
    !(await confirm(
      `${many} will be sent again to ${leg.endpoint_id}, with its settings of now. The receiver may get the same a second time.`,
      { title: 'Send again', label: 'Send again' },
    ))
  )
    return;
  const owner = ownerPath(leg.organization_id ? `@${leg.organization_id}` : project);
  await sendAgain([{ path: `${owner}/endpoints/${encodeURIComponent(leg.endpoint_id)}`, body: { event_ids: ids } }], {
    expected: ids.length,
  });
  done();
}

const settled = (leg) => leg.state !== 'pending' && isOwn(leg) && (!leg.organization_id || may('admin'));

function legRow(project, event, leg, done) {
  const next =
    leg.state === 'pending'
      ? h(
          'span',
          { class: 'num', dataset: leg.next_attempt_time ? { until: leg.next_attempt_time } : {} },
          leg.next_attempt_time ? countdown(leg.next_attempt_time) : 'as soon as it can',
        )
      : null;
  const actions = [
    may('write') && settled(leg)
      ? button('Send again', { icon: 'replay', small: true, run: () => again(project, leg, [event.id], done) })
      : null,
    leg.organization_id || !isOwn(leg)
      ? null
      : button('Template editor', {
          icon: 'templates',
          small: true,
          href: `#/templates?${new URLSearchParams({ project, endpoint: leg.endpoint_id, event: event.id })}`,
        }),
  ];
  return h(
    'li',
    { class: 'leg-row' },
    h('div', { class: 'leg-what' }, state(leg.state), endpointName(project, leg)),
    h(
      'div',
      { class: 'leg-more muted' },
      h('span', null, plural(leg.attempts, 'attempt')),
      leg.last_code !== null
        ? h('span', null, 'last answer ', h('span', { class: 'mono' }, String(leg.last_code)))
        : null,
      next ? h('span', null, 'next ', next) : null,
    ),
    h('div', { class: 'actions' }, actions),
  );
}

function standingCard(project, { events, event }, done) {
  const shown = [...events].sort((a, b) => b.seq - a.seq).filter((one) => (one.endpoints || []).length);
  if (!shown.length)
    return card(
      'Where it stands',
      h('p', { class: 'muted' }, 'No endpoint wants this event: none is there, or their filters leave it out.'),
    );
  return card(
    'Where it stands',
    shown.map((one) => [
      events.length > 1
        ? h(
            'h3',
            { class: 'leg-event' },
            h(
              'a',
              { class: 'mono', href: eventHref(project, one.id), 'aria-current': one.id === event.id ? 'true' : null },
              one.id,
            ),
            ' ',
            h('span', { class: 'muted' }, one.message?.status || one.type),
          )
        : null,
      h(
        'ul',
        { class: 'leg-rows' },
        one.endpoints.map((leg) => legRow(project, one, leg, done)),
      ),
    ]),
  );
}

// --- the page ---

function asTaken(event) {
  const { endpoints, seq, time_accepted: accepted, ...taken } = event;
  return h(
    'details',
    { class: 'card as-taken' },
    h('summary', null, 'The event as it was taken'),
    json(taken, { label: 'Event' }),
  );
}

function draw(place, project, found, opened, done) {
  const all = entries(found.events, found.attempts);
  place.replaceChildren(
    standingCard(project, found, done),
    card(
      { title: 'What happened', sub: found.more ? 'The latest part of it: there is more than one page shows.' : null },
      timeline(all, { project, many: found.events.length > 1, opened }),
    ),
    asTaken(found.event),
  );
}

const touches = (data, found) =>
  (data.items || [data]).some(
    (one) =>
      (found.mid && String(one.message_id) === String(found.mid)) ||
      found.events.some((e) => e.id === (one.event_id ?? one.id)),
  );

// Looks again soon after something happened to it; the stream only says that.
function watched(project, found, reload, onLeave) {
  let timer = null;
  const stop = follow({
    project,
    kinds: ['accepted', 'attempt'],
    on: (kind, data) => {
      if ((kind === 'skipped' || touches(data, found())) && !timer)
        timer = setTimeout(() => {
          timer = null;
          reload();
        }, REDRAW_MS);
    },
  });
  onLeave(() => {
    stop();
    clearTimeout(timer);
  });
}

export async function show(ctx) {
  const { project, id } = ctx.params;
  let whole = ctx.query.only !== 'event';
  let found = await load(project, id, whole);
  const opened = new Set();
  const place = h('div', { class: 'stack' });
  const reload = async () => {
    try {
      found = await load(project, id, whole);
      if (!place.querySelector('pre:focus, .tab-list :focus')) draw(place, project, found, opened, reload);
    } catch (e) {
      place.querySelector(':scope > .notice')?.remove();
      place.prepend(errorBox(e, { retry: reload }));
    }
  };
  draw(place, project, found, opened, reload);
  ticking(place, ctx.onLeave);
  watched(project, () => found, reload, ctx.onLeave);
  const choice = found.mid
    ? segments({
        label: 'What is shown',
        options: [
          ['message', 'Whole message'],
          ['event', 'This event'],
        ],
        value: whole ? 'message' : 'event',
        onChange: (value) => {
          whole = value === 'message';
          ctx.setQuery(whole ? {} : { only: 'event' });
          reload();
        },
      })
    : null;
  return page(
    found.mid ? `Message ${found.mid}` : `Event ${id}`,
    {
      crumbs: [['Events', '#/events']],
      sub: h(
        'span',
        null,
        h('span', { class: 'mono' }, id),
        numbers(found.event) ? ` · ${numbers(found.event)}` : '',
        ` · ${project}`,
      ),
      actions: [choice],
    },
    place,
  );
}
