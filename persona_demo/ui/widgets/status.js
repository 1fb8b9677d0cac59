const line = element.querySelector(".pd-status");
const progress = line.querySelector(".pd-progress");
const text = line.querySelector("span");

let begun = {}; // what was here when the last measurement began
let was = "";

const draw = () => {
  const { stage, words, share, cut } = props.value;
  const here = { key: window.personaDemoKey || "", text: window.personaDemoText || "" };
  if (stage === "loading" && was !== "loading") begun = here;
  line.dataset.stage = was = stage;
  // What was measured stays, and is called old where it is about something else than what is here now. Of what was
  // stopped, nobody but the page knows what was here when it began.
  const key = cut ? (cut === "person" ? begun.key?.replace(/[.].*/, ".") : begun.key) : props.value.key;
  const looked = cut ? cut === "text" && begun.text : props.value.text;
  const other = (key && here.key && !here.key.startsWith(key)) || (looked && here.text && here.text !== looked);
  const old = stage === "said" && other;
  const said = old ? `${words} Measured before your last change.` : words;
  if (text.textContent !== said) text.textContent = said;
  progress.hidden = stage !== "loading";
  progress.classList.toggle("pd-endless", share === null);
  progress.firstElementChild.style.width = share === null ? "" : `${Math.round(100 * share)}%`;
};

const again = () => (element.isConnected ? draw() : window.removeEventListener("pd-key", again));
window.addEventListener("pd-key", again);
watch("value", draw);
draw();
