/* What HTML and htmx cannot do: keys, local times, copying, dialogs, and the button for what is new.
   Nothing here makes HTML of a value: text is set as text. */
"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // htmx sends the CSRF token with each change. What an error says is shown in #failure.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRF-Token"] = document.body.dataset.csrf;
    // What is empty does not stand in the URL.
    else for (const [name, value] of [...event.detail.formData]) { if (value === "") event.detail.formData.delete(name); }
  });
  document.addEventListener("htmx:beforeRequest", () => { document.getElementById("failure").replaceChildren(); });
  document.addEventListener("htmx:sendError", () => say("The service does not answer. Try again in a moment."));
  function say(text) {
    const line = document.createElement("p");
    line.textContent = text;
    document.getElementById("failure").replaceChildren(line);
  }

  // Times: UTC comes from the server; local time is added, or takes its place.
  function times(within) {
    for (const one of all("time[datetime]:not([data-done])", within)) {
      one.dataset.done = "";
      const moment = new Date(one.dateTime);
      if (isNaN(moment) || root.dataset.clock === "utc") continue;
      const style = { dateStyle: "medium", timeStyle: one.dataset.style === "second" ? "medium" : "short" };
      const local = new Intl.DateTimeFormat(undefined, style).format(moment);
      if (root.dataset.clock === "local") { one.title = one.textContent; one.textContent = local; }
      else one.title = `${local} local time`;
    }
  }

  // Dialogs: a button with data-opens="ID" opens one; one that htmx brings opens itself.
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog")?.close();
    const copier = event.target.closest("[data-copies]");
    if (copier) copy(copier);
  });
  async function copy(button) {
    const text = document.getElementById(button.dataset.copies).textContent;
    const before = button.textContent;
    try { await navigator.clipboard.writeText(text); button.textContent = "Copied"; }
    catch { button.textContent = "Select the text and copy it"; }
    setTimeout(() => { button.textContent = before; }, 2000);
  }
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-submits]");
    if (form) form.requestSubmit();
    if (event.target.matches("[data-selects-all]")) {
      for (const one of all("input[data-select]")) one.checked = event.target.checked;
    }
    if (event.target.matches("[data-select], [data-selects-all]")) counted();
  });
  function counted() {
    const many = all("input[data-select]:checked").length;
    for (const one of all("[data-counts-selected]")) one.textContent = many;
    for (const one of all("[data-needs-selected]")) one.disabled = many === 0;
  }

  // Keys: j k move, x selects, o opens, e triages, / searches, g goes, ? tells.
  let going = false;
  const rows = () => all("[data-row]");
  function current() { return document.activeElement?.closest("[data-row]"); }
  function move(step) {
    const found = rows();
    if (!found.length) return;
    const at = found.indexOf(current());
    const next = found[Math.min(found.length - 1, Math.max(0, at + step))];
    const to = next.matches("[tabindex]") ? next : next.querySelector("a, button, summary");
    to?.focus();
    next.scrollIntoView({ block: "nearest" });
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]")) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key;
    if (going) {
      going = false;
      const link = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
      if (link) { link.click(); event.preventDefault(); }
      return;
    }
    const acts = {
      j: () => move(1),
      k: () => move(-1),
      x: () => { current()?.querySelector("[data-select]")?.click(); },
      o: () => { current()?.querySelector("[data-open]")?.click(); },
      e: () => triage(),
      "/": () => document.querySelector("[data-search]")?.focus(),
      g: () => { going = true; },
      "?": () => document.getElementById("keys")?.showModal(),
    };
    if (Object.hasOwn(acts, key)) { acts[key](); event.preventDefault(); }
  });
  function triage() {
    if (!all("input[data-select]:checked").length) current()?.querySelector("[data-select]")?.click();
    document.querySelector("[data-triage]")?.focus();
  }

  // The stream of changes: it only counts. The list moves when the person says so. A hidden page has no stream,
  // because a browser has few connections for all pages of an origin.
  let source = null;
  const fresh = new Set();
  function listen() {
    const button = document.querySelector("[data-new]");
    if (!button || document.hidden) { source?.close(); source = null; return; }
    if (source) return;
    source = new EventSource("/stream");
    const heard = (event) => {
      const change = JSON.parse(event.data);
      if (change.rose && change.visible && !change.shadow) fresh.add(change.finding_id);
      count();
    };
    for (const name of ["new", "revised"]) source.addEventListener(name, heard);
    source.addEventListener("missed", () => { fresh.add(""); count(); });
  }
  function count() {
    const button = document.querySelector("[data-new]");
    if (!button) return;
    button.hidden = fresh.size === 0;
    button.textContent = `${fresh.size} new`;
  }
  document.addEventListener("visibilitychange", listen);
  document.addEventListener("htmx:afterSwap", (event) => {
    times(document);
    for (const one of all("dialog[data-shows]")) { if (!one.open) one.showModal(); }
    if (event.detail.target.id === "view") { fresh.clear(); count(); }
    counted();
    listen();
  });
  window.addEventListener("pagehide", () => { source?.close(); source = null; });
  times(document);
  counted();
  listen();
})();
