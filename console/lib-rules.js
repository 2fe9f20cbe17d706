// The rules of a service: read as sentences, and edited in place. What is edited is an object like the one that the API takes; whatever
// an action has that no field is for (retry, tls, …) stays as it was.
//
// rulesView(actions) -> Element              nested lists of sentences
// rulesEditor(actions, {holder}) -> {el, value()}   actions is changed in place. Faults are shown by `holder`
// faults() -> holder                         knows which control belongs to which member of which object
//   holder.show(root, param, message) -> bool   marks the control of e.g. actions[2].then[0].content below root; false: there is none
// textControl(holder, object, name, label, {long, kind, ...}) -> Element, one member of an object as a labelled field

import { freshId, h } from './lib-ui.js';

// --- what there is ---

const ACTIONS = {
  send_reply: { label: 'Send a reply', fields: [['content', 'Text', { long: true }]] },
  send_message: {
    label: 'Send to somebody else',
    fields: [
      ['to_number', 'To'],
      ['content', 'Text', { long: true }],
    ],
  },
  set_variable: {
    label: 'Set a variable',
    fields: [
      ['name', 'Variable', { placeholder: 'contact.vars.city' }],
      ['value', 'Value', { scalar: true }],
    ],
  },
  add_group: { label: 'Put the contact into a group', fields: [['group', 'Group (name or id)']] },
  remove_group: { label: 'Take the contact out of a group', fields: [['group', 'Group (name or id)']] },
  add_label: { label: 'Put a label on the message', fields: [['label', 'Label (name or id)']] },
  notify_webhook: {
    label: 'Ask a webhook',
    fields: [
      ['url', 'URL', { placeholder: 'https://' }],
      ['secret', 'Secret', { optional: true }],
      ['timeout_ms', 'Time limit, ms', { number: true, optional: true }],
    ],
  },
  log_message: { label: 'Write into the service log', fields: [['text', 'Text', { long: true }]] },
  email: {
    label: 'Send a mail',
    fields: [
      ['to', 'To'],
      ['subject', 'Subject'],
      ['text', 'Text', { long: true }],
    ],
  },
  if: { label: 'If …', fields: [] },
  stop: { label: 'Stop this service', fields: [] },
};

const OPS = {
  equals: 'equals',
  not_equals: 'does not equal',
  contains: 'contains',
  begins_with: 'begins with',
  matches_number: 'is the phone number',
  exists: 'is not empty',
  gt: 'is greater than',
  lt: 'is less than',
};

// --- reading ---

const quoted = (value) => h('q', {}, typeof value === 'string' ? value : JSON.stringify(value));

const SENTENCES = {
  send_reply: (a) => ['Reply ', quoted(a.content)],
  send_message: (a) => ['Send to ', quoted(a.to_number), ': ', quoted(a.content)],
  set_variable: (a) => ['Set ', h('code', {}, String(a.name)), ' to ', quoted(a.value)],
  add_group: (a) => ['Put the contact into the group ', quoted(a.group)],
  remove_group: (a) => ['Take the contact out of the group ', quoted(a.group)],
  add_label: (a) => ['Label the message ', quoted(a.label)],
  notify_webhook: (a) => ['Ask the webhook ', h('code', {}, String(a.url)), ' and wait for its answer'],
  log_message: (a) => ['Write into the service log ', quoted(a.text)],
  email: (a) => ['Mail to ', quoted(a.to), ', subject ', quoted(a.subject)],
  stop: () => ['Stop here'],
};

function conditionWords(c) {
  const many = c && (c.all || c.any);
  if (many) {
    const parts = many.flatMap((one, i) => [i ? (c.all ? ' and ' : ' or ') : '', ...conditionWords(one)]);
    return ['(', ...parts, ')'];
  }
  if (!c || !OPS[c.op]) return [JSON.stringify(c)];
  return [h('code', {}, String(c.left)), ` ${OPS[c.op]}`, ...(c.op === 'exists' ? [] : [' ', quoted(c.right)])];
}

function readIf(action) {
  return h(
    'li',
    {},
    'If ',
    ...conditionWords(action.condition),
    ':',
    rulesView(action.then || []),
    action.else && action.else.length ? h('div', {}, 'otherwise:', rulesView(action.else)) : null,
  );
}

export function rulesView(actions) {
  if (!actions || !actions.length) return h('p', { class: 'muted' }, 'Nothing is done.');
  return h(
    'ol',
    { class: 'rules-view' },
    ...actions.map((action) => {
      if (action.type === 'if') return readIf(action);
      const words = SENTENCES[action.type];
      return h('li', {}, ...(words ? words(action) : [JSON.stringify(action)]));
    }),
  );
}

// --- faults ---

function steps(param) {
  return [...param.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map((m) => (m[2] === undefined ? m[1] : Number(m[2])));
}

export function faults() {
  const known = new Map(); // object -> Map(member -> {input, note})
  const clear = ({ input, note }) => {
    input.removeAttribute('aria-invalid');
    note.textContent = '';
    note.hidden = true;
  };
  return {
    register(object, name, control) {
      if (!known.has(object)) known.set(object, new Map());
      known.get(object).set(name, control);
      control.input.addEventListener('input', () => clear(control));
    },
    show(root, param, message) {
      let at = root;
      let found = null;
      for (const step of steps(param || '')) {
        const control = known.get(at)?.get(step);
        if (control?.input.isConnected) found = control;
        if (at === null || typeof at !== 'object') break;
        at = at[step];
      }
      const whole = known.get(at)?.get(null);
      if (!found && whole?.input.isConnected) found = whole;
      if (!found) return false;
      found.input.setAttribute('aria-invalid', 'true');
      found.note.textContent = message;
      found.note.hidden = false;
      found.input.focus();
      return true;
    },
  };
}

// --- single members ---

function labelled(holder, object, name, label, input, more = null) {
  const id = freshId('rule');
  const note = h('p', { class: 'field-error', id: `${id}-error`, hidden: true, role: 'alert' });
  input.id = id;
  input.setAttribute('aria-describedby', `${id}-error`);
  holder.register(object, name, { input, note });
  return h(
    'div',
    { class: 'field' },
    h('label', { for: id }, label),
    more ? h('div', { class: 'beside' }, input, more) : input,
    note,
  );
}

function taken(object, name, text, { number, optional, list }) {
  if (list) {
    const lines = text
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean);
    return lines.length ? lines : undefined;
  }
  if (text === '' && optional) return undefined;
  return number && text.trim() !== '' && !Number.isNaN(Number(text)) ? Number(text) : text;
}

export function textControl(holder, object, name, label, options = {}) {
  const value = object[name];
  const input = h(options.long || options.list ? 'textarea' : 'input', {
    placeholder: options.placeholder || null,
    spellcheck: 'false',
  });
  if (options.long || options.list) input.rows = options.list ? 3 : 2;
  input.value = options.list ? (value || []).join('\n') : value === undefined || value === null ? '' : String(value);
  input.addEventListener('input', () => {
    const now = taken(object, name, input.value, options);
    if (now === undefined) delete object[name];
    else object[name] = now;
  });
  return labelled(holder, object, name, label, input);
}

export function choiceControl(holder, object, name, label, choices, onChange) {
  const select = h('select', {}, ...choices.map(([value, text]) => h('option', { value }, text)));
  select.value = object[name] ?? choices[0][0];
  select.addEventListener('change', () => {
    object[name] = select.value;
    if (onChange) onChange();
  });
  return labelled(holder, object, name, label, select);
}

// A text, a number, true, false or nothing: what JSON has beside lists and objects.
function scalarControl(holder, object, name, label) {
  const kinds = { text: 'a text', number: 'a number', true: 'true', false: 'false', null: 'nothing' };
  const value = object[name];
  const kind =
    typeof value === 'string' || value === undefined ? 'text' : typeof value === 'number' ? 'number' : String(value);
  const select = h(
    'select',
    { 'aria-label': `${label}: what it is` },
    ...Object.entries(kinds).map(([word, text]) => h('option', { value: word }, text)),
  );
  const input = h('input', { spellcheck: 'false' });
  select.value = kind;
  input.value = kind === 'text' || kind === 'number' ? (value ?? '') : '';
  const take = () => {
    input.hidden = !['text', 'number'].includes(select.value);
    if (select.value === 'text') object[name] = input.value;
    else if (select.value === 'number')
      object[name] =
        input.value.trim() !== '' && !Number.isNaN(Number(input.value)) ? Number(input.value) : input.value;
    else object[name] = JSON.parse(select.value);
  };
  select.addEventListener('change', take);
  input.addEventListener('input', take);
  take();
  return labelled(holder, object, name, label, input, select);
}

const key = (text, label, run, more = {}) =>
  h('button', { type: 'button', class: 'button plain small', 'aria-label': label, on: { click: run }, ...more }, text);

// --- lists whose entries are moved, added, taken away ---

// entries is changed in place and drawn anew, with the focus where the hand was.
export function listEditor({ entries, draw, add, what, className }) {
  const list = h('ol', { class: className });
  const move = (from, to) => {
    entries.splice(to, 0, ...entries.splice(from, 1));
    redraw();
    list.children[to]?.querySelector(to < from ? '[data-move="up"]' : '[data-move="down"]')?.focus();
  };
  const tools = (i) =>
    h(
      'span',
      { class: 'entry-tools' },
      key('↑', `Move ${what} ${i + 1} up`, () => move(i, i - 1), { disabled: i === 0, dataset: { move: 'up' } }),
      key('↓', `Move ${what} ${i + 1} down`, () => move(i, i + 1), {
        disabled: i === entries.length - 1,
        dataset: { move: 'down' },
      }),
      key('✕', `Remove ${what} ${i + 1}`, () => {
        entries.splice(i, 1);
        redraw();
        (
          list.children[Math.min(i, entries.length - 1)]?.querySelector('input, select, textarea') ||
          adder.querySelector('button, select')
        ).focus();
      }),
    );
  function redraw() {
    list.replaceChildren(
      ...entries.map((entry, i) => h('li', { class: 'entry' }, ...draw(entry, i, tools(i), redraw))),
    );
  }
  const adder = add((entry) => {
    entries.push(entry);
    redraw();
    list.lastElementChild.querySelector('input, select, textarea')?.focus();
  });
  redraw();
  return h('div', { class: 'list-editor' }, list, adder);
}

export function entryHead(i, words, tools) {
  return h(
    'div',
    { class: 'entry-head' },
    h('span', { class: 'entry-number' }, `${i + 1}.`),
    h('strong', {}, words),
    tools,
  );
}

// --- conditions ---

const leaf = () => ({ left: '[[word1]]', op: 'equals', right: '' });

function leafEditor(holder, c, redraw) {
  const right = textControl(holder, c, 'right', 'With');
  right.hidden = c.op === 'exists';
  return h(
    'div',
    { class: 'condition' },
    textControl(holder, c, 'left', 'Compare'),
    choiceControl(holder, c, 'op', 'How', Object.entries(OPS), () => {
      if (c.op === 'exists') delete c.right;
      else if (c.right === undefined) c.right = '';
      redraw();
    }),
    right,
  );
}

function groupEditor(holder, c, word, redraw) {
  const which = h(
    'select',
    { 'aria-label': 'How the conditions go together' },
    h('option', { value: 'all' }, 'all of these'),
    h('option', { value: 'any' }, 'any of these'),
  );
  which.value = word;
  which.addEventListener('change', () => {
    const list = c[word];
    delete c[word];
    c[which.value] = list;
    redraw();
  });
  return h(
    'div',
    { class: 'condition-group' },
    which,
    listEditor({
      entries: c[word],
      what: 'condition',
      className: 'conditions',
      draw: (one, i, tools, again) => [conditionEditor(holder, one, again), tools],
      add: (push) => key('Add a condition', 'Add a condition', () => push(leaf())),
    }),
  );
}

function conditionEditor(holder, c, redraw) {
  const word = c.all ? 'all' : c.any ? 'any' : null;
  return word ? groupEditor(holder, c, word, redraw) : leafEditor(holder, c, redraw);
}

// One condition becomes the first of several.
function widen(action) {
  const c = action.condition;
  if (!c.all && !c.any) action.condition = { all: [c, leaf()] };
}

// --- actions ---

function ifEditor(holder, action, redraw) {
  const several = action.condition.all || action.condition.any;
  return [
    h(
      'div',
      { class: 'rule-part' },
      conditionEditor(holder, action.condition, redraw),
      several
        ? null
        : key('and / or …', 'Add another condition', () => {
            widen(action);
            redraw();
          }),
    ),
    h(
      'div',
      { class: 'rule-part' },
      h('p', { class: 'rule-word' }, 'then'),
      rulesEditor(action.then, { holder, what: 'action then' }).el,
    ),
    h(
      'div',
      { class: 'rule-part' },
      h('p', { class: 'rule-word' }, 'otherwise'),
      rulesEditor(action.else, { holder, what: 'action otherwise' }).el,
    ),
  ];
}

// What the editor edits must be there; an empty `else` is taken out again by value().
function complete(action) {
  if (action.type !== 'if') return;
  action.condition ||= leaf();
  action.then ||= [];
  action.else ||= [];
}

function fresh(type) {
  const action = { type };
  for (const [name, , options] of ACTIONS[type].fields) if (!options?.optional) action[name] = '';
  return action;
}

function actionEditor(holder, action, i, tools, redraw) {
  complete(action);
  const known = ACTIONS[action.type];
  const head = entryHead(i, known ? known.label : String(action.type), tools);
  if (!known) return [head, h('code', {}, JSON.stringify(action))];
  const fields = known.fields.map(([name, label, options]) =>
    options?.scalar ? scalarControl(holder, action, name, label) : textControl(holder, action, name, label, options),
  );
  return [
    head,
    fields.length ? h('div', { class: 'entry-fields' }, ...fields) : null,
    ...(action.type === 'if' ? ifEditor(holder, action, redraw) : []),
  ];
}

function adder(push) {
  const which = h(
    'select',
    { 'aria-label': 'Action to add' },
    ...Object.entries(ACTIONS).map(([type, { label }]) => h('option', { value: type }, label)),
  );
  return h(
    'div',
    { class: 'adder' },
    which,
    key('Add', 'Add this action', () => push(fresh(which.value))),
  );
}

function clean(actions) {
  return actions.map((action) => {
    if (action.type !== 'if') return action;
    const rest = { ...action, then: clean(action.then || []) };
    if (action.else?.length) rest.else = clean(action.else);
    else delete rest.else;
    return rest;
  });
}

export function rulesEditor(actions, { holder, what = 'action' }) {
  const el = listEditor({
    entries: actions,
    what,
    className: 'rules-editor',
    draw: (action, i, tools, redraw) => actionEditor(holder, action, i, tools, redraw),
    add: adder,
  });
  return { el, value: () => clean(actions) };
}

// --- questions of a poll ---

export function questionFields(holder, question) {
  return h(
    'div',
    { class: 'entry-fields' },
    textControl(holder, question, 'text', 'Question', { long: true }),
    textControl(holder, question, 'variable', 'Kept in', { placeholder: 'contact.vars.colour' }),
    textControl(holder, question, 'choices', 'Choices, one on each line', { list: true }),
  );
}
