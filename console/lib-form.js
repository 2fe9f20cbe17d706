// Fields and forms, what stands in toolbars, and tabs. The signatures stand in lib-ui.js.

import { add, freshId, h } from './lib-dom.js';
import { icon } from './lib-icons.js';
import { busyWhile, button, errorBox } from './lib-parts.js';

// --- fields and forms ---

function choice(option) {
  const { value, label } = Array.isArray(option)
    ? { value: option[0], label: option[1] }
    : typeof option === 'object'
      ? option
      : { value: option, label: option };
  return h('option', { value: value ?? '' }, label ?? value);
}

function control({ type = 'text', value, options, rows = 4, mono, ...more }) {
  const props = {
    class: mono ? 'mono' : null,
    name: more.name,
    id: more.id,
    required: more.required,
    placeholder: more.placeholder,
    disabled: more.disabled,
    autocomplete: more.autocomplete,
    spellcheck: more.spellcheck === false ? 'false' : null,
    'aria-describedby': more.describedby,
  };
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
  const words = h(
    'label',
    { for: id },
    label,
    more.required ? h('span', { class: 'muted', 'aria-hidden': 'true' }, ' *') : null,
  );
  const below = h('p', { class: 'field-help', id: `${id}-help` });
  add(below, help);
  const el =
    type === 'checkbox'
      ? h('div', { class: 'field check' }, input, h('div', null, words, help ? below : null, wrong))
      : h('div', { class: 'field' }, words, input, help ? below : null, wrong);
  el.input = input;
  el.name = name;
  Object.defineProperty(el, 'value', {
    get: () => read(input, type),
    set: (v) => {
      if (type === 'checkbox') input.checked = v;
      else input.value = v ?? '';
    },
  });
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
  return (
    fields.find((f) => f.name === param) ||
    fields.find((f) => param.startsWith(`${f.name}.`) || param.startsWith(`${f.name}[`))
  );
}

export function form(fields, { submit, label = 'Save', kind = 'primary', cancel = null } = {}) {
  const inputs = fields.flat(Infinity).filter((f) => f && f.input);
  const trouble = h('div', { class: 'form-error' });
  const go = h('button', { class: `button ${kind}`, type: 'submit' }, h('span', null, label));
  const el = h(
    'form',
    { class: 'form', novalidate: true },
    trouble,
    fields,
    h('div', { class: 'form-foot' }, go, cancel ? button('Cancel', { run: async () => cancel() }) : null),
  );
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
    if (go.getAttribute('aria-busy') || !complete()) return;
    try {
      await busyWhile(go, () => submit(el.values()));
    } catch (e) {
      show(e);
    }
  });
  return el;
}

export function searchBox({ label = 'Search', placeholder = label, value = '', onChange, wait_ms = 250 }) {
  let timer = null;
  const input = h('input', {
    type: 'search',
    value,
    placeholder,
    'aria-label': label,
    autocomplete: 'off',
    spellcheck: 'false',
    on: {
      input: () => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          if (input.isConnected) onChange(input.value.trim());
        }, wait_ms); // the page may have been left
      },
      keydown: (event) => {
        if (event.key !== 'Enter') return;
        clearTimeout(timer);
        onChange(input.value.trim());
      },
    },
  });
  const el = h(
    'div',
    { class: 'search', role: 'search' },
    icon('search'),
    input,
    h('kbd', { 'aria-hidden': 'true' }, '/'),
  );
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
  const buttons = options.map(([v, words]) =>
    h('button', { type: 'button', 'aria-pressed': String(v === value), on: { click: () => choose(v) } }, words),
  );
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
  const heads = items.map((item) =>
    h(
      'button',
      {
        type: 'button',
        role: 'tab',
        id: `${base}-${item.id}`,
        'aria-controls': `${base}-panel`,
        on: { click: () => select(item.id) },
      },
      item.label,
    ),
  );

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

  const row = h(
    'div',
    {
      class: 'tab-list',
      role: 'tablist',
      on: {
        keydown: (event) => {
          const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
          if (!step) return;
          const now = heads.indexOf(document.activeElement);
          const next = (now + step + heads.length) % heads.length;
          heads[next].focus();
          select(items[next].id);
        },
      },
    },
    heads,
  );
  const el = h('div', { class: 'tabs' }, row, panel);
  el.select = select;
  select(selected, { quiet: true });
  return el;
}
