// Progressive enhancement: every page works without it. Results as one types, keys, and no form
// twice.
"use strict";

const box = document.querySelector("[data-search]");
if (box) {
  const input = box.querySelector("input[name=q]");
  const list = box.querySelector(".found");
  let asked = 0, chosen = -1, timer = 0, shownFor = "";

  const options = () => [...list.querySelectorAll("a[role=option]")];

  const close = () => {
    list.hidden = true;
    chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };

  const choose = (number) => {
    const all = options();
    if (!all.length) return;
    chosen = (number + all.length) % all.length;
    all.forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    input.setAttribute("aria-activedescendant", all[chosen].id);
    all[chosen].scrollIntoView({ block: "nearest" });
  };

  const look = async () => {
    const wanted = input.value.trim();
    if (wanted.length < 2) { shownFor = ""; close(); return; }
    if (wanted === shownFor && !list.hidden) return;
    const mine = ++asked;
    try {
      const answer = await fetch(
        "/find/rows?q=" + encodeURIComponent(wanted), { redirect: "error" });
      if (!answer.ok || mine !== asked) return;
      const text = await answer.text();
      if (mine !== asked || document.activeElement !== input) return;
      const rows = new DOMParser().parseFromString(text, "text/html").body;
      list.replaceChildren(...rows.children);
      list.hidden = false;
      chosen = -1;
      shownFor = wanted;
      input.setAttribute("aria-expanded", "true");
      input.removeAttribute("aria-activedescendant");
    } catch { close(); }
  };

  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(look, 120); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") {
      event.preventDefault();
      list.hidden ? look() : choose(chosen + 1);
    } else if (event.key === "ArrowUp" && !list.hidden) {
      event.preventDefault();
      choose(chosen < 0 ? -1 : chosen - 1);
    } else if (event.key === "Enter" && !list.hidden && chosen >= 0) {
      event.preventDefault();
      location.assign(options()[chosen].href);
    } else if (event.key === "Escape") { close(); }
  });
  input.addEventListener("blur", () => setTimeout(() => {
    if (!box.contains(document.activeElement)) close();
  }, 150));

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
}

// A form is sent once. The request id in it makes a second one harmless anyway.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// What runs is shown as it goes on. A part with an id is put in its place until it runs no longer.
// For another one the page is loaded anew then, and so it is when the session has ended. Parts that
// say so are shown anew each minute, but the one in which a person is. The header says that no
// person asks, so the session does not last longer for it.
const asked = { redirect: "manual", headers: { "Perennial-Follows": "yes" } };
const MINUTE = 60000;
let anew = Date.now() + MINUTE;

const put = (old, now) => {
  const open = [...old.querySelectorAll("details")].map((it) => it.open);
  now.querySelectorAll("details").forEach((it, at) => { it.open = Boolean(open[at]); });
  old.replaceWith(now);
};

const follow = async () => {
  const running = [...document.querySelectorAll("[data-running]")];
  const kept = [...document.querySelectorAll("[data-anew]:not([data-running])")];
  if (!running.length && !kept.length) return;
  const due = Date.now() < anew ? [] : kept.filter((it) => !it.contains(document.activeElement));
  try {
    if ((running.length || due.length) && !document.hidden) {
      const answer = await fetch(location.href, asked);
      if (answer.type === "opaqueredirect") { location.reload(); return; }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const old of [...running, ...due]) {
          const now = old.id ? page.getElementById(old.id) : page.querySelector("[data-running]");
          if (!now) { location.reload(); return; }
          put(old, now);
        }
        if (due.length) anew = Date.now() + MINUTE;
      }
    }
  } catch { /* It is tried again. */ }
  setTimeout(follow, 2000);
};
setTimeout(follow, 2000);

// On a narrow screen the tab of this page is in sight.
for (const tabs of document.querySelectorAll(".tabs, .links")) {
  const here = tabs.querySelector("[aria-current]");
  if (here && tabs.scrollWidth > tabs.clientWidth)
    here.scrollIntoView({ block: "nearest", inline: "center" });
}

// A menu closes when the page is used elsewhere.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.person[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
