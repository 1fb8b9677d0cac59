// The file is made in the browser, so that no copy of it lies on the server.
watch("value", () => {
  const { name, text } = props.value;
  if (!text) return;
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
});
