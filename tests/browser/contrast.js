// The least contrast of any text on the page with what is behind it (WCAG 2.2, success criterion
// 1.4.3), and that of the drawing's marks (1.4.11).
(() => {
  const parse = (colour) => {
    const parts = colour.match(/[\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts.length > 3 ? parts[3] : 1 };
  };
  const luminance = (rgb) => {
    const linear = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const contrast = (one, other) => {
    const [a, b] = [luminance(one), luminance(other)].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { rgb, alpha } = parse(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return rgb;
      if (alpha !== 0) throw new Error('a background that one can look through');
    }
    return [255, 255, 255];
  };
  const worst = [];
  const note = (element, colour, needed) => {
    const { rgb, alpha } = parse(colour);
    if (alpha === 0) return;
    const ratio = contrast(rgb, behind(element));
    worst.push({ what: element.className.baseVal ?? element.className, tag: element.tagName, ratio, needed });
  };
  document.querySelectorAll('details').forEach((details) => { details.open = true; });
  for (const element of document.querySelectorAll('body *')) {
    const style = getComputedStyle(element);
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const drawn = element instanceof SVGElement;
    if (own && !['title', 'desc'].includes(element.tagName)) note(element, drawn ? style.fill : style.color, 4.5);
    if (['rect', 'circle'].includes(element.tagName) || element.classList.contains('waits')) {
      note(element, style.stroke !== 'none' ? style.stroke : style.fill, 3);
    }
  }
  return { looked: worst.length, failing: worst.filter(({ ratio, needed }) => ratio < needed) };
})()
