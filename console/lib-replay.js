// Sending again what failed: the tasks of the daemon that do it, watched until they are done, with a bar and a way to cancel.
//
// sendAgain(jobs, {title, expected, after}) -> Promise<{queued, total, cancelled}>; jobs: [{path, body}], path that of the endpoint.
//   expected: how many events it will be, when that is known. after: what else to tell when all are queued, a text.
// countAgain(path, body) -> Promise<number of events a replay would send>

import { api } from './lib-api.js';
import { number, plural } from './lib-format.js';
import { button, dialog, errorBox, h, progress } from './lib-ui.js';

const POLL_MS = 400;
const pause = () => new Promise((done) => setTimeout(done, POLL_MS));

export async function countAgain(path, body) {
  return (await api.post(`${path}/replay`, { ...body, count_only: true })).count;
}

// Starts one task and follows it to its end. `stopped` is asked before each look.
async function runJob({ path, body }, onProgress, stopped) {
  let task = await api.post(`${path}/replay`, body);
  const place = `${path}/replays/${encodeURIComponent(task.id)}`;
  while (task.state === 'running') {
    onProgress(task);
    if (stopped()) {
      await api.delete(place);
      return { ...(await api.get(place)), state: 'cancelled' };
    }
    await pause();
    task = await api.get(place);
  }
  onProgress(task);
  return task;
}

async function runAll(jobs, onProgress, stopped) {
  const sum = { queued: 0, total: 0, cancelled: false };
  for (const job of jobs) {
    if (stopped()) sum.cancelled = true;
    if (sum.cancelled) break;
    const before = { ...sum };
    const task = await runJob(
      job,
      (now) => onProgress({ queued: before.queued + (now.queued || 0), total: before.total + (now.total || 0) }),
      stopped,
    );
    sum.queued += task.queued || 0;
    sum.total += task.total || 0;
    sum.cancelled = task.state === 'cancelled';
  }
  return sum;
}

function ending({ queued, total, cancelled }) {
  if (cancelled)
    return `Cancelled. ${number(queued)} of ${plural(total, 'event')} were in the queue; what had not been sent yet is not sent.`;
  return `${plural(queued, 'event')} ${queued === 1 ? 'is' : 'are'} on the way again.`;
}

export async function sendAgain(jobs, { title = 'Send again', expected = 0, after = async () => null } = {}) {
  let stop = false;
  let result = { queued: 0, total: 0, cancelled: false };
  const bar = progress(0, expected || 1, title);
  const words = h('p', { 'aria-live': 'polite' }, 'Starting…');
  const cancel = button('Cancel', {
    icon: 'close',
    run: async () => {
      stop = true;
    },
  });
  const box = h('div', { class: 'replay-progress' }, bar, words, cancel);
  const told = ({ queued, total }) => {
    bar.set(queued, Math.max(total, expected, queued));
    words.textContent = 'They go into the queue as fast as the receiver takes them.';
  };
  const closed = dialog({ title, body: box, actions: [{ label: 'Close', kind: 'plain' }] });
  try {
    result = await runAll(jobs, told, () => stop);
    told(result);
    words.textContent = ending(result);
    cancel.remove();
    const more = result.cancelled ? null : await after();
    if (more) words.textContent = `${ending(result)} ${more}`;
  } catch (e) {
    words.replaceWith(errorBox(e));
    cancel.remove();
  }
  await closed;
  return result;
}
