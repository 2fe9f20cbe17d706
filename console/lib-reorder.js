// A list whose order is changed by hand: dragged by the handle, or with the keys and buttons of each row. Every step is said below it,
// in a live region.
//
// reorder({rows: [{id, name, el}], label, save: async (ids, moved) => {}, canMove}) -> Element
//   save gets the new order and the id that was moved; when it throws, the order goes back to what it was

import { button, h, icon, toast } from './lib-ui.js';

const KEYS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

export function reorder({ rows, label, save, canMove = true }) {
  const said = h('p', { class: 'reorder-said', role: 'status', 'aria-live': 'assertive' });
  const list = h('ol', { class: 'reorder', 'aria-label': label });
  const items = new Map(rows.map((row) => [row.id, row]));
  const order = () => [...list.children].map((li) => li.dataset.id);
  const place = (li) => [...list.children].indexOf(li);
  const say = (text) => {
    said.textContent = text;
  };
  const nameOf = (li) => items.get(li.dataset.id).name;
  let busy = Promise.resolve();

  // The buttons' names and ends follow the order.
  function mark() {
    [...list.children].forEach((li, i) => {
      li.querySelector('.handle')?.setAttribute(
        'aria-label',
        `Move ${nameOf(li)}, now ${i + 1} of ${list.children.length}: drag, or use the arrow keys`,
      );
      const [up, down] = li.querySelectorAll('.reorder-keys button');
      if (up) up.disabled = i === 0;
      if (down) down.disabled = i === list.children.length - 1;
      const number = li.querySelector('.reorder-number');
      if (number) number.textContent = String(i + 1);
    });
  }

  function restore(before) {
    before.forEach((id) => list.append(list.querySelector(`[data-id="${CSS.escape(id)}"]`)));
    mark();
  }

  // One after the other, in the order of the hands' doing.
  function keep(li, before) {
    const now = order();
    mark();
    if (now.join() === before.join()) return;
    const words = `${nameOf(li)} is now ${place(li) + 1} of ${now.length}`;
    say(words);
    busy = busy
      .then(() => save(now, li.dataset.id))
      .then(() => {
        if (said.textContent === words) say(`${words}. Saved`);
      })
      .catch((e) => {
        toast(e.message, 'bad');
        say('The order could not be saved');
        restore(before);
      });
  }

  function step(li, by) {
    const before = order();
    const to = Math.max(0, Math.min(before.length - 1, place(li) + by));
    if (to === place(li)) return say(`${nameOf(li)} is ${by < 0 ? 'first' : 'last'} already`);
    const others = [...list.children].filter((other) => other !== li);
    list.insertBefore(li, others[to] || null);
    return keep(li, before);
  }

  // --- dragging ---

  function drag(li, handle, event) {
    if (event.button !== 0) return;
    event.preventDefault();
    const before = order();
    const from = event.clientY;
    const start = li.offsetTop;
    handle.setPointerCapture(event.pointerId);
    handle.focus();
    li.classList.add('dragged');

    // The neighbours jump over the dragged row, not it over them: an element that is moved loses the pointer and the focus.
    const move = (e) => {
      for (let next = li.nextElementSibling; next && e.clientY > middle(next); next = li.nextElementSibling)
        list.insertBefore(next, li);
      for (let last = li.previousElementSibling; last && e.clientY < middle(last); last = li.previousElementSibling)
        li.after(last);
      li.style.transform = `translateY(${e.clientY - from - (li.offsetTop - start)}px)`;
    };
    const end = (e) => {
      for (const [name, fn] of [
        ['pointermove', move],
        ['pointerup', end],
        ['pointercancel', end],
      ])
        handle.removeEventListener(name, fn);
      li.classList.remove('dragged');
      li.style.transform = '';
      if (e.type === 'pointercancel') restore(before);
      else keep(li, before);
    };
    for (const [name, fn] of [
      ['pointermove', move],
      ['pointerup', end],
      ['pointercancel', end],
    ])
      handle.addEventListener(name, fn);
  }

  const middle = (el) => {
    const box = el.getBoundingClientRect();
    return box.top + box.height / 2;
  };

  // --- rows ---

  function draw(row) {
    const li = h('li', { class: 'reorder-row', dataset: { id: row.id } });
    if (canMove) {
      const handle = h('button', { type: 'button', class: 'handle', 'aria-roledescription': 'handle' }, icon('grip'));
      handle.addEventListener('pointerdown', (event) => drag(li, handle, event));
      li.append(handle);
    }
    li.append(h('span', { class: 'reorder-number', 'aria-hidden': 'true' }), row.el);
    if (canMove) {
      const key = (name, words, by) => {
        const el = button(`${words} ${row.name}`, { icon: name, iconOnly: true, small: true });
        el.addEventListener('click', () => {
          step(li, by);
          if (el.disabled) [...li.querySelectorAll('.reorder-keys button')].find((other) => other !== el)?.focus();
          else el.focus();
        });
        return el;
      };
      li.append(h('span', { class: 'reorder-keys' }, key('up', 'Move up', -1), key('down', 'Move down', 1)));
      li.addEventListener('keydown', (event) => {
        const onHandle = event.target.classList.contains('handle');
        if (!(event.key in KEYS) || !(onHandle || event.altKey)) return;
        event.preventDefault();
        step(li, KEYS[event.key]);
        event.target.focus();
      });
    }
    return li;
  }

  list.append(...rows.map(draw));
  mark();
  return h('div', null, list, said);
}
