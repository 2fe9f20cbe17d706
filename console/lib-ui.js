// What pages are built from. Everything is made with DOM functions; a string always becomes a text node, so what stands in a name, a
// message or an answer of somebody's server cannot become markup.
//
// h(tag, props, ...children) -> Element. props: class, dataset: {}, on: {click: fn}, style: {width: '4px'}, any attribute (true sets an
//   empty one; null and false leave it out); value, checked, disabled, selected are set as properties. Children: strings, numbers,
//   nodes, arrays; null, undefined and false are skipped.
// page(title, {actions: [el], sub: string|node, crumbs: [[label, href]]}, ...children) -> the page's element, its heading is <h1>
// card(title | {title, actions: [el], sub}, ...children), stat(label, value, {hint, kind}) -> el.set(value, {hint, kind})
// stats(...stat), grid(...cards), toolbar(...els), facts([[name, value]]) (a definition list)
// button(label, {kind: 'primary'|'danger'|'plain', icon, run: async () => {}, href, title, small, disabled, iconOnly}); while run() is under way
//   it is disabled; what run() throws becomes a toast. link(text, href)
// badge(text, kind, iconName?), state(word): kinds ok, warn, bad, info, muted
// timeAgo(unix), code(text, {lang, label}), json(value), copyButton(text | () => text, label), progress(value, total, label) -> el.set(v, t, words?)
// errorBox(err, {retry: fn}), spinner(label), empty(text, action), notice(kind, ...children)
// table({columns, load, empty, rowHref, rowKey, caption, sort, dir, onLoad}) -> Element with reload({quiet}), rows(), sortBy(name, dir)
//   columns: [{key, label, cell: (row) => node|string, sort: 'name', num: true, hint, wide: true}]; load({marker, sort, dir, signal}) -> list answer.
//   quiet: what is shown stays until the new rows are there, and only while the first page is all that is shown (for polling)
// field({label, name, type, value, help, options, required, placeholder, rows, min, max, mono, disabled, autocomplete, spellcheck}) -> Element with
//   .input, .value, .name, .error(text|null). type: text, password, number, textarea, select, checkbox, email, url, datetime-local, search
//   options: ['a', ['value', 'label'], {value, label}]
// form([field...], {submit: async (values) => {}, label, kind, cancel: fn}) -> <form>; an ApiError shows at the field its param names. el.values()
// dialog({title, body: node | ({close}) => node, actions: [{label, kind, run: async () => value}], wide}) -> Promise of what run() gave, or
//   undefined when it was closed. run() that gives false, or throws (the error shows inside), keeps it open.
// confirm(text, {danger, label, title, typed: 'crm'}) -> Promise of true or false; typed: the words to type before it can be pressed
// toast(text, kind: 'ok'|'bad'|'info')
// tabs([{label, id, content: node | () => node}], {selected, onSelect}) -> Element with select(id)
// searchBox({label, placeholder, value, onChange, wait_ms}), picker({label, options, value, onChange}) (a labelled select, for toolbars)
// segments({label, options: [[value, label]], value, onChange}) (a few choices side by side)

export { add, classes, freshId, h, icon } from './lib-dom.js';
export * from './lib-parts.js';
export * from './lib-form.js';
export * from './lib-dialog.js';
export * from './lib-table.js';
