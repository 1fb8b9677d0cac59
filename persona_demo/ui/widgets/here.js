// Tells the lines below measurements what is on the table now, so that an old one can say so.
const tell = () => {
  window.personaDemoKey = props.value.key;
  window.dispatchEvent(new CustomEvent("pd-key"));
};

watch("value", tell);
tell();
