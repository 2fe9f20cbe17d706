// Asking again and again, while somebody looks: a hidden tab asks nothing, and a slow answer is waited for, never overtaken.
//
// poll(ctx, ms, async () => {}) -> again(): asks at once (or right after what is under way). Ends when the page is left. What it
//   throws is shown once as a toast; being away is not told, the banner does.

import { toast } from './lib-ui.js';

export function poll(ctx, ms, ask) {
  let timer = null;
  let under = false;
  let wanted = false;
  let left = false;
  let told = null;

  function later() {
    clearTimeout(timer);
    if (!left && !document.hidden) timer = setTimeout(now, wanted ? 0 : ms);
  }

  async function now() {
    if (under) {
      wanted = true;
      return;
    }
    under = true;
    wanted = false;
    try {
      await ask();
      told = null;
    } catch (e) {
      if (!left && e.code !== 'away' && e.status !== 401 && e.name !== 'AbortError' && told !== e.message)
        toast(e.message, 'bad');
      told = e.message;
    } finally {
      under = false;
      later();
    }
  }

  const seen = () => {
    if (!document.hidden && !under) now();
  };
  document.addEventListener('visibilitychange', seen);
  ctx.onLeave(() => {
    left = true;
    clearTimeout(timer);
    document.removeEventListener('visibilitychange', seen);
  });
  later();
  return now;
}
