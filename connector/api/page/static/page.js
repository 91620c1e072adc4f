// Makes the page live and more comfortable; everything works without it. No text comes from here but what the server
// wrote into the page, and no content is made of strings: fetched pages are parsed, never run.
"use strict";

(() => {
  const root = document.body.dataset.root;
  if (!root) return;
  const lost = document.getElementById("lost");
  const told = document.getElementById("told");
  const PAUSE_MS = 700; // changes come in bursts: one look for each
  let source = null;
  let timer = null;
  let mark = "";
  let isLooking = false;
  let again = false;

  function tellLost(text) {
    lost.textContent = text || "";
    lost.hidden = !text;
  }

  function isInUse(part) {
    const active = document.activeElement;
    if (part.contains(active) && active.matches("input, select, textarea")) return true;
    return [...part.querySelectorAll("input:not([type=hidden])")].some(
      (field) => field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);
  }

  function keepOpen(before, after) {
    // what the person unfolded stays so
    const opened = [...before.querySelectorAll("details")];
    [...after.querySelectorAll("details")].forEach((details, index) => {
      if (opened[index]) details.open = opened[index].open;
    });
  }

  function replace(before, after) {
    keepOpen(before, after);
    if (before.outerHTML === after.outerHTML || isInUse(before)) return;
    const focused = before.contains(document.activeElement) ? document.activeElement : null;
    const path = focused && [...before.querySelectorAll("a, button, summary")].indexOf(focused);
    const said = after.dataset.told;
    if (said && said !== before.dataset.told) told.textContent = said;
    before.replaceWith(after);
    if (focused) {
      const next = after.querySelectorAll("a, button, summary")[path] || document.getElementById("content");
      next.focus({ preventScroll: true });
    }
  }

  async function look() {
    if (isLooking) { again = true; return; }
    isLooking = true;
    try {
      const answer = await fetch(location.pathname + location.search, { headers: { "X-Fragment": "1" }, cache: "no-store" });
      if (answer.status === 401) { stop(); tellLost(document.body.dataset.left); return; }
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const before of document.querySelectorAll("[data-live][id]")) {
        const after = fresh.getElementById(before.id);
        if (after) replace(before, document.adoptNode(after)); else if (!isInUse(before)) before.replaceChildren();
      }
      tellLost("");
    } catch {
      tellLost(document.body.dataset.lost);
    } finally {
      isLooking = false;
      if (again) { again = false; soon(); }
    }
  }

  function soon() {
    if (timer === null) timer = setTimeout(() => { timer = null; look(); }, PAUSE_MS);
  }

  function start() {
    if (source || !document.querySelector("[data-live]")) return;
    source = new EventSource(root + "/live");
    source.addEventListener("hello", (event) => {
      tellLost("");
      if (mark && mark !== event.data) soon();
      mark = event.data;
      document.body.dataset.live = "yes";
    });
    source.addEventListener("change", (event) => { mark = event.data; soon(); });
    source.addEventListener("closed", () => { stop(); tellLost(document.body.dataset.left); });
    source.addEventListener("error", () => { if (source && source.readyState !== EventSource.OPEN) tellLost(document.body.dataset.lost); });
  }

  function stop() {
    if (source) source.close();
    source = null;
    delete document.body.dataset.live;
  }

  // A browser keeps six connections to one address: pages that nobody looks at give theirs back.
  document.addEventListener("visibilitychange", () => { if (document.hidden) stop(); else start(); });
  addEventListener("pagehide", stop);
  addEventListener("pageshow", (event) => { if (event.persisted) { start(); look(); } });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const button = event.submitter;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; } // a second click sends nothing
    form.dataset.sent = "yes";
    if (button) button.setAttribute("aria-disabled", "true");
    if (form.dataset.busy) {
      const busy = document.createElement("p");
      busy.className = "busy";
      busy.setAttribute("role", "status");
      busy.textContent = form.dataset.busy;
      form.append(busy);
      if ("download" in form.dataset) setTimeout(() => { busy.remove(); delete form.dataset.sent; button.removeAttribute("aria-disabled"); }, 8000);
    }
  });

  if (location.hash === "" && document.querySelector("main > .message-problem")) document.getElementById("content").focus({ preventScroll: true });
  if (!document.hidden) start();
})();
