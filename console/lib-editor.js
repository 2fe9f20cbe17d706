// A text field for templates: a plain textarea over a layer that shows the same text with its placeholders and its fault marked. The
// layer is what gives the field its height, so the two never scroll apart.
//
// editor({label, value, rows, help, onInput}) -> {el, input, value, fault({message, position | index} | null), insert(text)}
//   rows: 1 makes a field of one line. position is a byte offset into the text, as the API
//   gives it; index one into the string.
// atByte(text, offset) -> the same place as an index into the string
// where(text, index) -> {line, column}, both from 1

import { h } from './lib-ui.js';

const PLACEHOLDER = /\{[A-Za-z0-9_][\w.]*(?:\|[^{}]*)?\}/g;
let made = 0;

const utf8Length = (code) => (code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4);

export function atByte(text, offset) {
  let index = 0;
  for (const char of text) {
    offset -= utf8Length(char.codePointAt(0));
    if (offset < 0) break;
    index += char.length;
  }
  return index;
}

export function where(text, index) {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: Array.from(before.at(-1)).length + 1 };
}

// How far the mark of a fault goes: a placeholder, a word, or a character.
function markedLength(rest) {
  const found = /^(?:\{[^{}\s]*\}?|[\w.]+|[^])/u.exec(rest);
  return found ? found[0].length : 0;
}

// The text cut at its placeholders and at the marked range, each piece with its class.
function pieces(text, from, to) {
  const cuts = new Set([0, text.length]);
  const names = [];
  for (const found of text.matchAll(PLACEHOLDER)) {
    names.push([found.index, found.index + found[0].length]);
    cuts.add(found.index).add(found.index + found[0].length);
  }
  if (from >= 0) cuts.add(from).add(to);
  const places = [...cuts].sort((a, b) => a - b);
  let name = 0;
  return places.slice(0, -1).map((at, i) => {
    while (name < names.length && names[name][1] <= at) name++;
    const inside = name < names.length && names[name][0] <= at;
    const faulty = from >= 0 && at >= from && at < to;
    return {
      text: text.slice(at, places[i + 1]),
      class: [inside && 'placeholder', faulty && 'fault'].filter(Boolean).join(' '),
    };
  });
}

function layer(text, from, to) {
  const shown = pieces(text, from, to).map((piece) =>
    piece.class ? h('span', { class: piece.class }, piece.text) : piece.text,
  );
  if (from >= 0 && from >= text.length) shown.push(h('span', { class: 'fault at-end' }, '\u00a0'));
  return [...shown, '\u200b']; // a last line without a character would have no height
}

// The line of the fault with a caret under it, for a reader who does not see the mark.
function pointer(text, index) {
  const start = text.lastIndexOf('\n', index - 1) + 1;
  const end = text.indexOf('\n', index);
  const from = Math.max(start, index - 30);
  const before = (from > start ? '…' : '') + text.slice(from, index);
  const line = before + text.slice(index, Math.min(end < 0 ? text.length : end, index + 30));
  return `${line}\n${' '.repeat(Array.from(before).length)}^`;
}

function faultBox(id, input) {
  const box = h('div', { id, class: 'editor-fault', 'aria-live': 'polite', hidden: true });
  return {
    box,
    show(fault, index) {
      box.hidden = !fault;
      box.replaceChildren();
      if (!fault) return;
      if (index === null) return box.append(h('p', {}, fault.message));
      const { line, column } = where(input.value, index);
      const go = h(
        'button',
        {
          type: 'button',
          class: 'link',
          on: {
            click: () => {
              input.focus();
              input.setSelectionRange(index, index);
            },
          },
        },
        `line ${line}, column ${column}`,
      );
      box.append(
        h('p', {}, fault.message.replace(/^at offset \d+: /, ''), ' ', go),
        h('pre', { 'aria-hidden': 'true' }, pointer(input.value, index)),
      );
    },
  };
}

export function editor({ label, value = '', rows = 1, help, onInput = () => {} }) {
  const id = `editor-${++made}`;
  const single = rows === 1;
  const back = h('pre', { class: 'editor-layer', 'aria-hidden': 'true' });
  const input = h('textarea', {
    id,
    class: 'editor-input',
    rows,
    spellcheck: 'false',
    autocapitalize: 'off',
    autocomplete: 'off',
    'aria-describedby': help ? `${id}-fault ${id}-help` : `${id}-fault`,
  });
  const message = faultBox(`${id}-fault`, input);
  let fault = null;

  function draw() {
    const text = input.value;
    const placed = fault && Number.isInteger(fault.index ?? fault.position);
    const index = placed ? (fault.index ?? atByte(text, fault.position)) : -1;
    back.replaceChildren(...layer(text, index, placed ? index + markedLength(text.slice(index)) : -1));
    input.setAttribute('aria-invalid', fault ? 'true' : 'false');
    message.show(fault, placed ? index : null);
  }

  function changed() {
    if (single && /[\r\n]/.test(input.value)) input.value = input.value.replace(/[\r\n]+/g, '');
    fault = null; // it was said of another text
    draw();
    onInput(input.value);
  }

  input.addEventListener('input', changed);
  if (single)
    input.addEventListener('keydown', (e) => {
      if (e.key === 'Enter') e.preventDefault();
    });
  input.value = value;
  draw();
  return {
    el: h(
      'div',
      { class: 'editor-field' },
      h('label', { for: id }, label),
      h('div', { class: single ? 'editor one-line' : 'editor' }, back, input),
      message.box,
      help ? h('p', { id: `${id}-help`, class: 'help' }, help) : null,
    ),
    input,
    get value() {
      return input.value;
    },
    set value(text) {
      if (text === input.value) return;
      input.value = text;
      fault = null;
      draw();
    },
    fault(what) {
      fault = what;
      draw();
    },
    insert(text) {
      input.focus();
      // The old way, because it alone keeps the browser's undo.
      if (!document.execCommand('insertText', false, text)) {
        input.setRangeText(text, input.selectionStart, input.selectionEnd, 'end');
        changed();
      }
    },
  };
}
