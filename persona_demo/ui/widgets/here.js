// Tells the lines below measurements what is on the table now, so that an old one can
// say so, and the table whether others were edited, who would go with this page.
const tell = () => {
  window.personaDemoKey = props.value.key;
  window.personaDemoOthers = props.value.others;
  window.dispatchEvent(new CustomEvent("pd-key"));
};

watch("value", tell);
tell();
