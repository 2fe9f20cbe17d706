// A small set of icons, drawn with lines on a grid of 16, in the colour of the text. They are decoration: what they say stands beside
// them as text, so a screen reader passes over them.
//
// icon(name) -> <svg>

const PATHS = {
  overview: ['M2 13.5h12', 'M4 11V8', 'M8 11V3', 'M12 11V6'],
  endpoints: ['M3 8h7', 'M7.5 5 10.5 8l-3 3', 'M13 3v10'],
  events: ['M2 5h12', 'M2 8h8', 'M2 11h10'],
  dead: ['M2.5 4h11v8h-11z', 'm2.5 4.5 5.5 4 5.5-4', 'M6 10.5l4 0'],
  templates: ['M6 3 2.5 8 6 13', 'M10 3l3.5 5-3.5 5'],
  messages: ['M2.5 3.5h11v7h-6l-3 2.5v-2.5h-2z'],
  contacts: ['M8 8a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z', 'M3 13.5c.5-2.5 2.5-3.5 5-3.5s4.5 1 5 3.5'],
  groups: [
    'M6 7.500a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
    'M2 12.500c.3-2 1.8-3 4-3s3.7 1 4 3',
    'M10.5 3.600a2 2 0 0 1 0 3.8',
    'M11.8 9.800c1.3.4 2 1.3 2.2 2.7',
  ],
  labels: ['M2.5 7.500v-5h5l6 6-5 5z', 'M5.3 5.300h.01'],
  services: [
    'M8 10a2 2 0 1 0 0-4 2 2 0 0 0 0 4z',
    'M8 2v2',
    'M8 12v2',
    'M2 8h2',
    'M12 8h2',
    'm3.8 3.8 1.4 1.4',
    'm10.8 10.8 1.4 1.4',
    'm3.8 12.2 1.4-1.4',
    'm10.8 5.2 1.4-1.4',
  ],
  logs: ['M4 2.500h8v11H4z', 'M6 5.500h4', 'M6 8h4', 'M6 10.500h2'],
  phones: ['M5 2h6v12H5z', 'M7.5 12h1'],
  broadcasts: [
    'M8 9a1 1 0 1 0 0-2 1 1 0 0 0 0 2z',
    'M5.2 10.800a4 4 0 0 1 0-5.6',
    'M10.8 5.200a4 4 0 0 1 0 5.6',
    'M3.1 12.900a7 7 0 0 1 0-9.8',
    'M12.9 3.100a7 7 0 0 1 0 9.8',
  ],
  keys: ['M5.5 13a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z', 'm7.3 8.7 5.7-5.7', 'm10.5 5.5 2 2'],
  projects: ['M2.5 4.500v8h11v-7h-5l-1.5-2h-4.500z'],
  settings: [
    'M2 4.500h7',
    'M12 4.500h2',
    'M10.5 6a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z',
    'M2 11.500h2',
    'M7 11.500h7',
    'M5.5 13a1.5 1.5 0 1 0 0-3 1.5 1.5 0 0 0 0 3z',
  ],
  ok: ['M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z', 'm5.5 8.2 1.8 1.8 3.3-3.8'],
  warn: ['M8 2.5 14 13H2z', 'M8 6.500v3', 'M8 11.300h.01'],
  bad: ['M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z', 'm6 6 4 4', 'm10 6-4 4'],
  info: ['M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z', 'M8 7.500v3.5', 'M8 5h.01'],
  clock: ['M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z', 'M8 4.800V8l2 1.5'],
  pause: ['M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z', 'M6.5 6v4', 'M9.5 6v4'],
  off: ['M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z', 'M3.8 12.200l8.4-8.4'],
  probe: ['M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z', 'M8 9a1 1 0 1 0 0-2 1 1 0 0 0 0 2z'],
  send: ['m2.5 8 11-5-4 10.5-2.5-4z', 'm7 9.5 6.5-6.5'],
  replay: ['M13 8a5 5 0 1 1-1.5-3.5', 'M13 2.500v3h-3'],
  search: ['M7 11.500a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9z', 'm10.3 10.3 3.2 3.2'],
  plus: ['M8 3v10', 'M3 8h10'],
  close: ['m4 4 8 8', 'm12 4-8 8'],
  menu: ['M2.5 4.500h11', 'M2.5 8h11', 'M2.5 11.500h11'],
  copy: ['M5.5 5.500h8v8h-8z', 'M10.5 5.500v-3h-8v8h3'],
  trash: ['M3 4.500h10', 'M6 4.500v-2h4v2', 'm4.5 4.5.5 9h6l.5-9'],
  edit: ['M3 13v-2.500l7.5-7.5 2.5 2.5-7.5 7.500z'],
  sun: [
    'M8 10.500a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5z',
    'M8 1.500v1.5',
    'M8 13v1.5',
    'M1.5 8h1.5',
    'M13 8h1.5',
    'm3.4 3.4 1 1',
    'm11.6 11.6 1 1',
    'm3.4 12.6 1-1',
    'm11.6 4.4 1-1',
  ],
  moon: ['M13 9.500A5.5 5.5 0 1 1 6.5 3a4.5 4.5 0 0 0 6.5 6.500z'],
  logout: ['M6.5 2.500h-4v11h4', 'M6 8h7.5', 'm11 5.5 2.5 2.5-2.5 2.5'],
  up: ['M8 13V3', 'm4 7 4-4 4 4'],
  down: ['M8 3v10', 'm4 9 4 4 4-4'],
  right: ['m6 3.5 4.5 4.500L6 12.5'],
  left: ['M10 3.5 5.5 8l4.5 4.5'],
  grip: ['M6 4h.01', 'M10 4h.01', 'M6 8h.01', 'M10 8h.01', 'M6 12h.01', 'M10 12h.01'],
  link: [
    'M6.5 9.500l3-3',
    'M7.5 4.500l1.5-1.500a2.8 2.8 0 0 1 4 4L11.5 8.5',
    'M8.5 11.5 7 13a2.8 2.8 0 0 1-4-4l1.5-1.5',
  ],
  filter: ['M2.5 3.500h11l-4.5 5v4.500l-2-1v-3.500z'],
};

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, attributes, ...children) {
  const el = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  el.append(...children);
  return el;
}

export function icon(name) {
  const paths = (PATHS[name] || PATHS.info).map((d) => svg('path', { d }));
  return svg('svg', { viewBox: '0 0 16 16', class: 'icon', 'aria-hidden': 'true', focusable: 'false' }, ...paths);
}
