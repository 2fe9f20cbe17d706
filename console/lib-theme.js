// The theme, before anything is painted: a classic script, because a module would run after the first frame. The choice is kept in
// localStorage, where a browser allows it; otherwise the system's preference holds.
//
// window.theme.get() -> 'light' | 'dark' | 'system'
// window.theme.set(word)          keeps and applies it; 'system' forgets it
// window.theme.isDark() -> what is in force now
// A change, by the switch or by the system, is told as the event 'themechange' on document.

(function () {
  'use strict';
  const root = document.documentElement;
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  let chosen = 'system';
  try {
    chosen = window.localStorage.getItem('postrider.theme') || 'system';
  } catch {
    // a frame without storage: the system's preference
  }

  function apply() {
    if (chosen === 'system') {
      delete root.dataset.theme;
    } else {
      root.dataset.theme = chosen;
    }
    document.dispatchEvent(new Event('themechange'));
  }

  function set(word) {
    chosen = word;
    try {
      if (word === 'system') {
        window.localStorage.removeItem('postrider.theme');
      } else {
        window.localStorage.setItem('postrider.theme', word);
      }
    } catch {
      // it holds until the page is closed
    }
    apply();
  }

  window.theme = {
    get: () => chosen,
    set,
    isDark: () => chosen === 'dark' || (chosen === 'system' && system.matches),
  };
  system.addEventListener('change', () => document.dispatchEvent(new Event('themechange')));
  apply();
})();
