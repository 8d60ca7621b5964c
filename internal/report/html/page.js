(() => {
  "use strict";
  const all = (q, from = document) => [...from.querySelectorAll(q)];
  const list = document.querySelector(".list");
  const rows = all(".list .row");
  const bars = all(".time a.bar[data-s]");

  // What belongs to a statement lights up together, also where the style
  // sheet's own rules end.
  let lit = "";
  function light(n) {
    if (n === lit) return;
    all(".lit").forEach(e => e.classList.remove("lit"));
    lit = n;
    if (!n) return;
    all('[data-s="' + n + '"]').forEach(e => e.classList.add("lit"));
  }
  const number = e => e instanceof Element && e.closest("[data-s]") ? e.closest("[data-s]").dataset.s : "";
  const resting = () => number(document.activeElement) || number(document.getElementById(location.hash.slice(1)));
  document.addEventListener("pointerover", e => light(number(e.target) || resting()));
  document.addEventListener("focusin", e => {
    light(number(e.target) || resting());
    // The row comes into view within its list; the page stays where it is.
    const row = e.target.closest(".bar") && document.getElementById("s" + number(e.target));
    if (row && list && list.scrollHeight > list.clientHeight) {
      const at = row.getBoundingClientRect(), box = list.getBoundingClientRect();
      if (at.top < box.top || at.bottom > box.bottom) list.scrollTop += at.top - box.top - box.height / 2;
    }
  });
  document.addEventListener("focusout", () => light(resting()));
  addEventListener("hashchange", () => light(resting()));
  light(resting());

  // One stop of the Tab key for the list and one for the timeline; the arrow
  // keys move within.
  function rove(items, back, forth) {
    const stop = at => items.forEach((e, i) => {
      const beside = e.nextElementSibling; // the link to the details, in the list
      e.setAttribute("tabindex", i === at ? 0 : -1);
      if (beside && beside.matches(".took")) beside.setAttribute("tabindex", i === at ? 0 : -1);
    });
    stop(0);
    items.forEach((e, i) => e.addEventListener("keydown", k => {
      if (k.ctrlKey || k.metaKey || k.altKey) return;
      let to = i;
      if (k.key === back || k.key === "ArrowUp" || k.key === "ArrowLeft") to = Math.max(i - 1, 0);
      else if (k.key === forth || k.key === "ArrowDown" || k.key === "ArrowRight") to = Math.min(i + 1, items.length - 1);
      else if (k.key === "Home") to = 0;
      else if (k.key === "End") to = items.length - 1;
      else if (k.key === "Escape") { e.blur(); return; }
      else return;
      k.preventDefault();
      stop(to);
      items[to].focus();
    }));
  }
  rove(rows, "k", "j");
  rove(bars, "k", "j");
})();
