const line = element.querySelector(".pd-status");
const progress = line.querySelector(".pd-progress");
let drawn = { stage: "none", words: "", key: "" };

const draw = () => {
  let told = props.value;
  if (told.stage === "stale") {
    // What was measured stays, and is called old where it is about something else than what is here now.
    line.dataset.stage = drawn.stage;
    if (drawn.stage !== "said" || !drawn.key || told.key.startsWith(drawn.key)) return;
    told = { ...drawn, key: "", words: `${drawn.words} Measured before your last change.` };
  }
  drawn = told;
  const { stage, words, share } = told;
  line.dataset.stage = stage;
  const text = line.querySelector("span");
  if (text.textContent !== words) text.textContent = words;
  progress.hidden = stage !== "loading";
  progress.classList.toggle("pd-endless", share === null);
  progress.firstElementChild.style.width = share === null ? "" : `${Math.round(100 * share)}%`;
};

watch("value", draw);
draw();
