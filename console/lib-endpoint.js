// What several pages say of an endpoint, from the rows of endpoint_numbers.
//
// endpointHref(row) -> '#/endpoints/shop/crm' or '#/endpoints/@acme/audit'
// ownerWord(row) -> 'shop' or 'organization acme'
// endpointState(row) -> its state as a badge; one that a person switched off is no alarm, one that is ready while events wait is behind
// trouble(row) -> one sentence why it is in trouble, or null when it is not
// cure(row) -> what helps against its last failure, in short, or null
// codeWords(code) -> 503 as '503', 'timeout' as 'no answer in time' …

import { badge, h, state } from './lib-ui.js';
import { number, percent, plural, seconds } from './lib-format.js';

const WORDS = {
  dns: 'its name cannot be looked up',
  connect: 'no connection',
  tls: 'TLS fails',
  timeout: 'no answer in time',
  reset: 'the connection breaks',
  protocol: 'no HTTP',
  too_large: 'the answer is too large',
  refused_address: 'its address is not allowed',
  bad_ack: 'the answer does not confirm',
  render: 'the request cannot be made',
};

export const codeWords = (code) => (code === null || code === undefined ? 'none yet' : WORDS[code] || String(code));

const part = encodeURIComponent;

export const endpointHref = (row) =>
  `#/endpoints/${row.owner === 'organization' ? `@${part(row.organization)}` : part(row.project)}/${part(row.id)}`;

export const ownerWord = (row) => (row.owner === 'organization' ? `organization ${row.organization}` : row.project);

const OLD_S = 60;

export const isBehind = (row) => row.state === 'ready' && row.pending > 0 && row.oldest_pending_s > OLD_S;

const HINTS = {
  throttled: 'failing: one request at a time is tried',
  probe: 'failing: one request is being tried',
};

function hinted(el, words) {
  if (words) {
    el.title = words;
    el.append(h('span', { class: 'visually-hidden' }, ` (${words})`));
  }
  return el;
}

export function endpointState(row) {
  if (row.state === 'disabled' && !row.disabled_reason) return badge('disabled', 'muted', 'off');
  if (isBehind(row)) return hinted(badge('behind', 'warn', 'clock'), 'ready, but events wait');
  return hinted(state(row.state), HINTS[row.state]);
}

function waits(row) {
  if (!row.pending) return '';
  const oldest = row.oldest_pending_s > 1 ? `, the oldest for ${seconds(Math.round(row.oldest_pending_s))}` : '';
  return ` ${plural(row.pending, 'event')} ${row.pending === 1 ? 'waits' : 'wait'}${oldest}.`;
}

function next(row) {
  const left = row.next_retry_time && row.next_retry_time - Date.now() / 1000;
  return left > 1 ? ` Next try in ${seconds(Math.round(left))}.` : '';
}

const lastAnswer = (row) =>
  typeof row.last_code === 'number'
    ? `the last answer was ${row.last_code}`
    : `the last time: ${codeWords(row.last_code)}`;

function since(row) {
  const for_s = row.failing_since && Date.now() / 1000 - row.failing_since;
  return for_s > 1 ? `has failed for ${seconds(Math.round(for_s))}` : 'fails';
}

const FAILING = 0.05; // of the last five minutes' exchanges
export function trouble(row) {
  if (row.state === 'disabled' || row.active === false) {
    return row.disabled_reason ? `Switched off by itself: ${row.disabled_reason}.${waits(row)}` : null;
  }
  if (row.state === 'throttled' || row.state === 'probe')
    return `It ${since(row)}, ${lastAnswer(row)}.${waits(row)}${next(row)}`;
  if (row.error_rate > FAILING)
    return `${percent(row.error_rate)} of its requests failed in the last 5 minutes; ${lastAnswer(row)}.${waits(row)}${next(row)}`;
  if (row.oldest_pending_s > OLD_S) {
    const full =
      row.in_flight >= row.window
        ? ` All ${number(row.window)} requests that it may have at a time are under way.`
        : '';
    return `${waits(row).trim()}${full}${next(row)}`;
  }
  return null;
}

// The API's own cures (src/dialect/meaning.c), as short as a row of a list wants them.
const CURES = {
  400: 'Look at its answer and at body.',
  401: 'Look at auth and headers.',
  403: 'Look at auth and secrets.',
  404: 'Look at url.',
  405: 'Look at method.',
  410: 'Look at url.',
  413: 'Send fewer events at once.',
  415: 'Look at content_type.',
  429: 'Look at rate_per_s.',
  503: null, // it is tried again, and that stands there
  dns: 'Check the host of the URL.',
  connect: 'Check host and port of the URL, and that the receiver runs.',
  tls: 'Look at its certificate.',
  timeout: 'Let it answer first and work afterwards.',
  protocol: 'Check the port of the URL.',
  refused_address: 'Use a public address and an allowed port.',
  bad_ack: 'Compare the answer with success.ack.',
  render: 'Correct url, headers or body.',
};
const FAMILIES = {
  3: 'Set url to where the redirect leads.',
  4: 'Look at its answer.',
  5: 'Look at the receiver’s log.',
};

export function cure({ last_code: code }) {
  if (code in CURES) return CURES[code];
  return FAMILIES[Math.floor(code / 100)] || null;
}
