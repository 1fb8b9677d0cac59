const line = element.querySelector(".pd-status");
const progress = line.querySelector(".pd-progress");

const draw = () => {
  const { stage, words, share } = props.value;
  line.dataset.stage = stage;
  const text = line.querySelector("span");
  if (text.textContent !== words) text.textContent = words;
  progress.hidden = stage !== "loading";
  progress.classList.toggle("pd-endless", share === null);
  progress.firstElementChild.style.width = share === null ? "" : `${Math.round(100 * share)}%`;
};

watch("value", draw);
draw();
