// Plots. Chart.js (Debian's libjs-chart.js, window.Chart of /console/chart.min.js) is loaded when the first plot is shown, never before.
// Colours come from the custom properties of style.css and follow a change of theme. Every plot has a name and a table of its values
// for those who cannot see it.
//
// lineChart({title, series: [{label, data: [..], color?: 'accent'|'ok'|'warn'|'bad'|'muted'|'violet', fill?: bool}], step_s, end, span_s?, unit: fn | text, height: 180})
//   data: one value a step, oldest first; the last ends at `end` (Unix seconds). span_s: how far the axis goes back, when the
//   data may be shorter. unit: how a value is written (a function of
//   lib-format.js), or what to write after it. per_s: for durations, how many of the unit are a second (1, or 1000). -> Element with update({series, step_s, end})
// bars({title, series, step_s, end | labels: [..], unit, height, stacked}) -> the same, with columns; with labels instead of times too.
// sparkline(values, {failed: [..], label}) -> a small <svg>, without Chart.js

import { h } from './lib-ui.js';
import { svg } from './lib-icons.js';
import { clock, dateTime, number } from './lib-format.js';

const ORDER = ['accent', 'violet', 'warn', 'ok', 'muted', 'bad'];
let library = null;

function loadLibrary() {
  library ||= new Promise((resolve, reject) => {
    const script = h('script', { src: '/console/chart.min.js' });
    script.addEventListener('load', () => resolve(window.Chart));
    script.addEventListener('error', () => {
      library = null;
      reject(new Error('the plots could not be loaded'));
    });
    document.head.append(script);
  });
  return library;
}

// --- colours ---

const property = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (name) => property(`--${name}`);

function pale(hex, share) {
  const part = Math.round(share * 255)
    .toString(16)
    .padStart(2, '0');
  return /^#[0-9a-f]{6}$/i.test(hex) ? hex + part : hex;
}

// --- time axis ---

const STEPS = [60, 300, 600, 900, 1800, 3600, 7200, 10800, 14400, 21600, 43200, 86400];

// Ticks at round local times, at most as many as the width can name.
function timeTicks(min, max, most) {
  const step = STEPS.find((s) => (max - min) / s <= most) || 86400;
  const shift = new Date(max * 1000).getTimezoneOffset() * 60;
  const ticks = [];
  for (let t = Math.ceil((min - shift) / step) * step + shift; t <= max; t += step) ticks.push({ value: t });
  return ticks;
}

// Seconds have no powers of ten above a minute: ticks at halves, quarters and tenths of what clocks count in.
const DURATIONS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
];

function durationTicks(max, per_s) {
  const step = DURATIONS.find((s) => max / per_s / s <= 5) || DURATIONS.at(-1);
  return Array.from({ length: Math.floor(max / per_s / step) + 1 }, (_, i) => ({ value: i * step * per_s }));
}

const timesOf = (spec) => {
  const length = Math.max(0, ...spec.series.map((s) => s.data.length));
  return Array.from({ length }, (_, i) => spec.end - (length - i) * spec.step_s);
};

const CROSSHAIR = {
  id: 'crosshair',
  afterDatasetsDraw(chart) {
    const at = chart.tooltip && chart.tooltip.opacity > 0 ? chart.tooltip.caretX : null;
    if (at === null || chart.config.type !== 'line') return;
    const { ctx, chartArea } = chart;
    ctx.save();
    ctx.strokeStyle = colour('text-muted');
    ctx.lineWidth = 1;
    ctx.setLineDash([3, 3]);
    ctx.beginPath();
    ctx.moveTo(at, chartArea.top);
    ctx.lineTo(at, chartArea.bottom);
    ctx.stroke();
    ctx.restore();
  },
};

// --- what Chart.js is told ---

function points(spec, data) {
  if (spec.labels) return data;
  const length = Math.max(0, ...spec.series.map((s) => s.data.length));
  return data.map((y, i) => ({ x: spec.end - (length - i) * spec.step_s, y: y ?? null }));
}

function dataset(spec, series, i) {
  const shown = colour(series.color || ORDER[i % ORDER.length]);
  const data = points(spec, series.data);
  if (spec.type === 'bar')
    return {
      label: series.label,
      data,
      backgroundColor: shown,
      borderRadius: 2,
      maxBarThickness: 40,
      barPercentage: 0.9,
      categoryPercentage: 0.9,
    };
  const fill = series.fill ?? i === 0;
  return {
    label: series.label,
    data,
    borderColor: shown,
    backgroundColor: pale(shown, 0.12),
    fill: fill ? 'origin' : false,
    borderWidth: 1.75,
    clip: 4,
    pointRadius: data.length < 3 ? 2 : 0,
    pointBackgroundColor: shown,
    pointHoverRadius: 3,
    pointHoverBackgroundColor: shown,
    tension: 0,
    spanGaps: false,
  };
}

function axisX(spec) {
  const ticks = {
    color: colour('text-muted'),
    font: { size: 11 },
    maxRotation: 0,
    autoSkip: Boolean(spec.labels),
    autoSkipPadding: 12,
  };
  const grid = { display: false, drawBorder: true, borderColor: colour('border'), tickLength: 4 };
  if (spec.labels) return { type: 'category', stacked: spec.stacked, ticks, grid };
  const times = timesOf(spec);
  const wide = spec.type === 'bar' ? spec.step_s / 2 : 0; // half a column at each end
  const first = spec.span_s ? spec.end - spec.span_s : (times[0] ?? spec.end - spec.step_s);
  const min = Math.min(first, times[0] ?? first) - wide;
  return {
    type: 'linear',
    stacked: spec.stacked,
    offset: false,
    min,
    max: (times.at(-1) ?? spec.end) + wide,
    ticks: { ...ticks, callback: (t) => clock(t) },
    grid,
    afterBuildTicks: (axis) => {
      axis.ticks = timeTicks(axis.min, axis.max, Math.max(2, Math.floor(axis.width / 70)));
    },
  };
}

function axisY(spec) {
  const axis = {
    beginAtZero: true,
    stacked: spec.stacked,
    grace: '5%',
    grid: { color: colour('border'), drawBorder: false, drawTicks: false },
    ticks: {
      color: colour('text-muted'),
      font: { size: 11 },
      padding: 8,
      maxTicksLimit: 5,
      callback: (v) => spec.write(v),
    },
  };
  if (spec.per_s)
    axis.afterBuildTicks = (made) => {
      if (made.max / spec.per_s > 10) made.ticks = durationTicks(made.max, spec.per_s);
    };
  return axis;
}

function options(spec) {
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    normalized: true,
    interaction: { mode: 'index', intersect: false },
    layout: { padding: { top: 4, right: 4 } },
    scales: {
      x: axisX(spec),
      y: axisY(spec),
    },
    plugins: {
      legend: { display: false },
      tooltip: {
        animation: false,
        backgroundColor: colour('surface-raised'),
        titleColor: colour('text-muted'),
        bodyColor: colour('text'),
        borderColor: colour('border-strong'),
        borderWidth: 1,
        padding: 10,
        cornerRadius: 6,
        boxWidth: 8,
        boxHeight: 8,
        boxPadding: 4,
        usePointStyle: true,
        titleFont: { weight: '400', size: 11 },
        callbacks: {
          title: (items) => (items.length ? (spec.labels ? String(items[0].label) : dateTime(items[0].parsed.x)) : ''),
          label: (item) => ` ${item.dataset.label}  ${spec.write(item.parsed.y)}`,
        },
      },
    },
  };
}

// --- the element ---

function writer(unit) {
  if (typeof unit === 'function') return unit;
  return (v) => `${number(v)}${unit ? ` ${unit}` : ''}`;
}

function legend(spec) {
  return h(
    'ul',
    { class: 'legend', 'aria-hidden': 'true' },
    spec.series.map((s, i) => {
      const key = h('span', { class: 'legend-key', dataset: { color: s.color || ORDER[i % ORDER.length] } });
      const now = spec.labels ? null : h('span', { class: 'num' }, spec.write(s.data.at(-1)));
      return h('li', null, key, h('span', null, s.label), now);
    }),
  );
}

// At most 60 rows: a reader of 360 numbers hears nothing any more.
function valuesTable(spec) {
  const heads = spec.labels || timesOf(spec);
  const every = Math.max(1, Math.ceil(heads.length / 60));
  const rows = heads.map((head, i) => [head, i]).filter(([, i]) => (heads.length - 1 - i) % every === 0);
  return h(
    'table',
    null,
    h('caption', null, spec.title),
    h(
      'thead',
      null,
      h(
        'tr',
        null,
        h('th', { scope: 'col' }, spec.labels ? 'Range' : 'Time'),
        spec.series.map((s) => h('th', { scope: 'col' }, s.label)),
      ),
    ),
    h(
      'tbody',
      null,
      rows.map(([head, i]) =>
        h(
          'tr',
          null,
          h('th', { scope: 'row' }, spec.labels ? head : clock(head)),
          spec.series.map((s) => h('td', null, spec.write(s.data[i]))),
        ),
      ),
    ),
  );
}

function chart(spec) {
  spec.write = writer(spec.unit);
  const canvas = h('canvas', {
    role: 'img',
    'aria-label': `Plot: ${spec.title}. Its values stand in the table after it.`,
  });
  const head = h('div', { class: 'chart-legend' });
  const below = h('div', { class: 'visually-hidden' });
  const el = h(
    'figure',
    { class: 'chart' },
    head,
    h('div', { class: 'chart-canvas', style: { height: `${spec.height || 180}px` } }, canvas),
    below,
  );
  let drawn = null;
  let seen = false;

  function words() {
    head.replaceChildren(legend(spec));
    below.replaceChildren(valuesTable(spec));
  }

  function draw() {
    const data = { labels: spec.labels, datasets: spec.series.map((s, i) => dataset(spec, s, i)) };
    if (!drawn) {
      drawn = new window.Chart(canvas, { type: spec.type, data, options: options(spec), plugins: [CROSSHAIR] });
      return;
    }
    drawn.data = data;
    drawn.options = options(spec);
    drawn.update('none');
  }

  // A plot that left the page is not drawn any more, and gives its memory back.
  function alive() {
    if (el.isConnected) seen = true;
    else if (seen) {
      document.removeEventListener('themechange', redraw);
      if (drawn) drawn.destroy();
      drawn = null;
      return false;
    }
    return seen;
  }

  async function redraw() {
    if (!alive()) return;
    try {
      await loadLibrary();
      if (alive()) draw();
    } catch (e) {
      head.replaceChildren(h('p', { class: 'muted' }, e.message));
    }
  }

  el.update = (more) => {
    Object.assign(spec, more);
    words();
    redraw();
  };
  document.addEventListener('themechange', redraw);
  words();
  new ResizeObserver((_, looking) => {
    looking.disconnect();
    redraw();
  }).observe(el); // as soon as it has a place on the page, which may be long after it was made
  return el;
}

export const lineChart = (spec) => chart({ ...spec, type: 'line' });
export const bars = (spec) => chart({ ...spec, type: 'bar' });

// --- sparklines ---

const WIDTH = 96;
const HEIGHT = 24;
const SPARK = 60; // values side by side; fewer stand at the right

export function sparkline(values = [], { failed = [], label = null } = {}) {
  const most = Math.max(1, ...values, ...failed);
  const length = Math.max(values.length, failed.length, SPARK);
  const x = (i, of) => ((length - of + i) * WIDTH) / (length - 1); // the newest is at the right edge
  const y = (v) => HEIGHT - 2 - (v / most) * (HEIGHT - 4);
  const line = values.map((v, i) => `${i ? 'L' : 'M'}${x(i, values.length).toFixed(1)} ${y(v).toFixed(1)}`).join('');
  const el = svg('svg', {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: 'spark',
    role: 'img',
    'aria-label':
      label ||
      `delivered a minute: at most ${Math.max(0, ...values)}, last ${values.at(-1) ?? 0}${failed.some(Boolean) ? `; failed at most ${Math.max(...failed)}` : ''}`,
  });
  el.append(svg('path', { class: 'spark-base', d: `M0 ${HEIGHT - 0.5}H${WIDTH}` }));
  if (values.length > 1) {
    el.append(
      svg('path', {
        class: 'spark-area',
        d: `${line}L${x(values.length - 1, values.length).toFixed(1)} ${HEIGHT}L${x(0, values.length).toFixed(1)} ${HEIGHT}Z`,
      }),
      svg('path', { class: 'spark-line', d: line }),
    );
  }
  failed.forEach((v, i) => {
    if (v)
      el.append(
        svg('path', { class: 'spark-failed', d: `M${x(i, failed.length).toFixed(1)} ${HEIGHT}V${y(v).toFixed(1)}` }),
      );
  });
  return el;
}
