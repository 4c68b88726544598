/* The editor of searches: completion by keys, and a mirror of the text under which faults are drawn.
   The list of completions comes from the server as escaped HTML; what is inserted is text. */
"use strict";
(() => {
  const area = document.getElementById("q");
  const list = document.getElementById("completions");
  if (!area || !list) return;
  const form = area.form;
  const mirror = () => document.querySelector("#checked .mirror");
  let active = -1, timer = 0, asked = "";

  const options = () => [...list.querySelectorAll("[role=option]")];
  function close() {
    clearTimeout(timer);
    list.hidden = true;
    list.replaceChildren();
    active = -1;
    area.removeAttribute("aria-activedescendant");
  }
  function choose(number) {
    const found = options();
    if (!found.length) return;
    active = (number + found.length) % found.length;
    found.forEach((one, at) => one.setAttribute("aria-selected", String(at === active)));
    found[active].scrollIntoView({ block: "nearest" });
    area.setAttribute("aria-activedescendant", found[active].id);
  }
  function accept(option) {
    const at = area.selectionStart;
    const start = at - Number(option.dataset.back), end = at + Number(option.dataset.ahead);
    const text = option.dataset.text;
    const ahead = area.value[end] ?? "";
    // A closed macro and a function want no blank after them; other words do, unless one is there.
    const blank = /[(`=]$/.test(text) || /^[\s)\],]/.test(ahead) ? "" : " ";
    const doubled = text.endsWith("`") && ahead === "`" ? text.slice(0, -1) : text;
    area.setSelectionRange(start, end);
    // insertText keeps the browser's undo.
    if (!document.execCommand("insertText", false, doubled + blank)) area.setRangeText(doubled + blank, start, end, "end");
    close();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function ask(always) {
    clearTimeout(timer);
    const before = area.value.slice(0, area.selectionStart);
    if (area.selectionStart !== area.selectionEnd || (!always && !/[\w.`{}:|[=(]$|\|\s$/.test(before))) { close(); return; }
    timer = setTimeout(() => {
      asked = area.value;
      const query = new URLSearchParams({ q: area.value, at: String(area.selectionStart) });
      window.htmx.ajax("GET", "/hunt/complete?" + query, { target: "#completions", swap: "innerHTML" });
    }, always ? 0 : 120);
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === list) {
      active = -1;
      area.removeAttribute("aria-activedescendant");
      list.hidden = !options().length || asked !== area.value || document.activeElement !== area;
    }
    if (event.detail.target.id === "checked") follow();
  });
  function follow() {
    const made = mirror();
    if (made) made.scrollTop = area.scrollTop;
  }

  let typed = false;
  area.addEventListener("input", () => {
    const made = mirror();
    if (made) made.textContent = area.value + "\u00a0"; // as high as the text; faults come a moment later
    for (const one of document.querySelectorAll("[data-copy-of=q]")) one.value = area.value;
    if (typed) ask(false);
    typed = false;
  });
  area.addEventListener("beforeinput", (event) => { typed = event.inputType !== "insertFromPaste"; });
  area.addEventListener("keydown", (event) => {
    const open = !list.hidden;
    if (event.isComposing) return;
    if (event.key === " " && event.ctrlKey) { ask(true); event.preventDefault(); }
    else if (open && event.key === "ArrowDown") { choose(active + 1); event.preventDefault(); }
    else if (open && event.key === "ArrowUp") { choose(active < 0 ? -1 : active - 1); event.preventDefault(); }
    else if (open && event.key === "Escape") { close(); event.preventDefault(); event.stopPropagation(); }
    else if (open && event.key === "Tab" && !event.shiftKey) { accept(options()[Math.max(active, 0)]); event.preventDefault(); }
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (open && active >= 0) accept(options()[active]);
      else { close(); form.requestSubmit(form.querySelector("button.main")); }
    }
    else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close();
  });
  list.addEventListener("mousedown", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) { event.preventDefault(); accept(option); }
  });
  area.addEventListener("blur", () => setTimeout(close, 100));
  area.addEventListener("scroll", follow);
  if (area.autofocus || !area.value) area.focus();
})();
