// The state of everything, at a glance: what goes in and out, what waits and for how long, and what is in trouble first.

import { page } from './lib-ui.js';

export const title = 'Overview';

export async function show() {
  return page(title);
}
