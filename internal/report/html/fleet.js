(() => {
  "use strict";
  const at = document.getElementById("at"), offline = document.getElementById("offline");
  let version = document.body.dataset.version, busy = false, again = false;

  // The parts of the page that change are replaced by those of a fresh one. What the reader types stays.
  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, {cache: "no-store"});
      if (answer.status === 401 || answer.redirected) { location.reload(); return; }
      if (answer.ok) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const focused = document.activeElement && document.activeElement.id;
        for (const part of document.querySelectorAll("[data-live]")) {
          const fresh = page.getElementById(part.id);
          if (fresh && fresh.outerHTML !== part.outerHTML) part.replaceWith(document.adoptNode(fresh));
        }
        if (focused && document.activeElement === document.body) {
          const e = document.getElementById(focused);
          if (e) e.focus({preventScroll: true});
        }
        document.title = page.title;
        at.textContent = page.getElementById("at").textContent;
        version = page.body.dataset.version;
      }
    } catch (_) {
      offline.hidden = false;
    } finally {
      busy = false;
      if (again) { again = false; refresh(); }
    }
  }

  function connect() {
    const events = new EventSource(document.body.dataset.events);
    events.onmessage = e => {
      const news = JSON.parse(e.data);
      offline.hidden = true;
      at.textContent = news.at;
      if (news.version !== version) refresh();
    };
    events.onerror = () => {
      offline.hidden = false;
      if (events.readyState !== EventSource.CLOSED) return; // the browser connects again by itself
      setTimeout(connect, 10000);
    };
    addEventListener("pagehide", () => events.close());
  }
  addEventListener("pageshow", e => { if (e.persisted) connect(); });
  connect();
})();
