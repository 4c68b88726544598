"""The console: pages for people, on the same address as the interface.

**How a page is made.** A page is one declaration in a module of its own, and its place in `registry.PAGES`:

    def view(visit: Visit) -> Mapping[str, Any]:
        ...                                   # what it reads, and gives the template

    HEALTH = Page("/health", "Health", "viewer", "health.html", view, place="Health", key="h")

* `path` is Litestar's (`/findings/{finding_id:str}` gives `visit.path["finding_id"]`), `role` the least that may
  see it, `template` a file in templates/ that begins with `{% extends "shell.html" %}` and fills the block `main`.
* `view` runs in a thread and only reads. `visit.console` has the parts of the service; `visit.token` stands for the
  person wherever code of the interface asks for a token, so that **each view shows only `visit.token.clusters`**. The
  query is `visit.asked("name")`: everything that a page shows follows from its URL, so that reload, the back button and
  a shared link give the same view. Nothing is kept in the session for it.
* `place` puts it into the navigation, `key` opens it after g. A page that belongs to another one gives the same place
  and stays out of the list by `listed=False`.
* Errors are raised as PodhawkError or HTTPException (`nothing_here()` for 404); they become a page for people.

**A part of a page.** htmx names the element that it fills (`hx-target="#view"`). If the template has a block of that
name (`{% block view %}`, `-` as `_`), only this block is sent. So a part needs no declaration: it is the same view, the
same URL, and works without a script.

**A change** is an `Action`: path, name in the audit trail, role, what it does, and its subject. It is always a POST.
routes.py looks at session, CSRF token and role and writes the audit trail before `act` is called; no action can leave
this out. It ends with `Done(to, message)`: the browser goes there, and is told the message once. A form needs
`<input type="hidden" name="_csrf" value="{{ csrf }}">`; htmx sends the token by itself.

**A file to save** is a `Download`.

**Rules.** No value is marked safe; `shown` (podhawk.inert) escapes all, also in attributes. No inline script, style
or `style=` attribute (the policy refuses them); SVG takes classes and presentation attributes. A long-running search
runs in `visit.console.pool`, which belongs to the event loop: views and actions reach it by `visit.console.in_loop`.
The page that begins a search shows its state, and asks again (`hx-trigger="every 1s"`) until it has ended.
Values in URLs pass `|part` or the filter `query`. Times pass `|when`. What console.js offers to pages is by attributes:
data-row, data-select, data-open, data-opens, data-closes, data-copies, data-submits, data-search, data-triage, data-go.

The modules: `page` values · `routes` declarations to handlers · `render` templates and headers · `static_files` ·
`database`, `accounts`, `sessions`, `brake` (and `podhawk.serve.trail`) what the console keeps · `sign_in`, `choices`,
`stream` what is no page · one module for each page.
"""
