// The live stream (server-sent events). EventSource cannot send a key, so this reads the answer of a fetch as it comes.
//
// follow({project, kinds, endpoint_id, outcome, rate, on: (kind, data) => {}, onState: (connected) => {}}) -> stop()
//   project: an id, or null for the stream of all projects (admin key). kinds: ['accepted', 'attempt', 'state']. Broken off, it
//   connects anew after 1 s, then 2, 4, … 30 s. A refusal (4xx) is final and told as onState(false, ApiError).

import { ApiError, gone, key, ownerPath, query } from './lib-api.js';

const FIRST_MS = 1000;
const MOST_MS = 30000;

// Calls tell(event, data) for each whole event in what has come, and returns the rest.
function take(text, tell) {
  const blocks = text.split(/\r?\n\r?\n/);
  const rest = blocks.pop();
  for (const block of blocks) {
    let kind = 'message';
    const data = [];
    for (const line of block.split(/\r?\n/)) {
      if (line.startsWith('event:')) kind = line.slice(6).trim();
      else if (line.startsWith('data:')) data.push(line.slice(5).trimStart());
    }
    if (data.length) tell(kind, JSON.parse(data.join('\n')));
  }
  return rest;
}

async function refusal(response) {
  const answer = await response.json().catch(() => ({}));
  return new ApiError(response.status, answer.error || { code: 'unknown', message: `status ${response.status}` });
}

async function read(response, tell) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text = take(text + value, tell);
  }
}

export function follow({ project = null, kinds, endpoint_id, outcome, rate, on, onState = () => {} }) {
  const ending = new AbortController();
  const path = `${project === null ? '/v1' : ownerPath(project)}/stream${query({ kinds: kinds && kinds.join(','), endpoint_id, outcome, rate })}`;
  let pause = FIRST_MS;
  let timer = null;

  async function once() {
    const response = await fetch(path, {
      signal: ending.signal,
      cache: 'no-store',
      credentials: 'omit',
      headers: { Authorization: `Bearer ${key()}`, Accept: 'text/event-stream' },
    });
    if (!response.ok) throw await refusal(response);
    pause = FIRST_MS;
    onState(true);
    await read(response, (kind, data) => {
      if (!ending.signal.aborted) on(kind, data);
    });
  }

  async function run() {
    let why = null;
    try {
      await once();
    } catch (e) {
      why = e;
    }
    if (ending.signal.aborted) return;
    if (why instanceof TypeError) gone();
    onState(false, why);
    if (why && why.status >= 400 && why.status < 500 && why.status !== 429) return;
    timer = setTimeout(run, pause);
    pause = Math.min(pause * 2, MOST_MS);
  }

  run();
  return () => {
    ending.abort();
    clearTimeout(timer);
  };
}
