// The little script of the page: everything works without it, it only saves steps.
"use strict";
(() => {
  const two = (n) => String(n).padStart(2, "0");
  const chinese = document.documentElement.lang.startsWith("zh");

  // "/" goes to the search.
  document.addEventListener("keydown", (event) => {
    const field = document.querySelector("[data-find]");
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement?.tagName ?? "");
    if (event.key === "/" && field && !typing) {
      event.preventDefault();
      field.focus();
    }
  });

  // Pointing at a chart says the time and the count of a bar.
  for (const plot of document.querySelectorAll(".plot[data-cells]")) {
    const counts = new Map(plot.dataset.cells.split(" ").map((word) => word.split(":").map(Number)));
    const tip = plot.querySelector(".tip");
    plot.addEventListener("pointermove", (event) => {
      const box = plot.getBoundingClientRect();
      const cell = Math.max(0, Math.min(287, Math.floor(((event.clientX - box.left) / box.width) * 288)));
      const minute = cell * 5;
      tip.textContent = `${two(Math.floor(minute / 60))}:${two(minute % 60)} · ${(counts.get(cell) ?? 0).toLocaleString()} ${plot.dataset.unit}`;
      tip.hidden = false;
    });
    plot.addEventListener("pointerleave", () => { tip.hidden = true; });
  }

  // Where the reader's system is dark already, the switch leads to the light.
  const theme = document.querySelector("[data-theme-switch]");
  if (theme && !document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches) {
    theme.href = theme.href.replace("theme=dark", "theme=light");
    theme.textContent = chinese ? "浅色" : "Light";
  }

  // Commands can be copied where the browser lets a page do so.
  if (navigator.clipboard) {
    for (const command of document.querySelectorAll(".command")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "button small copy";
      button.textContent = chinese ? "复制" : "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(command.querySelector("pre").textContent);
        button.textContent = chinese ? "已复制" : "Copied";
      });
      command.append(button);
    }
  }

  // Asks how far a round is, for ever: null when none runs, undefined when nobody could say.
  const follow = (address, pause, tell) => {
    const ask = async () => {
      if (document.hidden) { setTimeout(ask, pause); return; }
      const answer = await fetch(address, { headers: { accept: "application/json" } }).catch(() => null);
      // Signed out meanwhile: the page itself says how to come back.
      if (answer?.status === 401) { location.reload(); return; }
      const now = answer?.ok ? await answer.json().catch(() => undefined) : undefined;
      if (now !== undefined && tell(now)) { location.reload(); return; }
      setTimeout(ask, pause);
    };
    setTimeout(ask, pause);
  };

  // A running round is followed, and its report shown when it ends.
  for (const round of document.querySelectorAll("[data-round]")) {
    const phases = JSON.parse(round.dataset.phases ?? "{}");
    follow(round.dataset.round, 2000, (now) => {
      if (now === null) return true;
      round.querySelector("progress").value = now.percent;
      const said = { "[data-phase]": phases[now.phase] ?? now.phase, "[data-done]": now.done, "[data-all]": now.all, "[data-percent]": now.percent };
      for (const [name, value] of Object.entries(said)) {
        const place = round.querySelector(name);
        if (place) place.textContent = value.toLocaleString();
      }
      return false;
    });
  }
  // One that begins while the owners are looked at is shown as well.
  for (const card of document.querySelectorAll("[data-watch]")) follow(card.dataset.watch, 15000, (now) => now !== null);
})();
