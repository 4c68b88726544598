"use strict";
// The theme: the system's until somebody chooses, then the chosen one.
(() => {
  const root = document.documentElement;
  const button = document.getElementById("theme");
  const remember = {
    get: () => { try { return localStorage.getItem("podhawk-theme"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("podhawk-theme", value); } catch { /* a private window keeps none */ } },
  };
  const chosen = remember.get();
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  button.hidden = false;
  button.addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    remember.set(root.dataset.theme);
  });
})();

// The search: every word must stand somewhere in a page's entry; a hit in the title counts most.
(() => {
  const base = document.querySelector("script[data-base]").dataset.base;
  const input = document.getElementById("find");
  const list = document.getElementById("found");
  const entries = (window.podhawkIndex || []).map((row) => (
    { row, title: row.t.toLowerCase(), rest: `${row.k} ${row.w} ${row.d}`.toLowerCase() }));
  let current = -1;

  const matches = (text) => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [];
    const scored = [];
    for (const { row, title, rest } of entries) {
      let score = 0;
      for (const word of words) {
        const part = title.startsWith(word) ? 6 : title.includes(word) ? 4 : rest.includes(word) ? 1 : 0;
        if (!part) { score = 0; break; }
        score += part;
      }
      if (score) scored.push([score, row]);
    }
    return scored.sort((a, b) => b[0] - a[0] || a[1].t.localeCompare(b[1].t)).slice(0, 12).map((pair) => pair[1]);
  };

  const select = (number) => {
    const options = [...list.querySelectorAll("[data-page]")];
    current = options.length ? (number + options.length) % options.length : -1;
    options.forEach((option, at) => option.setAttribute("aria-selected", String(at === current)));
    if (current < 0) { input.removeAttribute("aria-activedescendant"); return; }
    input.setAttribute("aria-activedescendant", options[current].id);
    options[current].scrollIntoView({ block: "nearest" });
  };

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const show = () => {
    const text = input.value.trim();
    if (!text) { close(); return; }
    const found = matches(text);
    list.replaceChildren(...found.map((row, at) => {
      const option = document.createElement("li");
      option.id = `found-${at}`;
      option.setAttribute("role", "option");
      option.dataset.page = row.u;
      const about = document.createElement("small");
      about.textContent = row.k;
      option.append(row.t, about);
      return option;
    }));
    if (!found.length) {
      const option = document.createElement("li");
      option.setAttribute("role", "option");
      option.setAttribute("aria-disabled", "true");
      option.textContent = "No page found";
      list.append(option);
    }
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    select(0);
  };

  input.addEventListener("input", show);
  input.addEventListener("focus", show);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { close(); return; }
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      select(current + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && current >= 0) {
      location.href = base + list.querySelectorAll("[data-page]")[current].dataset.page;
    }
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[data-page]");
    if (option) location.href = base + option.dataset.page;
  });
  input.addEventListener("blur", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      input.focus();
    }
  });
})();

// Filters of the index: a detection is shown if it has one of the chosen types and one of the chosen tactics.
(() => {
  const bar = document.getElementById("filters");
  if (!bar) return;
  const buttons = [...bar.querySelectorAll("button")];
  const items = [...document.querySelectorAll("li[data-type]")];
  bar.hidden = false;
  bar.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    const chosen = (kind) => buttons
      .filter((one) => one.dataset.kind === kind && one.getAttribute("aria-pressed") === "true")
      .map((one) => one.dataset.value);
    const types = chosen("type");
    const tactics = chosen("tactics");
    for (const item of items) {
      const own = item.dataset.tactics.split("|");
      item.hidden = (types.length > 0 && !types.includes(item.dataset.type))
        || (tactics.length > 0 && !tactics.some((one) => own.includes(one)));
    }
    for (const section of document.querySelectorAll("main section")) {
      const own = [...section.querySelectorAll("li[data-type]")];
      if (own.length) section.hidden = own.every((one) => one.hidden);
    }
    const shown = items.filter((one) => !one.hidden).length;
    document.getElementById("filtered").textContent =
      types.length || tactics.length ? `${shown} of ${items.length} shown` : "";
  });
})();

// A button beside each search that copies its text.
(() => {
  for (const block of document.querySelectorAll("pre.spl")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    block.before(button);
  }
})();
