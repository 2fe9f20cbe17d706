// The frame of a page, buttons, words with a colour, code, what stands in place of content, and toasts. The signatures stand in lib-ui.js.

import { add, classes, freshId, h } from './lib-dom.js';
import { bus } from './lib-api.js';
import { icon } from './lib-icons.js';
import { ago, dateTime } from './lib-format.js';

// --- the frame of a page ---

export function page(title, { actions = [], sub = null, crumbs = [] } = {}, ...children) {
  return h(
    'div',
    { class: 'page' },
    crumbs.length
      ? h(
          'nav',
          { class: 'crumbs', 'aria-label': 'Where this is' },
          crumbs.map(([label, href]) => [h('a', { href }, label), icon('right')]),
        )
      : null,
    h(
      'header',
      { class: 'page-head' },
      h('div', { class: 'page-title' }, h('h1', { tabindex: '-1' }, title), sub ? h('p', { class: 'sub' }, sub) : null),
      actions.length ? h('div', { class: 'actions' }, actions) : null,
    ),
    children,
  );
}

export function card(title, ...children) {
  const {
    title: words,
    actions = [],
    sub = null,
  } = title && typeof title === 'object' && !(title instanceof Node) ? title : { title };
  const id = freshId('card');
  return h(
    'section',
    { class: 'card', 'aria-labelledby': words ? id : null },
    words
      ? h(
          'header',
          { class: 'card-head' },
          h('div', null, h('h2', { id }, words), sub ? h('p', { class: 'sub' }, sub) : null),
          actions.length ? h('div', { class: 'actions' }, actions) : null,
        )
      : null,
    children,
  );
}

export function stat(label, value, { hint = null, kind = null } = {}) {
  const shown = h('dd', { class: 'stat-value' });
  const below = h('dd', { class: 'stat-hint' });
  const el = h('div', { class: 'stat' }, h('dt', { class: 'stat-label' }, label), shown, below);
  el.set = (v, { hint: words = null, kind: look = null } = {}) => {
    el.classList.remove('is-ok', 'is-warn', 'is-bad', 'is-info', 'is-muted');
    if (look) el.classList.add(`is-${look}`);
    shown.replaceChildren();
    add(shown, look === 'bad' || look === 'warn' ? icon(look) : null, v);
    below.replaceChildren();
    add(below, words);
  };
  el.set(value, { hint, kind });
  return el;
}

export const stats = (...children) => h('dl', { class: 'stats' }, children);
export const grid = (...children) => h('div', { class: 'grid' }, children);
export const toolbar = (...children) => h('div', { class: 'toolbar' }, children);
export const facts = (pairs) =>
  h(
    'dl',
    { class: 'facts' },
    pairs.filter(Boolean).map(([name, value]) => h('div', null, h('dt', null, name), add(h('dd'), value))),
  );
export const link = (text, href) => h('a', { href }, text);

// --- buttons and words ---

// Not by `disabled`: that would take the focus away, and a dialog that closes could not give it back.
export async function busyWhile(el, work) {
  if (el.getAttribute('aria-busy')) return;
  el.setAttribute('aria-busy', 'true');
  el.setAttribute('aria-disabled', 'true');
  try {
    await work();
  } finally {
    el.removeAttribute('aria-busy');
    el.removeAttribute('aria-disabled');
  }
}

async function running(el, run, event) {
  try {
    await busyWhile(el, () => run(event));
  } catch (e) {
    if (e.name !== 'AbortError') toast(e.message, 'bad');
  }
}

export function button(
  label,
  {
    kind = 'plain',
    icon: sign = null,
    run = null,
    href = null,
    title = null,
    small = false,
    disabled = false,
    iconOnly = false,
  } = {},
) {
  const props = {
    class: classes('button', kind, small && 'small', iconOnly && 'icon-only'),
    title: title || (iconOnly ? label : null),
    'aria-label': iconOnly ? label : null,
  };
  const inside = [sign ? icon(sign) : null, iconOnly ? null : h('span', null, label)];
  if (href) return h('a', { ...props, href }, inside);
  const el = h('button', { ...props, type: 'button', disabled }, inside);
  if (run) el.addEventListener('click', (event) => running(el, run, event));
  return el;
}

export function badge(text, kind = 'muted', sign = null) {
  return h('span', { class: `badge is-${kind}` }, sign ? icon(sign) : null, h('span', null, text));
}

const STATES = {
  ready: ['ok', 'ok'],
  throttled: ['warn', 'warn'],
  probe: ['warn', 'probe'],
  paused: ['muted', 'pause'],
  disabled: ['bad', 'off'],
  deleted: ['muted', 'trash'],
  pending: ['info', 'clock'],
  waiting: ['info', 'clock'],
  delivered: ['ok', 'ok'],
  failed: ['bad', 'bad'],
  expired: ['bad', 'clock'],
  superseded: ['muted', 'off'],
  ok: ['ok', 'ok'],
  retry: ['warn', 'replay'],
  queued: ['info', 'clock'],
  sent: ['info', 'send'],
  received: ['ok', 'ok'],
  processing: ['info', 'clock'],
  not_delivered: ['bad', 'bad'],
  failed_queued: ['bad', 'bad'],
  cancelled: ['muted', 'off'],
  running: ['info', 'replay'],
  done: ['ok', 'ok'],
  active: ['ok', 'ok'],
  inactive: ['muted', 'off'],
  read: ['ok', 'ok'],
  queuing: ['info', 'clock'],
  sending: ['info', 'send'],
  complete: ['ok', 'ok'],
};

export function state(word) {
  const [kind, sign] = STATES[word] || ['muted', 'info'];
  return badge(String(word ?? '–').replaceAll('_', ' '), kind, sign);
}

export function timeAgo(unix) {
  if (unix === null || unix === undefined) return h('span', { class: 'muted' }, '–');
  const el = h(
    'time',
    { datetime: new Date(unix * 1000).toISOString(), title: dateTime(unix), dataset: { ago: unix } },
    ago(unix),
  );
  return el;
}

setInterval(() => {
  if (document.hidden) return;
  for (const el of document.querySelectorAll('time[data-ago]')) {
    const words = ago(Number(el.dataset.ago));
    if (el.textContent !== words) el.textContent = words;
  }
}, 5000);

export function copyButton(text, label = 'Copy') {
  return button(label, {
    icon: 'copy',
    small: true,
    run: async () => {
      const words = typeof text === 'function' ? text() : text;
      try {
        await navigator.clipboard.writeText(words);
      } catch {
        copyBySelection(words);
      }
      toast('Copied', 'ok');
    },
  });
}

// Where the clipboard's API is refused (plain HTTP, a frame), the old way.
function copyBySelection(words) {
  const area = h('textarea', { class: 'visually-hidden', value: words, 'aria-hidden': 'true' });
  (document.querySelector('dialog[open]') || document.body).append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (!done) throw new Error('this browser does not let the page copy: mark the text and copy it');
}

export function code(text, { lang = null, label = null } = {}) {
  return h(
    'pre',
    { class: 'code', tabindex: '0', dataset: lang ? { lang } : {}, role: label ? 'group' : null, 'aria-label': label },
    h('code', null, text),
  );
}

const JSON_PARTS = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function json(value, { label = null } = {}) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const inside = h('code');
  let at = 0;
  for (const m of text.matchAll(JSON_PARTS)) {
    const kind = m[2] ? 'j-key' : m[1] ? 'j-text' : m[3] ? 'j-word' : 'j-number';
    add(inside, text.slice(at, m.index), h('span', { class: kind }, m[1] || m[0]), m[2] || null);
    at = m.index + m[0].length;
  }
  add(inside, text.slice(at));
  return h('pre', { class: 'code', tabindex: '0', role: label ? 'group' : null, 'aria-label': label }, inside);
}

export function progress(value, total, label) {
  const bar = h('progress', { 'aria-label': label });
  const words = h('span', { class: 'num' });
  const el = h('div', { class: 'progress' }, bar, words);
  el.set = (v, t, text = null) => {
    bar.max = t || 1;
    bar.value = v;
    words.textContent = text ?? `${v.toLocaleString('en')} of ${t.toLocaleString('en')}`;
  };
  el.set(value, total);
  return el;
}

// --- what stands in place of content ---

export const spinner = (label = 'Loading…') =>
  h('div', { class: 'spinner', role: 'status' }, h('span', { class: 'spin', 'aria-hidden': 'true' }), label);

export function empty(text, action = null) {
  return h('div', { class: 'empty' }, h('p', null, text), action);
}

export function notice(kind, ...children) {
  return h(
    'div',
    { class: `notice is-${kind}`, role: kind === 'bad' ? 'alert' : 'note' },
    icon(kind),
    h('div', null, children),
  );
}

const CURES = {
  away: 'The page goes on by itself when it is back.',
  not_found: 'It was deleted, or never was, or this key may not see it.',
  forbidden: 'This key may not do that.',
};

export function errorBox(err, { retry = null } = {}) {
  const cure = CURES[err.code];
  const el = notice(
    'bad',
    h('p', { class: 'strong' }, err.param ? `${err.param}: ${err.message}` : err.message),
    cure ? h('p', null, cure) : null,
    retry ? button('Try again', { icon: 'replay', small: true, run: async () => retry() }) : null,
  );
  if (err.code === 'away' && retry) bus.addEventListener('back', () => el.isConnected && retry(), { once: true });
  return el;
}

// --- toasts ---

let toasts = null;

export function toast(text, kind = 'info') {
  if (!toasts) toasts = h('div', { class: 'toasts', role: 'status', 'aria-live': 'polite' });
  const place = [...document.querySelectorAll('dialog[open]')].pop() || document.body; // above a modal dialog nothing else is seen
  if (toasts.parentNode !== place) place.append(toasts);
  const el = h('div', { class: `toast is-${kind}` }, icon(kind), h('span', null, text));
  el.append(button('Close', { icon: 'close', iconOnly: true, small: true, run: async () => el.remove() }));
  toasts.append(el);
  setTimeout(() => el.remove(), kind === 'bad' ? 12000 : 5000);
}

// A dialog that goes takes no toast with it.
export function keepToasts(dialog) {
  if (toasts && dialog.contains(toasts)) document.body.append(toasts);
}
