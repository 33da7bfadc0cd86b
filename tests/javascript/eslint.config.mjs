// Rules for the scripts of app/explorer as the browser gets them; `javascript.py` joins them.

// What they take from the browser, each by name: a list of all its globals has `name`, `top`, `event` and `open` in it.
const BROWSER = [
  "AbortController",
  "Blob",
  "DOMMatrix",
  "Event",
  "EventTarget",
  "Image",
  "Option",
  "Path2D",
  "ResizeObserver",
  "TextDecoder",
  "URL",
  "URLSearchParams",
  "cancelAnimationFrame",
  "document",
  "navigator",
  "performance",
  "requestAnimationFrame",
  "setTimeout",
  "window",
];

export default [
  {
    languageOptions: {
      ecmaVersion: 2024,
      sourceType: "module",
      globals: Object.fromEntries(BROWSER.map((name) => [name, "readonly"])),
    },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "eqeqeq": "error",
      "no-const-assign": "error",
      "no-dupe-class-members": "error",
      "no-dupe-else-if": "error",
      "no-dupe-keys": "error",
      "no-fallthrough": "error",
      "no-redeclare": "error",
      "no-self-assign": "error",
      "no-undef": "error",
      "no-unreachable": "error",
      "no-unused-vars": "error",
      "no-var": "error",
      "prefer-const": "error",
      "use-isnan": "error",
      "valid-typeof": "error",
    },
  },
];
