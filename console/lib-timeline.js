// A message's life as a line from top to bottom: each event as it was accepted, each attempt with its exchange and what went wrong in
// words, what is still to come, and how it ended.
//
// entries(events, attempts) -> [{time_ms, kind: 'accepted'|'attempt'|'next'|'end', …}], oldest first
// timeline(entries, {project, many, opened}) -> Element; many: several events are shown, so each entry says of which;
//   opened: a Set of attempt ids whose exchange is open, kept up to date, so that a line drawn anew stays as it was
// explanation(attempt) -> Element | null;  sentence(text) begins with a capital

import { about, attemptHref, endpointName, eventHref, numbers } from './lib-event.js';
import { exchange } from './lib-exchange.js';
import { ms, plural, seconds } from './lib-format.js';
import { badge, h, icon, notice, state } from './lib-ui.js';

const ENDS = new Set(['failed', 'expired', 'superseded']);

function legEntries(event) {
  return (event.endpoints || []).flatMap((leg) => {
    if (leg.state === 'pending' && leg.next_attempt_time)
      return [{ kind: 'next', time_ms: leg.next_attempt_time * 1000, event, leg }];
    if (ENDS.has(leg.state) && leg.last_time) return [{ kind: 'end', time_ms: leg.last_time * 1000 + 999, event, leg }];
    return [];
  });
}

const ORDER = ['accepted', 'attempt', 'end', 'next'];

// What a newer event made needless is told by its end; that nothing was sent is no attempt.
const isAttempt = (one) => one.request || !['superseded', 'final'].includes(one.code);

export function entries(events, attempts) {
  const all = [
    ...events.map((event) => ({ kind: 'accepted', time_ms: event.time_accepted * 1000, event, seq: event.seq })),
    ...attempts
      .filter(isAttempt)
      .map((attempt) => ({ kind: 'attempt', time_ms: attempt.time_ms, attempt, seq: Number(attempt.id) })),
    ...events.flatMap(legEntries),
  ];
  // The log's counter says what came first; what is no row of the log comes by its time, behind.
  return all.sort((a, b) =>
    a.seq && b.seq ? a.seq - b.seq : a.time_ms - b.time_ms || ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind),
  );
}

const clockForm = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
});
const dayForm = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

function when(time_ms, exact) {
  const at = new Date(time_ms);
  const text = clockForm.format(at);
  return h(
    'time',
    { class: 'life-time', datetime: at.toISOString(), title: `${dayForm.format(at)}, ${text}` },
    exact ? text : text.slice(0, 8),
  );
}

function item(look, sign, time, ...children) {
  return h(
    'li',
    { class: `life-item is-${look}` },
    h('span', { class: 'life-sign' }, icon(sign)),
    h('div', { class: 'life-body' }, h('div', { class: 'life-head' }, time, children[0]), children.slice(1)),
  );
}

function accepted({ event }, { project, many }) {
  const word = about(event) === event.message?.content ? '' : about(event); // the text is quoted below
  const words = [
    h('strong', null, 'Accepted'),
    ' ',
    h('span', { class: 'mono' }, event.type),
    ' ',
    word && badge(word),
    ' ',
    h('span', { class: 'num muted' }, numbers(event)),
  ];
  return item(
    'info',
    'events',
    when(event.time_accepted * 1000),
    h('span', null, words),
    many
      ? h(
          'p',
          { class: 'life-note' },
          'Event ',
          h('a', { href: eventHref(project, event.id), class: 'mono' }, event.id),
        )
      : null,
    event.message?.content ? h('blockquote', { class: 'quote' }, event.message.content) : null,
  );
}

// As a sentence, unless it begins with the name of a setting.
export const sentence = (text) => (/^[a-z]+\b(?![._])/.test(text) ? text[0].toUpperCase() + text.slice(1) : text);

export function explanation(attempt) {
  const { what, cure } = attempt.explanation || { what: attempt.reason, cure: null };
  if (!what) return null;
  const kind = attempt.outcome === 'retry' ? 'warn' : attempt.outcome === 'failed' ? 'bad' : 'info';
  // Of the reason what is special to this attempt; a cure of its own, behind a semicolon, says no more than the other.
  const more =
    attempt.explanation && attempt.reason && !attempt.reason.includes(what) ? attempt.reason.split(';')[0] : null;
  return notice(
    kind,
    h('p', { class: 'strong' }, sentence(what)),
    more ? h('p', { class: 'reason' }, sentence(more)) : null,
    cure ? h('p', null, sentence(cure)) : null,
  );
}

// What else was in the same request: a batch names many, of which one page shows those it is about.
function itemsOf(attempt, { project, events }) {
  const own = (attempt.items || []).filter((one) => events.has(one.event_id));
  const others = (attempt.items || []).length - own.length;
  if (!others && own.length <= 1 && own.every((one) => one.acked === (attempt.outcome === 'ok'))) return null;
  return h(
    'ul',
    { class: 'acks' },
    own.map((one) =>
      h(
        'li',
        null,
        badge(one.acked ? 'acknowledged' : 'not acknowledged', one.acked ? 'ok' : 'warn', one.acked ? 'ok' : 'warn'),
        ' ',
        h('a', { class: 'mono', href: eventHref(project, one.event_id) }, one.event_id),
      ),
    ),
    others ? h('li', { class: 'muted' }, `in one request with ${plural(others, 'other event')}`) : null,
  );
}

const LOOKS = { ok: ['ok', 'ok'], retry: ['warn', 'replay'], failed: ['bad', 'bad'] };

function attemptItem({ attempt }, { project, events, opened }) {
  const [look, sign] = LOOKS[attempt.outcome] || ['muted', 'info'];
  const inside = h('div', { class: 'life-exchange' });
  const fill = () => {
    if (!inside.hasChildNodes()) inside.append(exchange(attempt));
  };
  const details = h(
    'details',
    {
      open: opened.has(attempt.id),
      on: {
        toggle: () => {
          if (details.open) opened.add(attempt.id);
          else opened.delete(attempt.id);
          if (details.open) fill();
        },
      },
    },
    h('summary', null, attempt.request ? 'Request and answer' : 'What was sent'),
    inside,
  );
  if (opened.has(attempt.id)) fill();
  const leg = events.leg(attempt) || attempt;
  return item(
    look,
    sign,
    when(attempt.time_ms, true),
    h(
      'span',
      { class: 'life-line' },
      state(attempt.outcome),
      endpointName(project, leg),
      h('a', { href: attemptHref(project, attempt.id) }, attempt.attempt ? `attempt ${attempt.attempt}` : 'no attempt'),
      h('span', { class: 'mono' }, String(attempt.code ?? '')),
      attempt.duration_ms ? h('span', { class: 'muted num' }, ms(attempt.duration_ms)) : null,
    ),
    explanation(attempt),
    itemsOf(attempt, { project, events }),
    details,
  );
}

function nextItem({ event, leg }, { project, many }) {
  return item(
    'info',
    'clock',
    when(leg.next_attempt_time * 1000),
    h(
      'span',
      null,
      h('strong', null, 'Next attempt'),
      ' at ',
      endpointName(project, leg),
      ' ',
      h(
        'span',
        { class: 'countdown num', dataset: { until: leg.next_attempt_time } },
        countdown(leg.next_attempt_time),
      ),
    ),
    many ? h('p', { class: 'life-note' }, 'Event ', h('span', { class: 'mono' }, event.id)) : null,
  );
}

const ENDINGS = {
  failed: ['bad', 'Failed for good', 'It is a dead letter now: mend what was wrong, then send it again.'],
  expired: ['bad', 'Too old', 'It was tried until its time was over. It is a dead letter now and can be sent again.'],
  superseded: [
    'muted',
    'Not needed any more',
    'A newer event of the message took its place, or a final one had been acknowledged.',
  ],
};

function endItem({ event, leg }, { project, many }) {
  const [look, words, more] = ENDINGS[leg.state];
  return item(
    look,
    look === 'bad' ? 'dead' : 'off',
    when(leg.last_time * 1000),
    h('span', null, h('strong', null, words), ' at ', endpointName(project, leg)),
    h('p', { class: 'life-note' }, many ? [h('span', { class: 'mono' }, event.id), ': '] : null, more),
  );
}

export function countdown(unix) {
  const left = Math.ceil(unix - Date.now() / 1000);
  return left > 0 ? `in ${seconds(left)}` : 'due now';
}

// One clock for all that counts down, for as long as the page is shown.
export function ticking(root, onLeave) {
  const timer = setInterval(() => {
    for (const el of root.querySelectorAll('[data-until]')) el.textContent = countdown(Number(el.dataset.until));
  }, 1000);
  onLeave(() => clearInterval(timer));
}

const MAKERS = { accepted, attempt: attemptItem, next: nextItem, end: endItem };

function lookup(all) {
  const known = new Map(all.filter((e) => e.kind === 'accepted').map((e) => [e.event.id, e.event]));
  return {
    has: (id) => known.has(id),
    leg: (attempt) =>
      (attempt.items || [])
        .flatMap((one) => known.get(one.event_id)?.endpoints || [])
        .find((leg) => leg.endpoint_id === attempt.endpoint_id),
  };
}

export function timeline(all, { project, many = false, opened = new Set() }) {
  const more = { project, many, opened, events: lookup(all) };
  return h(
    'ol',
    { class: 'life', 'aria-label': 'What happened, from first to last' },
    all.map((entry) => MAKERS[entry.kind](entry, more)),
  );
}
