const line = element.querySelector(".pd-status");
const progress = line.querySelector(".pd-progress");
const text = line.querySelector("span");

let of = null; // what the results on the page are of
let fresh = false; // whether any came since the button was pressed last
let was = "";

// Results stay, and are called old where they are of something else than what is here now.
const told = () => {
  if (!of) return "";
  const here = { key: window.personaDemoKey, text: window.personaDemoText, pins: window.personaDemoPins };
  const old = Object.entries(here).some(([name, now]) => of[name] && now && !now.startsWith(of[name]));
  return old ? `${of.words} Measured before your last change.` : of.words;
};

const cut = (words) => {
  if (!words) return told();
  return `${words} ${fresh ? "What was measured so far stays." : "Nothing new was measured."} ${told()}`.trim();
};

const draw = () => {
  const { stage, words, share } = props.value;
  const said = stage === "said" ? told() : stage === "cut" ? cut(words) : words;
  line.dataset.stage = stage === "cut" ? (said ? "said" : "none") : stage;
  if (text.textContent !== said) text.textContent = said;
  progress.hidden = stage !== "loading";
  progress.classList.toggle("pd-endless", share === null);
  progress.firstElementChild.style.width = share === null ? "" : `${Math.round(100 * share)}%`;
};

const take = () => {
  const { stage, of: sent } = props.value;
  if (stage === "none") of = null;
  if (stage === "loading" && was !== "loading") fresh = false;
  if (sent) [of, fresh] = [sent, true];
  if (stage === "cut") {
    // Nothing else comes that would tell a screen reader that these texts are as they stay.
    const tab = element.closest("[role=tabpanel]");
    for (const grid of tab?.querySelectorAll("[aria-busy=true]") ?? []) grid.setAttribute("aria-busy", "false");
  }
  was = stage;
  draw();
};

const again = () => (element.isConnected ? draw() : window.removeEventListener("pd-key", again));
window.addEventListener("pd-key", again);
watch("value", take);
take();
