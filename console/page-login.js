// The way in: a key, or a signed link's token. What is wrong is said in words; nothing of any project is here.

import { button, field, form, h, icon } from './lib-ui.js';
import { login } from './lib-api.js';

export const title = 'Log in';

function words(err) {
  if (err.code === 'expired') return 'This link has ended. Ask for a new one where you got it.';
  if (err.role) return 'You were logged out: this key was deleted. Log in with another one.';
  if (err.status === 401)
    return 'This key is not right. Check that all of it was pasted; a deleted key is not taken either.';
  if (err.status === 429) return 'Too many tries. Wait a little.';
  if (err.code === 'away') return 'postrider does not answer. It may be starting; try again in a moment.';
  return err.message;
}

const brand = () => h('div', { class: 'login-brand' }, icon('send'), h('span', null, 'postrider'));

// done(): called when the key is right. why: an ApiError that led here, or null.
export function loginPage(done, why = null) {
  const secret = field({
    label: 'Key',
    name: 'key',
    type: 'password',
    required: true,
    autocomplete: 'current-password',
    spellcheck: false,
    help: 'The admin key, or the key of a project.',
  });
  const made = form([secret], {
    label: 'Log in',
    submit: async ({ key }) => {
      try {
        await login(key);
      } catch (e) {
        secret.error(words(e));
        secret.input.select();
        return;
      }
      done();
    },
  });
  if (why) secret.error(words(why));
  requestAnimationFrame(() => secret.input.focus());
  return h(
    'main',
    { class: 'login', id: 'main' },
    brand(),
    h('div', { class: 'card' }, h('h1', { tabindex: '-1' }, 'Log in'), made),
  );
}

export function endedPage(err, toLogin) {
  const ended = err.code === 'expired';
  return h(
    'main',
    { class: 'login', id: 'main' },
    brand(),
    h(
      'div',
      { class: 'card' },
      h('h1', { tabindex: '-1' }, ended ? 'This link has ended' : 'This link cannot be used'),
      h(
        'p',
        { class: 'sub' },
        err.code === 'away'
          ? words(err)
          : ended
            ? 'It was good for a limited time. Ask for a new one where you got it.'
            : 'It is incomplete, or it was taken back. Ask for a new one where you got it.',
      ),
      h('p', null, button('Log in with a key', { run: async () => toLogin() })),
    ),
  );
}
