/**
 * The stylesheet of every page. What a page's body may use, inside the shell's `main.card`:
 *
 * - `.actions` around `button.primary` and `button.secondary`: side by side, stacked when narrow
 * - `.notice`, and `.notice.warning` for what the person must not overlook
 * - `dl.facts` with `dt` and `dd`: names and values, such as who asks and where it leads
 * - `.brand` around `img.icon` and the name of who shows the page
 * - `.badge`: a short mark beside a name, such as “unverified”
 * - `.muted`: what matters less
 * - `code`, and `.break` on anything else: long addresses that wrap instead of overflowing
 */
export const PAGE_STYLE = [
  ':root{color-scheme:light dark;--back:#f4f5f7;--card:#fff;--text:#1b1f24;--muted:#56606b;',
  '--line:#d5d9e0;--soft:#eef0f3;--accent:#1c5bb8;--on-accent:#fff;--focus:#1c5bb8;',
  '--warn-back:#fff5dd;--warn-line:#b7791f;--warn-text:#573a00}',
  '@media (prefers-color-scheme:dark){:root{--back:#101317;--card:#191e25;--text:#e7ebf0;',
  '--muted:#a7b1bd;--line:#343c47;--soft:#252c36;--accent:#8ab4f8;--on-accent:#0b1526;',
  '--focus:#8ab4f8;--warn-back:#33270d;--warn-line:#d9a441;--warn-text:#ffe2a8}}',
  '*{box-sizing:border-box}',
  'body{margin:0;padding:1.5rem .75rem;background:var(--back);color:var(--text);',
  'font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;',
  'overflow-wrap:break-word}',
  '.card{max-width:30rem;margin:0 auto;padding:1.5rem;background:var(--card);',
  'border:1px solid var(--line);border-radius:.75rem}',
  '@media (max-width:24rem){body{padding:.5rem}.card{padding:1rem}}',
  'h1{margin:0 0 .75rem;font-size:1.375rem;line-height:1.25}',
  'h2{margin:1.25rem 0 .5rem;font-size:1rem}',
  'p,ul,ol{margin:0 0 .75rem}ul,ol{padding-inline-start:1.25rem}',
  'a{color:var(--accent)}',
  '.muted{color:var(--muted);font-size:.9375rem}',
  '.notice{margin:0 0 1rem;padding:.75rem 1rem;background:var(--soft);',
  'border-inline-start:.25rem solid var(--line);border-radius:.25rem}',
  '.notice.warning{background:var(--warn-back);border-color:var(--warn-line);',
  'color:var(--warn-text)}',
  '.notice>:last-child{margin-bottom:0}',
  'dl.facts{margin:0 0 1rem}',
  'dl.facts dt{margin-top:.75rem;color:var(--muted);font-size:.875rem}',
  'dl.facts dd{margin:0;overflow-wrap:anywhere}',
  '.brand{display:flex;align-items:center;gap:.75rem;margin:0 0 1rem}',
  '.icon{width:2.5rem;height:2.5rem;object-fit:contain}',
  '.badge{display:inline-block;padding:0 .5rem;border:1px solid currentColor;',
  'border-radius:1rem;font-size:.8125rem;overflow-wrap:anywhere}',
  'code{font:.875rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}',
  'code,.break{overflow-wrap:anywhere;word-break:break-word}',
  '.actions{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.5rem}',
  'button{flex:1 1 10rem;min-height:3rem;padding:.625rem 1rem;font:inherit;font-weight:600;',
  'border:1px solid var(--line);border-radius:.5rem;cursor:pointer}',
  'button.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}',
  'button.secondary{background:var(--card);color:var(--text)}',
  'details{margin-top:1rem}summary{padding:.5rem 0;color:var(--muted);cursor:pointer}',
  ':focus-visible{outline:3px solid var(--focus);outline-offset:3px}',
].join('');

/** The stylesheet's hash source for `style-src` (CSP Level 3 §2.3.1). */
export const PAGE_STYLE_SOURCE = "'sha256-AFoybGsJdQ09EpqL/zIZeOX/hc8na8mpnOg1FoXeHXE='";
