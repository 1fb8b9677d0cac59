// What all widgets share. Values reach the page as text nodes only, never as markup.
const make = (tag, attributes = {}, text) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
};
const put = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
  node.hidden = !text;
};
// A file is made in the browser, so that no copy of it lies on the server.
const handOver = (name, text, type) => {
  const address = URL.createObjectURL(new Blob([text], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
};
// A chosen file comes with the event, not by the `upload` of Gradio, and so touches no disk.
const sendChosen = (file, largest) => {
  file.addEventListener("change", () => {
    const [chosen] = file.files;
    if (!chosen) return;
    const reader = new FileReader();
    reader.onload = () => trigger("upload", { name: chosen.name, data: String(reader.result).split(",")[1] || "" });
    reader.onerror = () => trigger("upload", { name: chosen.name, data: null });
    // One byte too many is enough for the server to say that the file is too large.
    reader.readAsDataURL(chosen.slice(0, largest + 1));
    file.value = "";
  });
};
