// What pages are built from. Everything is made with DOM functions; a string always becomes a text node, so what stands in a name, a
// message or an answer of somebody's server cannot become markup.
//
// h(tag, props, ...children) -> Element. props: class, dataset: {}, on: {click: fn}, style: {width: '4px'}, any attribute (true sets an
//   empty one; null and false leave it out); value, checked, disabled, selected are set as properties. Children: strings, numbers,
//   nodes, arrays; null, undefined and false are skipped.
// page(title, {actions: [el], sub: string|node, crumbs: [[label, href]]}, ...children) -> the page's element, its heading is <h1>
// card(title | {title, actions: [el], sub}, ...children), stat(label, value, {hint, kind}) -> el.set(value, {hint, kind})
// stats(...stat), grid(...cards), toolbar(...els), facts([[name, value]]) (a definition list)
// button(label, {kind: 'primary'|'danger'|'plain', icon, run: async () => {}, href, title, small, disabled, iconOnly}); while run() is under way
//   it is disabled; what run() throws becomes a toast. link(text, href)
// badge(text, kind, iconName?), state(word): kinds ok, warn, bad, info, muted
// timeAgo(unix), code(text, {lang, label}), json(value), copyButton(text | () => text, label), progress(value, total, label) -> el.set(v, t, words?)
// errorBox(err, {retry: fn}), spinner(label), empty(text, action), notice(kind, ...children)
// table({columns, load, empty, rowHref, rowKey, caption, sort, dir, onLoad}) -> Element with reload({quiet}), rows()
//   columns: [{key, label, cell: (row) => node|string, sort: 'name', num: true, hint, wide: true}]; load({marker, sort, dir, signal}) -> list answer.
//   quiet: what is shown stays until the new rows are there, and only while the first page is all that is shown (for polling)
// field({label, name, type, value, help, options, required, placeholder, rows, min, max, mono, disabled, autocomplete, spellcheck}) -> Element with
//   .input, .value, .name, .error(text|null). type: text, password, number, textarea, select, checkbox, email, url, datetime-local, search
//   options: ['a', ['value', 'label'], {value, label}]
// form([field...], {submit: async (values) => {}, label, kind, cancel: fn}) -> <form>; an ApiError shows at the field its param names. el.values()
// dialog({title, body: node | ({close}) => node, actions: [{label, kind, run: async () => value}], wide}) -> Promise of what run() gave, or
//   undefined when it was closed. run() that gives false, or throws (the error shows inside), keeps it open.
// confirm(text, {danger, label, title, typed: 'crm'}) -> Promise of true or false; typed: the words to type before it can be pressed
// toast(text, kind: 'ok'|'bad'|'info')
// tabs([{label, id, content: node | () => node}], {selected, onSelect}) -> Element with select(id)
// searchBox({label, placeholder, value, onChange, wait_ms}), picker({label, options, value, onChange}) (a labelled select, for toolbars)
// segments({label, options: [[value, label]], value, onChange}) (a few choices side by side)

import { icon } from './lib-icons.js';
import { ago, dateTime } from './lib-format.js';

export { icon };

// --- elements ---

const AS_PROPERTY = new Set(['value', 'checked', 'disabled', 'selected', 'indeterminate']);

function put(el, name, value) {
  if (name === 'class') el.setAttribute('class', value);
  else if (name === 'dataset') Object.assign(el.dataset, value);
  else if (name === 'style') for (const [key, v] of Object.entries(value)) el.style.setProperty(key, v);
  else if (name === 'on') for (const [event, fn] of Object.entries(value)) el.addEventListener(event, fn);
  else if (AS_PROPERTY.has(name)) el[name] = value;
  else el.setAttribute(name, value === true ? '' : value);
}

export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value !== null && value !== undefined && value !== false) put(el, name, value);
  }
  add(el, children);
  return el;
}

export function add(el, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    el.append(child instanceof Node ? child : String(child));
  }
  return el;
}

let last = 0;
export const freshId = (word = 'id') => `${word}-${++last}`;

const classes = (...names) => names.filter(Boolean).join(' ');

// --- the frame of a page ---

export function page(title, { actions = [], sub = null, crumbs = [] } = {}, ...children) {
  return h('div', { class: 'page' },
    crumbs.length ? h('nav', { class: 'crumbs', 'aria-label': 'Where this is' }, crumbs.map(([label, href]) => [h('a', { href }, label), icon('right')])) : null,
    h('header', { class: 'page-head' },
      h('div', { class: 'page-title' }, h('h1', { tabindex: '-1' }, title), sub ? h('p', { class: 'sub' }, sub) : null),
      actions.length ? h('div', { class: 'actions' }, actions) : null),
    children);
}

export function card(title, ...children) {
  const { title: words, actions = [], sub = null } = title && typeof title === 'object' && !(title instanceof Node) ? title : { title };
  const id = freshId('card');
  return h('section', { class: 'card', 'aria-labelledby': words ? id : null },
    words ? h('header', { class: 'card-head' },
      h('div', null, h('h2', { id }, words), sub ? h('p', { class: 'sub' }, sub) : null),
      actions.length ? h('div', { class: 'actions' }, actions) : null) : null,
    children);
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
export const facts = (pairs) => h('dl', { class: 'facts' }, pairs.filter(Boolean).map(([name, value]) => h('div', null, h('dt', null, name), add(h('dd'), value))));
export const link = (text, href) => h('a', { href }, text);

// --- buttons and words ---

async function running(el, run, event) {
  el.disabled = true;
  el.setAttribute('aria-busy', 'true');
  try {
    await run(event);
  } catch (e) {
    if (e.name !== 'AbortError') toast(e.message, 'bad');
  } finally {
    el.disabled = false;
    el.removeAttribute('aria-busy');
  }
}

export function button(label, { kind = 'plain', icon: sign = null, run = null, href = null, title = null, small = false, disabled = false, iconOnly = false } = {}) {
  const props = { class: classes('button', kind, small && 'small', iconOnly && 'icon-only'), title: title || (iconOnly ? label : null),
    'aria-label': iconOnly ? label : null };
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
  ready: ['ok', 'ok'], throttled: ['warn', 'warn'], probe: ['warn', 'probe'], paused: ['muted', 'pause'], disabled: ['bad', 'off'], deleted: ['muted', 'trash'],
  pending: ['info', 'clock'], waiting: ['info', 'clock'], delivered: ['ok', 'ok'], failed: ['bad', 'bad'], expired: ['bad', 'clock'], superseded: ['muted', 'off'],
  ok: ['ok', 'ok'], retry: ['warn', 'replay'], queued: ['info', 'clock'], sent: ['info', 'send'], received: ['ok', 'ok'], processing: ['info', 'clock'],
  not_delivered: ['bad', 'bad'], failed_queued: ['bad', 'bad'], cancelled: ['muted', 'off'], running: ['info', 'replay'], done: ['ok', 'ok'], active: ['ok', 'ok'],
  inactive: ['muted', 'off'], read: ['ok', 'ok'], queuing: ['info', 'clock'], sending: ['info', 'send'], complete: ['ok', 'ok'],
};

export function state(word) {
  const [kind, sign] = STATES[word] || ['muted', 'info'];
  return badge(String(word ?? '–').replaceAll('_', ' '), kind, sign);
}

export function timeAgo(unix) {
  if (unix === null || unix === undefined) return h('span', { class: 'muted' }, '–');
  const el = h('time', { datetime: new Date(unix * 1000).toISOString(), title: dateTime(unix), dataset: { ago: unix } }, ago(unix));
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
  return button(label, { icon: 'copy', small: true, run: async () => {
    const words = typeof text === 'function' ? text() : text;
    try {
      await navigator.clipboard.writeText(words);
    } catch {
      copyBySelection(words);
    }
    toast('Copied', 'ok');
  } });
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
  return h('pre', { class: 'code', tabindex: '0', dataset: lang ? { lang } : {}, role: label ? 'region' : null, 'aria-label': label }, h('code', null, text));
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
  return h('pre', { class: 'code', tabindex: '0', role: label ? 'region' : null, 'aria-label': label }, inside);
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

export const spinner = (label = 'Loading…') => h('div', { class: 'spinner', role: 'status' }, h('span', { class: 'spin', 'aria-hidden': 'true' }), label);

export function empty(text, action = null) {
  return h('div', { class: 'empty' }, h('p', null, text), action);
}

export function notice(kind, ...children) {
  return h('div', { class: `notice is-${kind}`, role: kind === 'bad' ? 'alert' : 'note' }, icon(kind), h('div', null, children));
}

const CURES = { away: 'The page goes on by itself when it is back.', not_found: 'It was deleted, or never was, or this key may not see it.',
  forbidden: 'This key may not do that.' };

export function errorBox(err, { retry = null } = {}) {
  const cure = CURES[err.code];
  return notice('bad', h('p', { class: 'strong' }, err.param ? `${err.param}: ${err.message}` : err.message), cure ? h('p', null, cure) : null,
    retry ? button('Try again', { icon: 'replay', small: true, run: async () => retry() }) : null);
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

// --- dialogs ---

export function dialog({ title, body, actions = [], wide = false }) {
  return new Promise((resolve) => {
    const id = freshId('dialog');
    const trouble = h('div', { class: 'dialog-error' });
    let result;
    const close = (value) => {
      result = value;
      el.close();
    };
    const act = (action) => async () => {
      trouble.replaceChildren();
      try {
        const value = action.run ? await action.run() : undefined;
        if (value !== false) close(value);
      } catch (e) {
        trouble.replaceChildren(errorBox(e));
      }
    };
    const buttons = actions.map((action) => {
      const made = button(action.label, { kind: action.kind, run: act(action), disabled: action.disabled });
      if (action.bind) action.bind(made);
      return made;
    });
    const el = h('dialog', { class: classes('dialog', wide && 'wide'), 'aria-labelledby': id },
      h('header', { class: 'dialog-head' }, h('h2', { id }, title), button('Close', { icon: 'close', iconOnly: true, run: async () => close() })),
      h('div', { class: 'dialog-body' }, typeof body === 'function' ? body({ close }) : body, trouble),
      buttons.length ? h('footer', { class: 'dialog-foot' }, buttons) : null);
    el.addEventListener('close', () => {
      if (toasts && el.contains(toasts)) document.body.append(toasts);
      el.remove();
      resolve(result);
    });
    document.body.append(el);
    el.showModal();
    const first = el.querySelector('.dialog-body input, .dialog-body textarea, .dialog-body select, .dialog-foot .primary, .dialog-foot button');
    if (first) first.focus({ preventScroll: true });
  });
}

export async function confirm(text, { danger = false, label = 'Yes', title = 'Are you sure?', typed = null } = {}) {
  const word = typed && field({ label: `Type ${typed} to confirm`, name: 'typed', autocomplete: 'off', spellcheck: false });
  let yes;
  if (word) word.input.addEventListener('input', () => { yes.disabled = word.value !== typed; });
  return Boolean(await dialog({ title, body: h('div', null, typeof text === 'string' ? h('p', null, text) : text, word), actions: [
    { label: 'Cancel', run: () => undefined },
    { label, kind: danger ? 'danger' : 'primary', run: () => true, disabled: Boolean(typed), bind: (made) => { yes = made; } }] }));
}

// --- forms ---

function choice(option) {
  const { value, label } = Array.isArray(option) ? { value: option[0], label: option[1] } : typeof option === 'object' ? option : { value: option, label: option };
  return h('option', { value: value ?? '' }, label ?? value);
}

function control({ type = 'text', value, options, rows = 4, mono, ...more }) {
  const props = { class: mono ? 'mono' : null, name: more.name, id: more.id, required: more.required, placeholder: more.placeholder, disabled: more.disabled,
    autocomplete: more.autocomplete, spellcheck: more.spellcheck === false ? 'false' : null, 'aria-describedby': more.describedby };
  if (type === 'select') {
    const el = h('select', props, (options || []).map(choice));
    if (value !== undefined && value !== null) el.value = value;
    return el;
  }
  if (type === 'textarea') return h('textarea', { ...props, rows, value: value ?? '' });
  if (type === 'checkbox') return h('input', { ...props, type, checked: Boolean(value) });
  return h('input', { ...props, type, min: more.min, max: more.max, step: more.step, value: value ?? '' });
}

function read(input, type) {
  if (type === 'checkbox') return input.checked;
  if (type === 'number') return input.value === '' ? null : Number(input.value);
  return input.value;
}

export function field({ label, name, type = 'text', help = null, ...more }) {
  const id = freshId('field');
  const input = control({ ...more, type, name, id, describedby: `${id}-help ${id}-error` });
  const wrong = h('p', { class: 'field-error', id: `${id}-error`, role: 'alert' });
  const words = h('label', { for: id }, label, more.required ? h('span', { class: 'muted', 'aria-hidden': 'true' }, ' *') : null);
  const below = h('p', { class: 'field-help', id: `${id}-help` });
  add(below, help);
  const el = type === 'checkbox'
    ? h('div', { class: 'field check' }, input, h('div', null, words, help ? below : null, wrong))
    : h('div', { class: 'field' }, words, input, help ? below : null, wrong);
  el.input = input;
  el.name = name;
  Object.defineProperty(el, 'value', { get: () => read(input, type), set: (v) => { if (type === 'checkbox') input.checked = v; else input.value = v ?? ''; } });
  el.error = (text) => {
    wrong.replaceChildren();
    add(wrong, text ? [icon('bad'), text] : null);
    if (text) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  return el;
}

// The field that a fault is about: "headers.X-Tenant" is at "headers" when no field has just that name.
function fieldOf(fields, param) {
  return fields.find((f) => f.name === param) || fields.find((f) => param.startsWith(`${f.name}.`) || param.startsWith(`${f.name}[`));
}

export function form(fields, { submit, label = 'Save', kind = 'primary', cancel = null } = {}) {
  const inputs = fields.flat(Infinity).filter((f) => f && f.input);
  const trouble = h('div', { class: 'form-error' });
  const go = h('button', { class: `button ${kind}`, type: 'submit' }, h('span', null, label));
  const el = h('form', { class: 'form', novalidate: true }, trouble, fields, h('div', { class: 'form-foot' }, go, cancel ? button('Cancel', { run: async () => cancel() }) : null));
  el.values = () => Object.fromEntries(inputs.map((f) => [f.name, f.value]));

  function show(e) {
    const at = e.param && fieldOf(inputs, e.param);
    if (!at) return trouble.replaceChildren(errorBox(e));
    at.error(at.name === e.param ? e.message : `${e.param}: ${e.message}`);
    return at.input.focus();
  }

  function complete() {
    const lacking = inputs.filter((f) => f.input.required && f.value === '');
    lacking.forEach((f) => f.error('This is needed.'));
    if (lacking.length) lacking[0].input.focus();
    return lacking.length === 0;
  }

  el.addEventListener('submit', async (event) => {
    event.preventDefault();
    trouble.replaceChildren();
    inputs.forEach((f) => f.error(null));
    if (go.disabled || !complete()) return;
    go.disabled = true;
    try {
      await submit(el.values());
    } catch (e) {
      show(e);
    } finally {
      go.disabled = false;
    }
  });
  return el;
}

export function searchBox({ label = 'Search', placeholder = label, value = '', onChange, wait_ms = 250 }) {
  let timer = null;
  const input = h('input', { type: 'search', value, placeholder, 'aria-label': label, autocomplete: 'off', spellcheck: 'false', on: {
    input: () => {
      clearTimeout(timer);
      timer = setTimeout(() => { if (input.isConnected) onChange(input.value.trim()); }, wait_ms); // the page may have been left
    },
    keydown: (event) => {
      if (event.key !== 'Enter') return;
      clearTimeout(timer);
      onChange(input.value.trim());
    },
  } });
  const el = h('div', { class: 'search', role: 'search' }, icon('search'), input, h('kbd', { 'aria-hidden': 'true' }, '/'));
  el.input = input;
  return el;
}

export function picker({ label, options, value, onChange }) {
  const select = h('select', { on: { change: () => onChange(select.value) } }, options.map(choice));
  select.value = value ?? '';
  const el = h('label', { class: 'picker' }, h('span', null, label), select);
  el.input = select;
  return el;
}

export function segments({ label, options, value, onChange }) {
  const buttons = options.map(([v, words]) => h('button', { type: 'button', 'aria-pressed': String(v === value), on: { click: () => choose(v) } }, words));
  function choose(v) {
    buttons.forEach((b, i) => b.setAttribute('aria-pressed', String(options[i][0] === v)));
    onChange(v);
  }
  return h('div', { class: 'segments', role: 'group', 'aria-label': label }, buttons);
}

// --- tabs ---

export function tabs(items, { selected = items[0].id, onSelect = () => {} } = {}) {
  const base = freshId('tabs');
  const panel = h('div', { class: 'tab-panel', role: 'tabpanel', tabindex: '0', id: `${base}-panel` });
  const made = new Map();
  const heads = items.map((item) => h('button', { type: 'button', role: 'tab', id: `${base}-${item.id}`, 'aria-controls': `${base}-panel`, on: { click: () => select(item.id) } }, item.label));

  function select(id, { quiet = false } = {}) {
    const at = items.findIndex((item) => item.id === id);
    heads.forEach((head, i) => {
      head.setAttribute('aria-selected', String(i === at));
      head.tabIndex = i === at ? 0 : -1;
    });
    if (!made.has(id)) made.set(id, typeof items[at].content === 'function' ? items[at].content() : items[at].content);
    panel.setAttribute('aria-labelledby', heads[at].id);
    panel.replaceChildren();
    add(panel, made.get(id));
    if (!quiet) onSelect(id);
  }

  const row = h('div', { class: 'tab-list', role: 'tablist', on: { keydown: (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const now = heads.indexOf(document.activeElement);
    const next = (now + step + heads.length) % heads.length;
    heads[next].focus();
    select(items[next].id);
  } } }, heads);
  const el = h('div', { class: 'tabs' }, row, panel);
  el.select = select;
  select(selected, { quiet: true });
  return el;
}

// --- tables ---

// The roles are what the elements mean anyway; in a small window, where style.css lays rows out as cards, browsers would forget them.

function headCell(column, now, sortBy) {
  const props = { role: 'columnheader', scope: 'col', class: classes(column.num && 'num', column.wide && 'wide', column.sort && 'sortable'), title: column.hint || null };
  if (!column.sort) return h('th', props, column.label);
  const sorted = now.sort === column.sort;
  return h('th', { ...props, 'aria-sort': sorted ? (now.dir === 'asc' ? 'ascending' : 'descending') : 'none' },
    h('button', { type: 'button', class: 'sort', on: { click: () => sortBy(column) } }, h('span', null, column.label),
      h('span', { class: 'sort-sign' }, icon(sorted && now.dir === 'asc' ? 'up' : 'down'))));
}

function bodyRow(columns, row, rowHref) {
  const href = rowHref && rowHref(row);
  const cells = columns.map((column, i) => {
    const inside = column.cell ? column.cell(row) : row[column.key] ?? '–';
    const el = h(i === 0 ? 'th' : 'td', { role: i === 0 ? 'rowheader' : 'cell', scope: i === 0 ? 'row' : null, class: classes(column.num && 'num', column.wide && 'wide'), dataset: { label: column.label } });
    return add(el, i === 0 && href ? h('a', { href, class: 'row-link' }, inside) : inside);
  });
  const el = h('tr', { role: 'row', class: href ? 'linked' : null }, cells);
  if (href) {
    el.addEventListener('click', (event) => {
      if (event.target.closest('a, button, input, select, label, summary') || String(window.getSelection())) return;
      window.location.hash = href;
    });
  }
  return el;
}

export function table({ columns, load, empty: nothing = 'Nothing here.', rowHref = null, caption, sort = null, dir = 'desc', onLoad = () => {} }) {
  const now = { sort, dir };
  let rows = [];
  let marker = null;
  let pages = 0;
  let ending = null;
  const body = h('tbody', { role: 'rowgroup' });
  const head = h('tr', { role: 'row' });
  const foot = h('div', { class: 'table-foot', role: 'status' });
  const scroll = h('div', { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': caption },
    h('table', { role: 'table' }, h('caption', { class: 'visually-hidden' }, caption),
      h('thead', { role: 'rowgroup', class: columns.some((column) => column.sort) ? 'sorts' : null }, head), body));
  const el = h('div', { class: 'table' }, scroll, foot);

  function sortBy(column) {
    const first = column.num ? 'desc' : 'asc';
    now.dir = now.sort === column.sort ? (now.dir === 'asc' ? 'desc' : 'asc') : first;
    now.sort = column.sort;
    drawHead();
    el.reload();
  }

  function drawHead() {
    const focused = [...head.children].findIndex((th) => th.contains(document.activeElement));
    head.replaceChildren(...columns.map((column) => headCell(column, now, sortBy)));
    if (focused >= 0) head.children[focused].querySelector('button').focus();
  }

  function drawFoot(answer) {
    foot.replaceChildren();
    if (!rows.length) foot.append(marker === null ? empty(nothing) : empty('Nothing yet among what was looked through.'));
    if (answer.truncated) foot.append(button(rows.length ? 'Load more' : 'Look further', { run: () => more() }));
  }

  async function ask(from, quiet) {
    if (ending) ending.abort();
    const mine = new AbortController();
    ending = mine;
    if (!quiet) foot.replaceChildren(spinner());
    try {
      const answer = await load({ marker: from, sort: now.sort, dir: now.sort ? now.dir : null, signal: mine.signal });
      return mine.signal.aborted ? null : answer;
    } catch (e) {
      if (!mine.signal.aborted && !(quiet && e.code === 'away')) foot.replaceChildren(errorBox(e, { retry: () => (from === null ? el.reload() : more()) }));
      return null;
    } finally {
      if (ending === mine) ending = null;
    }
  }

  async function more() {
    const answer = await ask(marker, false);
    if (!answer) return;
    pages++;
    rows = rows.concat(answer.data);
    body.append(...answer.data.map((row) => bodyRow(columns, row, rowHref)));
    marker = answer.truncated ? answer.next_marker : null;
    drawFoot(answer);
    onLoad(rows, answer);
  }

  function drawFirst(answer) {
    const focused = [...body.children].findIndex((tr) => tr.contains(document.activeElement));
    pages = 1;
    rows = answer.data;
    body.replaceChildren(...rows.map((row) => bodyRow(columns, row, rowHref)));
    const again = focused >= 0 && body.children[Math.min(focused, rows.length - 1)];
    if (again) (again.querySelector('a, button, input') || scroll).focus();
    marker = answer.truncated ? answer.next_marker : null;
    drawFoot(answer);
    onLoad(rows, answer);
  }

  el.rows = () => rows;
  el.reload = async ({ quiet = false } = {}) => {
    if (quiet && (pages > 1 || ending)) return;
    if (!quiet) el.setAttribute('aria-busy', 'true');
    const answer = await ask(null, quiet);
    if (answer) drawFirst(answer);
    el.removeAttribute('aria-busy');
  };
  drawHead();
  el.reload();
  return el;
}
