// Modal dialogs: the browser's own <dialog>, which keeps the focus inside and closes with Escape. The signatures stand in lib-ui.js.

import { classes, freshId, h } from './lib-dom.js';
import { field } from './lib-form.js';
import { button, errorBox, keepToasts } from './lib-parts.js';

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
    const el = h(
      'dialog',
      { class: classes('dialog', wide && 'wide'), 'aria-labelledby': id },
      h(
        'header',
        { class: 'dialog-head' },
        h('h2', { id }, title),
        button('Close', { icon: 'close', iconOnly: true, run: async () => close() }),
      ),
      h('div', { class: 'dialog-body' }, typeof body === 'function' ? body({ close }) : body, trouble),
      buttons.length ? h('footer', { class: 'dialog-foot' }, buttons) : null,
    );
    el.addEventListener('close', () => {
      keepToasts(el);
      el.remove();
      resolve(result);
    });
    document.body.append(el);
    el.showModal();
    const first = el.querySelector(
      '.dialog-body input, .dialog-body textarea, .dialog-body select, .dialog-foot .primary, .dialog-foot button',
    );
    if (first) first.focus({ preventScroll: true });
  });
}

export async function confirm(text, { danger = false, label = 'Yes', title = 'Are you sure?', typed = null } = {}) {
  const word =
    typed && field({ label: `Type ${typed} to confirm`, name: 'typed', autocomplete: 'off', spellcheck: false });
  let yes;
  if (word)
    word.input.addEventListener('input', () => {
      yes.disabled = word.value !== typed;
    });
  return Boolean(
    await dialog({
      title,
      body: h('div', null, typeof text === 'string' ? h('p', null, text) : text, word),
      actions: [
        { label: 'Cancel', run: () => undefined },
        {
          label,
          kind: danger ? 'danger' : 'primary',
          run: () => true,
          disabled: Boolean(typed),
          bind: (made) => {
            yes = made;
          },
        },
      ],
    }),
  );
}
