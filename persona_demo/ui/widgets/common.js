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
