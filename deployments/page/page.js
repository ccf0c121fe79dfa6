"use strict";
// Puts in place what the server says has changed. A part in which the reader is stays as it is until they leave it.

const link = document.getElementById("link");
const newer = document.getElementById("newer");

function say(words) {
  if (link.textContent !== words) link.textContent = words;
}

function put(name, html) {
  if (name === "ended" && newer) {
    const more = Number(html) - Number(newer.dataset.ended);
    newer.hidden = !(more > 0);
    newer.textContent = `${more.toLocaleString("en")} more ended since: show`;
    return;
  }
  const place = document.querySelector(`[data-part="${name}"]`);
  if (place === null || place.hidden || place.contains(document.activeElement)) return;
  place.innerHTML = html; // the server has escaped every text in it
}

if (newer || document.querySelector("[data-part]")) {
  const source = new EventSource("/events");
  source.addEventListener("part", (event) => put(...JSON.parse(event.data)));
  source.addEventListener("open", () => say(""));
  source.addEventListener("error", () => say("not connected: this is how it was"));
}
