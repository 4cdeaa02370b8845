// What is wider than the window, with everything open.
(() => {
  document.querySelectorAll('details').forEach((details) => { details.open = true; });
  const hidden = (element) => element.closest('.wide, .unseen, .skip-link');
  const beyond = [...document.querySelectorAll('body *')].filter((element) => {
    const { left, right, width } = element.getBoundingClientRect();
    return width > 0 && !hidden(element) && (right > innerWidth + 0.5 || left < -0.5);
  });
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    beyond: beyond.map((element) => `${element.tagName} ${element.textContent.slice(0, 40)}`),
  };
})()
