// Endpoints: which are in trouble, how much waits, and for how long.

import { page } from './lib-ui.js';

export const title = 'Endpoints';

export async function show() {
  return page(title);
}
