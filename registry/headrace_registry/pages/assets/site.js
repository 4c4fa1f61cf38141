// Copying a command. Without scripts, the buttons are not there.
"use strict";
(() => {
  const told = document.getElementById("told");

  // Clipboards are for pages from a secure place; elsewhere the old way still works.
  const copy = async (text, node) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      const range = document.createRange();
      range.selectNodeContents(node);
      const selection = getSelection();
      selection.removeAllRanges();
      selection.addRange(range);
      return document.execCommand("copy");
    }
  };

  for (const button of document.querySelectorAll("button.copy")) {
    const node = button.parentElement.querySelector("[data-copy]");
    let again = 0;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const done = await copy(node.textContent, node);
      button.textContent = done ? "Copied" : "Selected";
      told.textContent = done ? "Copied to the clipboard" : "Selected: copy it with the keyboard";
      clearTimeout(again);
      again = setTimeout(() => {
        button.textContent = "Copy";
        told.textContent = "";
      }, 2000);
    });
  }
})();
