// Plots over the last hour or day, one beside the other, with the choice between the two.
//
// overTime([{title, spec: (series, span) -> what lib-chart takes, make: (spec) -> a plot of lib-chart}]) -> <section> with update(series),
// where series is {hour, day} as the API gives it.

import { card, grid, h, segments } from './lib-ui.js';

const HEIGHT = 168;

export function overTime(plots) {
  let span = 'hour';
  let last = null;
  let made = null;
  const place = grid();
  const choice = segments({
    label: 'Span of the plots',
    options: [
      ['hour', 'Last hour'],
      ['day', 'Last day'],
    ],
    value: span,
    onChange: (word) => {
      span = word;
      if (last) el.update(last);
    },
  });
  const el = h(
    'section',
    { class: 'plots', 'aria-label': 'Over time' },
    h('div', { class: 'section-head' }, h('h2', null, 'Over time'), choice),
    place,
  );
  el.update = (series) => {
    const specs = plots.map(({ spec }) => spec(series[span], span));
    last = series;
    if (made) {
      made.forEach((plot, i) => plot.update(specs[i]));
      return;
    }
    made = plots.map(({ title, make }, i) => make({ title, height: HEIGHT, ...specs[i] }));
    place.append(...made.map((plot, i) => card(plots[i].title, plot)));
  };
  return el;
}
