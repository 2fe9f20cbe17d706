// Elements, made with DOM functions only: a string always becomes a text node. The signatures stand in lib-ui.js.

import { icon } from './lib-icons.js';

export { icon };

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

export const classes = (...names) => names.filter(Boolean).join(' ');
