// Numbers and times as a person reads them. Whatever is not known (null, undefined, NaN) is a dash.
//
// number(n)      12,345 · 1.5 · 0.04; from a million on 1.2 M, unless {exact: true}
// rate(n)        12.3/s
// percent(x)     0.987 -> 98.7 %
// ms(x)          0.4 ms · 12 ms · 1.5 s
// seconds(x)     4 s · 12 min · 3 h 5 min · 2 d 4 h
// bytes(n)       512 B · 1.4 MB (powers of 1000)
// time(unix)     14:05:09 (local)       clock(unix) 14:05
// dateTime(unix) 21 Nov 2026, 14:05:09 (local)
// ago(unix)      just now · 12 s ago · 5 min ago · in 3 h · 21 Nov 2026
// sentence(text)  with a capital and a full stop
// plural(n, 'event')            "1 event", "2,000 events"; plural(n, 'reply', 'replies')

const DASH = '–';
const known = (n) => n !== null && n !== undefined && !Number.isNaN(Number(n));
const exact = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

function short(n) {
  const size = Math.abs(n);
  if (size >= 100 || Number.isInteger(n)) return exact.format(n);
  if (size >= 10) return n.toFixed(1);
  return String(Number(n.toFixed(size >= 1 ? 1 : 2)));
}

export function number(n, { exact: all = false } = {}) {
  if (!known(n)) return DASH;
  n = Number(n);
  if (all || Math.abs(n) < 1e6) return short(n);
  return Math.abs(n) < 1e9 ? `${(n / 1e6).toFixed(1)} M` : `${(n / 1e9).toFixed(1)} G`;
}

export const rate = (n) => (known(n) ? `${number(n)}/s` : DASH);

export function percent(x) {
  if (!known(x)) return DASH;
  const p = x * 100;
  if (p === 0 || p === 100) return `${p} %`;
  if (p > 99.9) return '> 99.9 %'; // 100 % would hide what failed
  return p < 0.1 ? '< 0.1 %' : `${p.toFixed(1)} %`;
}

export function ms(x) {
  if (!known(x)) return DASH;
  if (x < 10) return `${Number(Number(x).toFixed(1))} ms`;
  if (x < 1000) return `${Math.round(x)} ms`;
  return x < 60000 ? `${Number((x / 1000).toFixed(1))} s` : seconds(x / 1000);
}

function two(large, unit, small, less) {
  return small ? `${large} ${unit} ${small} ${less}` : `${large} ${unit}`;
}

export function seconds(x) {
  if (!known(x)) return DASH;
  x = Number(x);
  if (x < 10 && !Number.isInteger(x)) return `${x.toFixed(1)} s`;
  if (x < 60) return `${Math.round(x)} s`;
  if (x < 600) return two(Math.floor(x / 60), 'min', Math.floor(x % 60), 's');
  if (x < 3600) return `${Math.floor(x / 60)} min`;
  if (x < 86400) return two(Math.floor(x / 3600), 'h', Math.floor((x % 3600) / 60), 'min');
  return two(Math.floor(x / 86400), 'd', Math.floor((x % 86400) / 3600), 'h');
}

export function bytes(n) {
  if (!known(n)) return DASH;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  while (n >= 1000 && at < units.length - 1) {
    n /= 1000;
    at++;
  }
  return `${at && n < 100 ? n.toFixed(1) : Math.round(n)} ${units[at]}`;
}

const timeForm = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const clockForm = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const dayForm = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

const local = (form) => (unix) => (known(unix) ? form.format(new Date(unix * 1000)) : DASH);
export const time = local(timeForm);
export const clock = local(clockForm);
export const day = local(dayForm);

export function dateTime(unix) {
  return known(unix) ? `${day(unix)}, ${time(unix)}` : DASH;
}

export function ago(unix, now = Date.now() / 1000) {
  if (!known(unix)) return DASH;
  const past = now - unix;
  if (Math.abs(past) < 2) return past < 0 ? 'now' : 'just now';
  if (Math.abs(past) >= 7 * 86400) return day(unix);
  const size = Math.abs(past);
  const words =
    size < 60
      ? `${Math.round(size)} s`
      : size < 3600
        ? `${Math.floor(size / 60)} min`
        : seconds(Math.floor(size / 60) * 60);
  return past > 0 ? `${words} ago` : `in ${words}`;
}

export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;

export function plural(n, one, many = `${one}s`) {
  return `${number(n, { exact: true })} ${n === 1 ? one : many}`;
}
