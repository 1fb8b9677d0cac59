const line = element.querySelector(".pd-status");
const progress = line.querySelector(".pd-progress");
const text = line.querySelector("span");

const draw = () => {
  const { stage, words, share, key } = props.value;
  line.dataset.stage = stage;
  // What was measured stays, and is called old where it is about something else than what is here now.
  const old = stage === "said" && key && window.personaDemoKey && !window.personaDemoKey.startsWith(key);
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
