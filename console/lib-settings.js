// The fields of the template editor: URL, method, body or parameters, headers, batch; and all settings as JSON. Faults that the API
// finds are shown at the field they are about.
//
// settingsForm({onChange}) -> {el, show(settings), fault(ApiError | null) -> true when a field took it, insert(text), broken()}
//   show() draws the fields from the settings, which then are changed in place; onChange() is called after each change.
//   broken() tells that the JSON of all settings cannot be read now, so that what is typed there does not count.

import { editor } from './lib-editor.js';
import { button, field, h, tabs } from './lib-ui.js';

const KINDS = [
  ['json', 'JSON template'],
  ['xml', 'XML template'],
  ['form', 'Form'],
  ['query', 'URL query'],
  ['event_json', 'The event as it is (JSON)'],
  ['webcom_xml', 'Webcom document (XML)'],
  ['webcom_json', 'Webcom document (JSON)'],
];
const TEMPLATED = new Set(['json', 'xml']);
const LISTED = new Set(['form', 'query']);

// Names and templates, row by row: headers, or the parameters of a form.
function pairs({ legend, what, onChange, focused }) {
  const rows = h('div', { class: 'pairs' });
  let list = [];
  const tell = () =>
    onChange(Object.fromEntries(list.map((row) => [row.name.value.trim(), row.value.value]).filter(([name]) => name)));

  function addRow(name, value) {
    const row = {
      name: h('input', {
        class: 'mono',
        value: name,
        'aria-label': `Name of the ${what}`,
        placeholder: 'Name',
        spellcheck: 'false',
        autocomplete: 'off',
        on: { input: tell },
      }),
      value: editor({ label: `Value of the ${what}${name ? ` ${name}` : ''}`, value, onInput: tell }),
    };
    focused(row.value);
    const remove = button(`Remove ${name || what}`, {
      icon: 'trash',
      iconOnly: true,
      small: true,
      run: async () => {
        list = list.filter((one) => one !== row);
        el.remove();
        tell();
      },
    });
    const el = h('div', { class: 'pair' }, row.name, row.value.el, remove);
    list.push(row);
    rows.append(el);
    return row;
  }

  return {
    el: h(
      'fieldset',
      { class: 'pairs-field' },
      h('legend', null, legend),
      rows,
      button(`Add a ${what}`, { icon: 'plus', small: true, run: async () => addRow('', '').name.focus() }),
    ),
    show(object) {
      const now = Object.entries(object || {}).filter(([, value]) => value !== null);
      if (JSON.stringify(now) === JSON.stringify(list.map((row) => [row.name.value, row.value.value]))) return;
      list = [];
      rows.replaceChildren();
      now.forEach(([name, value]) => addRow(name, typeof value === 'string' ? value : JSON.stringify(value)));
    },
    fault(name, error) {
      const row = list.find((one) => one.name.value.trim() === name);
      if (row) row.value.fault(error);
      return Boolean(row);
    },
    clear: () => list.forEach((row) => row.value.fault(null)),
  };
}

// Where JSON.parse stopped, as far as the browser says it.
function parseFault(error, text) {
  const at = /position (\d+)/.exec(error.message);
  return {
    message: `This is no JSON: ${error.message.replace(/ in JSON at position.*$/, '')}`,
    index: at ? Number(at[1]) : text.length,
  };
}

export function settingsForm({ onChange }) {
  let settings = {};
  let lastFocused = null;
  let broken = null; // what is wrong with the JSON of all settings: it counts for nothing until it is mended
  const focused = (one) =>
    one.input.addEventListener('focus', () => {
      lastFocused = one;
    });
  const set = (name) => (value) => {
    settings[name] = value;
    arrange();
    onChange();
  };
  const url = editor({ label: 'URL', onInput: set('url') });
  const body = editor({ label: 'Body', rows: 8, onInput: set('body') });
  [url, body].forEach(focused);
  const method = field({ label: 'Method', name: 'method', type: 'select', options: ['POST', 'GET'] });
  const kind = field({ label: 'What is sent', name: 'content_type', type: 'select', options: KINDS });
  method.input.addEventListener('change', () => set('method')(method.value));
  kind.input.addEventListener('change', () => set('content_type')(kind.value));
  const headers = pairs({ legend: 'Headers', what: 'header', onChange: set('headers'), focused });
  const fields = pairs({ legend: 'Parameters', what: 'parameter', onChange: set('fields'), focused });
  const made = h('p', { class: 'help muted', hidden: true });
  const items = field({
    label: 'Events in one request',
    name: 'batch.max_items',
    type: 'number',
    min: 1,
    max: 1000,
    placeholder: 'default',
  });
  const wait = field({
    label: 'Waits for them (ms)',
    name: 'batch.max_wait_ms',
    type: 'number',
    min: 0,
    placeholder: 'default',
  });
  for (const one of [items, wait]) {
    one.input.addEventListener('input', () => {
      settings.batch = { ...settings.batch, [one.name.slice(6)]: one.value };
      onChange();
    });
  }
  const all = editor({
    label: 'All settings',
    rows: 20,
    help: 'What is changed here counts; a setting that is removed goes back to the preset’s value.',
    onInput: (text) => {
      broken = null;
      try {
        const parsed = JSON.parse(text);
        Object.keys(settings).forEach((name) => delete settings[name]);
        Object.assign(settings, parsed);
        drawFields();
        onChange();
      } catch (e) {
        broken = parseFault(e, text);
        all.fault(broken);
      }
    },
  });

  // Only what counts for this kind of content is shown.
  function arrange() {
    const type = settings.content_type || 'json';
    const get = settings.method === 'GET';
    body.el.hidden = !TEMPLATED.has(type) || get;
    fields.el.hidden = !LISTED.has(type);
    batch.hidden = get;
    made.hidden = !body.el.hidden || !fields.el.hidden;
    made.textContent = TEMPLATED.has(type)
      ? 'A GET has no body: everything is in the URL.'
      : 'postrider makes this body itself.';
  }

  function drawFields() {
    url.value = settings.url || '';
    body.value = settings.body || '';
    method.value = settings.method || 'POST';
    kind.value = settings.content_type || 'json';
    headers.show(settings.headers);
    fields.show(settings.fields);
    items.value = settings.batch?.max_items ?? '';
    wait.value = settings.batch?.max_wait_ms ?? '';
    arrange();
  }

  const batch = h('div', { class: 'two' }, items, wait);
  const simple = h(
    'div',
    { class: 'stack settings-fields' },
    url.el,
    h('div', { class: 'two' }, method, kind),
    body.el,
    made,
    fields.el,
    headers.el,
    batch,
  );
  const el = tabs(
    [
      { id: 'fields', label: 'What matters', content: simple },
      { id: 'all', label: 'All settings', content: all.el },
    ],
    {
      onSelect: (id) => {
        if (id === 'all' && !broken) all.value = JSON.stringify(settings, null, 2);
      },
    },
  );

  function clear() {
    [url, body].forEach((one) => one.fault(null));
    [method, kind, items, wait].forEach((one) => one.error(null));
    headers.clear();
    fields.clear();
  }

  function place(error) {
    const [first, ...rest] = (error.param || '').split('.');
    const name = rest.join('.');
    if (first === 'url') return url.fault(error) ?? true;
    if (first === 'body' && !body.el.hidden) return body.fault(error) ?? true;
    if (first === 'headers' && name) return headers.fault(name, error);
    if (first === 'fields' && name) return fields.fault(name, error);
    const plain = [method, kind, items, wait].find((one) => one.name === error.param);
    if (plain) plain.error(error.message);
    return Boolean(plain);
  }

  return {
    el,
    show(now) {
      settings = now;
      broken = null;
      drawFields();
      all.value = JSON.stringify(settings, null, 2);
    },
    fault(error) {
      clear();
      return error ? place(error) : false;
    },
    broken: () => broken,
    insert: (text) => (lastFocused || body).insert(text),
  };
}
