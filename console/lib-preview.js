// The right side of the template editor: which events, and what requests come of them, while one types.
//
// eventChoice({project, event, onChange}) -> Promise of {el, body(), chosen()}: body() is what draft/render takes of it
// preview({project, ask}) -> {el, changed()}; ask() -> the draft's body; onFault(ApiError | null) -> true when it was shown elsewhere;
//   onRendered(answer). Answers that come after a newer question are passed over.

import { api, ownerPath } from './lib-api.js';
import { editor } from './lib-editor.js';
import { about, numbers } from './lib-event.js';
import { requestView } from './lib-exchange.js';
import { plural, time } from './lib-format.js';
import { badge, errorBox, field, h, notice } from './lib-ui.js';

const WAIT_MS = 250; // after the last key
const RECENT = 30;
const ROUNDS = 20; // pages without an event of this project, where others have many
const MOST = 100;
const SHOWN = 20; // requests drawn at once

const label = (event) =>
  [time(event.time_accepted), event.type, about(event), numbers(event)].filter(Boolean).join(' · ');

async function recent(project, wanted) {
  const base = ownerPath(project);
  let { data, truncated, next_marker: marker } = await api.get(`${base}/events`, { page_size: RECENT });
  for (let round = 0; round < ROUNDS && truncated && !data.length; round++) {
    ({ data, truncated, next_marker: marker } = await api.get(`${base}/events`, { page_size: RECENT, marker }));
  }
  if (wanted && !data.some((event) => event.id === wanted)) {
    const found = await api.get(`${base}/events/${encodeURIComponent(wanted)}`).catch(() => null);
    if (found) data.unshift(found);
  }
  return data;
}

const asWritten = ({ endpoints, seq, time_accepted: accepted, ...event }) => event;

export async function eventChoice({ project, event: wanted, onChange }) {
  const events = await recent(project, wanted);
  const which = field({
    label: 'Event',
    name: 'event',
    type: 'select',
    value: events.some((e) => e.id === wanted) ? wanted : '',
    options: [
      ['', 'The newest that it wants'],
      ...events.map((event) => [event.id, label(event)]),
      ['*own', 'One written here …'],
    ],
  });
  const count = field({ label: 'How many', name: 'count', type: 'number', value: 1, min: 1, max: MOST });
  const own = editor({ label: 'Event as JSON', rows: 6, onInput: onChange });
  own.el.hidden = true;
  const many = () => Math.max(1, Math.min(MOST, Number(count.value) || 1));

  function body() {
    if (which.value === '*own') return { events: [JSON.parse(own.value)].flat() };
    if (!which.value) return { latest: many() };
    const from = events.findIndex((event) => event.id === which.value);
    return { event_ids: events.slice(from, from + many()).map((event) => event.id) };
  }

  which.input.addEventListener('change', () => {
    own.el.hidden = which.value !== '*own';
    if (!own.el.hidden && !own.value)
      own.value = JSON.stringify(
        events.length ? asWritten(events[0]) : { type: 'send_status', message: { id: '1000007', status: 'delivered' } },
        null,
        2,
      );
    count.hidden = !own.el.hidden;
    onChange();
  });
  count.input.addEventListener('input', onChange);
  return {
    el: h('div', { class: 'stack event-choice' }, h('div', { class: 'two event-which' }, which, count), own.el),
    body,
    // A fault of the event that was written here. True when it is one.
    fault(error) {
      const mine =
        which.value === '*own' && error && (error instanceof SyntaxError || (error.param || '').startsWith('events'));
      own.fault(mine ? { message: error.param ? `${error.param}: ${error.message}` : error.message } : null);
      return Boolean(mine);
    },
  };
}

function requests(answer) {
  const all = answer.requests || [];
  return [
    ...all
      .slice(0, SHOWN)
      .map((one) =>
        h(
          'article',
          { class: 'preview-request' },
          all.length > 1 || one.event_ids.length > 1
            ? h('p', { class: 'muted' }, `${plural(one.event_ids.length, 'event')} in this request`)
            : null,
          requestView(one.request),
        ),
      ),
    all.length > SHOWN ? h('p', { class: 'muted' }, `… and ${plural(all.length - SHOWN, 'more request')}`) : null,
  ];
}

function remarks(answer) {
  const left = (answer.matches || []).filter((match) => !match).length;
  return [
    answer.sample ? notice('info', 'None of the newest events fits these settings, so this is a made-up one.') : null,
    left && !answer.sample
      ? notice(
          'warn',
          left === answer.matches.length
            ? 'The endpoint’s filters leave this out: it would not be sent.'
            : `The filters leave out ${left} of these events.`,
        )
      : null,
  ];
}

export function preview({ project, ask, onFault, onRendered }) {
  const status = h('span', { class: 'preview-status', 'aria-live': 'polite' });
  const inside = h('div', { class: 'preview-body stack' });
  const trouble = h('div', { class: 'preview-trouble' });
  let turn = 0;
  let timer = null;

  function wrong(error) {
    inside.classList.toggle('is-old', inside.hasChildNodes());
    status.replaceChildren(badge('cannot be used', 'bad', 'bad'));
    trouble.replaceChildren(onFault(error) ? '' : errorBox(error));
  }

  function right(answer) {
    onFault(null);
    trouble.replaceChildren();
    inside.classList.remove('is-old');
    status.replaceChildren(badge('renders', 'ok', 'ok'), ' ', plural((answer.requests || []).length, 'request'));
    inside.replaceChildren(...[...remarks(answer), ...requests(answer)].filter(Boolean));
    onRendered(answer);
  }

  async function render() {
    const mine = ++turn;
    try {
      const answer = await api.post(`${ownerPath(project)}/draft/render`, ask());
      if (mine === turn) right(answer);
    } catch (e) {
      if (mine === turn) wrong(e);
    }
  }

  return {
    el: h('div', { class: 'preview' }, trouble, inside),
    status,
    now: render,
    changed() {
      clearTimeout(timer);
      timer = setTimeout(render, WAIT_MS);
    },
    end() {
      clearTimeout(timer);
      turn++;
    },
  };
}
