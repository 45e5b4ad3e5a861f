"use strict";
(() => {
  const rows = [...document.querySelectorAll("tr[data-row]")];
  const form = document.getElementById("verdicts");
  const place = "row " + location.search.replace(/[?&]done=\d+/, "");
  let at = -1;
  const go = (to, focus = true) => {
    if (!rows.length) return;
    if (at >= 0) rows[at].classList.remove("at");
    at = Math.max(0, Math.min(to, rows.length - 1));
    rows[at].classList.add("at");
    try { sessionStorage.setItem(place, at); } catch { /* private windows may refuse */ }
    if (focus) rows[at].querySelector("[data-open]").focus();
  };
  const give = verdict => {
    if (!form) return;
    const button = form.querySelector(`button[value=${verdict}]`);
    if (!button) return;
    const boxes = [...form.querySelectorAll("input[type=checkbox]")];
    if (rows.length && !boxes.some(box => box.checked)) {
      const own = at >= 0 && rows[at].querySelector("input[type=checkbox]");
      if (!own) return;
      own.checked = true;
    }
    form.requestSubmit(button);
  };
  const press = id => { const e = document.getElementById(id); if (e) e.tagName === "FORM" ? e.requestSubmit() : e.click(); };
  const focus = id => { const e = document.getElementById(id); if (e) { e.focus(); e.select(); } };
  const keys = {
    j: () => go(at + 1), k: () => go(at - 1), e: () => give("expected"), u: () => give("unintended"),
    x: () => { const box = at >= 0 && rows[at].querySelector("input[type=checkbox]"); if (box) box.checked = !box.checked; },
    n: () => focus("note"), "/": () => focus("q"), z: () => press("undo"), q: () => press("back"),
    "?": () => document.getElementById("help").showModal(),
  };
  document.addEventListener("keydown", event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !"jk".includes(event.key)) return;
    const typing = event.target.matches("input:not([type=checkbox]):not([type=range]),select,textarea");
    if (typing) {
      if (event.key === "Escape") { event.target.blur(); go(at, true); }
      // In a note Enter gives nothing: e or u does, where it can be seen what it is for.
      if (event.key === "Enter" && event.target.id === "note") { event.preventDefault(); event.target.blur(); go(at, true); }
      return;
    }
    if (document.getElementById("help").open || !Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  rows.forEach((row, index) => row.addEventListener("focusin", () => { if (index !== at) go(index, false); }));
  let before = null;
  try { before = sessionStorage.getItem(place); } catch { /* as above */ }
  if (rows.length && before !== null) go(Number(before), location.search.includes("done="));
  for (const line of document.querySelectorAll(".copy")) {
    const button = document.createElement("button");
    button.type = "button"; button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy " + line.firstElementChild.textContent.slice(0, 80));
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(line.firstElementChild.textContent);
      button.textContent = "Copied";
    });
    line.append(button);
  }
  const slider = document.getElementById("t");
  if (slider) {
    slider.addEventListener("input", () => { document.getElementById("t-said").textContent = slider.value; });
    slider.addEventListener("change", () => slider.form.requestSubmit());
  }
  const filters = document.querySelector("details.facets");
  if (filters && matchMedia("(max-width:760px)").matches) filters.open = false;
})();
