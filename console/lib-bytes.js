// Bodies as people want to see them: indented without touching a digit, decoded, or as bytes. Pure functions from text to text;
// what they return goes into text nodes, because all of it was written by strangers.

const JSON_TOKEN = /"(?:[^"\\]|\\[^])*"?|[{}[\],:]|[^\s{}[\],:"]+/g;

// Indents JSON token by token: a number keeps its digits, which JSON.parse would round, and what is cut off stays readable.
export function prettyJson(text) {
  let out = '',
    depth = 0,
    last = '';
  const line = () => '\n' + '  '.repeat(depth);
  for (const [token] of text.matchAll(JSON_TOKEN)) {
    if (token === '}' || token === ']') {
      depth = Math.max(0, depth - 1);
      out += last === '{' || last === '[' ? token : line() + token;
    } else {
      if (last === ',' || last === '{' || last === '[') out += line();
      out += token === ':' ? ': ' : token;
      if (token === '{' || token === '[') depth = Math.min(depth + 1, 64);
    }
    last = token;
  }
  return out;
}

const XML_TOKEN = /<!--[^]*?-->|<!\[CDATA\[[^]*?\]\]>|<[^>]*>?|[^<]+/g;

// Each element on a line of its own; one that holds only text stays on one line.
export function prettyXml(text) {
  let out = '',
    depth = 0,
    last = 'start';
  const line = () => (out ? '\n' : '') + '  '.repeat(depth);
  for (const [token] of text.matchAll(XML_TOKEN)) {
    if (!token.trim()) continue;
    if (token.startsWith('</')) {
      depth = Math.max(0, depth - 1);
      out += (last === 'open' || last === 'text' ? '' : line()) + token;
      last = 'close';
    } else if (token[0] === '<' && !token.startsWith('<![CDATA[')) {
      out += line() + token;
      last = /^<[?!]|\/>$/.test(token) ? 'leaf' : 'open';
      if (last === 'open') depth = Math.min(depth + 1, 64);
    } else {
      out += last === 'open' ? token : line() + token.trim();
      last = last === 'open' ? 'text' : 'leaf';
    }
  }
  return out;
}

function decoded(word) {
  try {
    return decodeURIComponent(word.replace(/\+/g, ' '));
  } catch {
    return word;
  }
}

// Fields of a form, or arguments of a URL, as pairs of names and values.
export function formPairs(text) {
  return text
    .split('&')
    .filter(Boolean)
    .map((pair) => {
      const at = pair.indexOf('=');
      return at < 0 ? [decoded(pair), ''] : [decoded(pair.slice(0, at)), decoded(pair.slice(at + 1))];
    });
}

export function header(headers, name) {
  const found = Object.entries(headers || {}).find(([key]) => key.toLowerCase() === name);
  return found ? String(found[1]) : '';
}

// What a body is: by its headers, else by how it begins.
export function kindOf(headers, text) {
  const type = header(headers, 'content-type').toLowerCase();
  if (/json/.test(type)) return 'json';
  if (/xml/.test(type)) return 'xml';
  if (/x-www-form-urlencoded/.test(type)) return 'form';
  if (/^\s*[{[]/.test(text)) return 'json';
  return /^\s*<\?xml/.test(text) ? 'xml' : 'text';
}

export function pretty(kind, text) {
  if (kind === 'json') return prettyJson(text);
  if (kind === 'xml') return prettyXml(text);
  if (kind === 'form')
    return formPairs(text)
      .map(([name, value]) => `${name} = ${value}`)
      .join('\n');
  return text;
}

export function bytesOf(text) {
  return new TextEncoder().encode(text);
}

export function bytesOfBase64(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}

// As hexdump -C shows them: place, 16 bytes, and what of them is printable ASCII.
export function hexDump(bytes, max = 16384) {
  const lines = [];
  for (let at = 0; at < Math.min(bytes.length, max); at += 16) {
    const row = bytes.subarray(at, Math.min(at + 16, max));
    const hex = Array.from(row, (b) => b.toString(16).padStart(2, '0')).join(' ');
    const text = Array.from(row, (b) => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join('');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(47)}  ${text}`);
  }
  if (bytes.length > max) lines.push(`… and ${bytes.length - max} bytes more`);
  return lines.join('\n');
}

// True when the bytes are no text one could read: control bytes, or what is no UTF-8.
export function isBinary(text) {
  return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ufffd]/.test(text);
}

// One word for a shell. Control bytes are written as escapes: what is pasted into a terminal must not act there.
function shellWord(text) {
  if (/^[\w./:=@%+,-]+$/.test(text)) return text;
  if (!/[\u0000-\u001f\u007f-\u009f]/.test(text)) return `'${text.replace(/'/g, `'\\''`)}'`;
  const escaped = text.replace(/[\\']/g, '\\$&').replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => {
    const code = c.charCodeAt(0);
    return code === 10
      ? '\\n'
      : code < 128
        ? `\\x${code.toString(16).padStart(2, '0')}`
        : `\\u${code.toString(16).padStart(4, '0')}`;
  });
  return `$'${escaped}'`;
}

// The request as a command. --globoff, because braces of a URL are curl's own otherwise; --data-raw, because a body may begin with @.
export function asCurl(request) {
  const words = ['curl --globoff'];
  if (request.method && request.method !== 'GET' && !(request.method === 'POST' && request.body))
    words.push(`-X ${shellWord(request.method)}`);
  for (const [name, value] of Object.entries(request.headers || {}))
    words.push(`-H ${shellWord(String(value) === '' ? `${name};` : `${name}: ${value}`)}`);
  if (request.body) words.push(`--data-raw ${shellWord(request.body)}`);
  words.push(shellWord(request.url));
  return words.join(' \\\n  ');
}
