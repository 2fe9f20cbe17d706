// One HTTP exchange as it was: where its time went, the request and the answer with headers and body, and the same request as a
// command. All of it was written by strangers, so it is text nodes only.
//
// exchange({request, response, timings, duration_ms, code, reason, outcome}, {answer}) -> Element; answer: false leaves the answer out
// timingBar(timings, duration_ms) -> Element
// requestView(request, {open}) -> Element: method, URL, headers, body; for what was only rendered, too

import { asCurl, bytesOf, bytesOfBase64, hexDump, isBinary, kindOf, pretty } from './lib-bytes.js';
import { bytes, ms } from './lib-format.js';
import { copyButton, h, tabs } from './lib-ui.js';

const PHASES = [
  ['dns', 'Name look-up'],
  ['connect', 'Connect'],
  ['tls', 'TLS'],
  ['first_byte', 'Waiting for the answer'],
  ['rest', 'Reading the answer'],
];

// The API says how long after the beginning each phase ended; what is shown is how long each took.
function spans(timings, total) {
  const ends = { ...timings, rest: total };
  const answered = Number.isFinite(ends.first_byte);
  let before = 0;
  return PHASES.filter(([name]) => ends[name] !== null && ends[name] !== undefined).map(([name, label]) => {
    const took = Math.max(0, ends[name] - before);
    before = Math.max(before, ends[name]);
    return { name, label: name === 'rest' && !answered ? 'Until it failed' : label, took };
  });
}

export function timingBar(timings, total) {
  const shown = spans(timings || {}, total);
  const words = shown.map((s) => `${s.label} ${ms(s.took)}`).join(', ');
  const bar = h(
    'div',
    { class: 'timing-bar', role: 'img', 'aria-label': words },
    shown.map((s) => h('span', { class: `phase phase-${s.name}`, style: { 'flex-grow': String(s.took) } })),
  );
  return h(
    'div',
    { class: 'timing' },
    bar,
    h(
      'ul',
      { class: 'timing-legend', 'aria-hidden': 'true' },
      ...shown.map((s) => h('li', {}, h('span', { class: `swatch phase-${s.name}` }), `${s.label} ${ms(s.took)}`)),
    ),
  );
}

function headerList(headers) {
  const rows = Object.entries(headers || {});
  if (!rows.length) return h('p', { class: 'muted' }, 'No headers');
  return h(
    'dl',
    { class: 'headers' },
    ...rows.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, String(value))]),
  );
}

const block = (text, look = '') => h('pre', { class: `bytes ${look}`, tabindex: '0' }, text);

function bodyNotes(side, size) {
  if (side.body_truncated) return `${bytes(side.body_bytes)}, of which the first ${bytes(size)} were kept`;
  return bytes(size);
}

function bodyView(side) {
  const text = side.body || '';
  const raw = side.body_base64 ? bytesOfBase64(side.body_base64) : bytesOf(text);
  if (!raw.length) return h('p', { class: 'muted' }, 'No body');
  const kind = kindOf(side.headers, text);
  const all = [
    { id: 'raw', label: 'Raw', content: () => block(text) },
    { id: 'hex', label: 'Hex', content: () => block(hexDump(raw), 'hex') },
  ];
  if (side.body_base64 || isBinary(text)) all.reverse();
  else if (kind !== 'text') all.unshift({ id: 'pretty', label: 'Pretty', content: () => block(pretty(kind, text)) });
  return h(
    'div',
    { class: 'body-view' },
    tabs(all),
    h('p', { class: 'body-notes' }, bodyNotes(side, raw.length), copyButton(text, 'Copy body')),
  );
}

function sideDetails(label, side, open) {
  const count = Object.keys(side.headers || {}).length;
  return [
    h(
      'details',
      { class: 'header-details', open },
      h('summary', {}, `${label} headers (${count})`),
      headerList(side.headers),
    ),
    bodyView(side),
  ];
}

export function requestView(request, { open = false } = {}) {
  return h(
    'section',
    { class: 'side request' },
    h(
      'h3',
      {},
      'Request',
      copyButton(() => asCurl(request), 'Copy as curl'),
    ),
    h('p', { class: 'request-line' }, h('b', {}, request.method), ' ', h('span', {}, request.url)),
    ...sideDetails('Request', request, open),
  );
}

function responseView(attempt) {
  const { response, code } = attempt;
  if (!response) {
    return h(
      'section',
      { class: 'side response' },
      h('h3', {}, 'Answer'),
      h('p', { class: 'muted' }, typeof code === 'string' ? `None came (${code})` : 'None came'),
    );
  }
  return h(
    'section',
    { class: 'side response' },
    h('h3', {}, `Answer${typeof code === 'number' ? ` ${code}` : ''}`),
    ...sideDetails('Answer', response, false),
  );
}

export function exchange(attempt, { answer = true } = {}) {
  if (!attempt.request) {
    return h(
      'p',
      { class: 'muted' },
      attempt.response || attempt.attempt
        ? 'The request cannot be shown: the event, or the endpoint’s settings of that time, are gone.'
        : 'Nothing was sent.',
    );
  }
  return h(
    'div',
    { class: 'exchange' },
    attempt.duration_ms ? timingBar(attempt.timings, attempt.duration_ms) : null,
    h('div', { class: 'sides' }, requestView(attempt.request), answer ? responseView(attempt) : null),
  );
}
