// Texts whose contrast with what is behind them is below 4.5 (3 where they are large): WCAG 2.2, 1.4.3.
(() => {
  const parse = (color) => {
    const numbers = color.match(/-?[\d.]+(?:e-?\d+)?/g).map(Number);
    const scale = color.startsWith("color(") ? 1 : 255;
    return [numbers[0] / scale, numbers[1] / scale, numbers[2] / scale, numbers[3] === undefined ? 1 : numbers[3]];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const light = ([r, g, b]) => {
    const linear = [r, g, b].map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const behind = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), parse(getComputedStyle(document.body).backgroundColor));
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.textContent.trim() || !element.checkVisibility() || element.closest(".unseen")) continue;
    const style = getComputedStyle(element);
    const [ink, paper] = [light(over(parse(style.color), behind(element))), light(behind(element))];
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    const size = parseFloat(style.fontSize);
    seen += 1;
    if (ratio < (size >= 24 || (size >= 18.66 && style.fontWeight >= 600) ? 3 : 4.5)) {
      found.push(`${ratio.toFixed(2)} ${element.tagName}.${element.className}: ${texts.currentNode.textContent.trim().slice(0, 40)}`);
    }
  }
  return { seen, found };
})()
