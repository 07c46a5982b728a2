'use strict';
// Everything is there without this: it only filters, copies, and opens what a link leads to.
(() => {
  const cases = [...document.querySelectorAll('[data-verdicts]')];
  const filter = document.querySelector('.filter');
  const words = filter.querySelector('input[type="search"]');
  const verdicts = [...filter.querySelectorAll('input[name="verdict"]')];
  const differing = filter.querySelector('input[name="differing"]');
  const shown = filter.querySelector('output');
  const texts = new WeakMap();

  const textOf = (element) => {
    if (!texts.has(element)) texts.set(element, element.textContent.toLowerCase());
    return texts.get(element);
  };

  const apply = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = new Set(verdicts.filter((box) => box.checked).map((box) => box.value));
    let count = 0;
    for (const element of cases) {
      const has = element.dataset.verdicts.split(' ');
      const stays = has.some((verdict) => chosen.has(verdict))
        && !(differing?.checked && new Set(has).size < 2)
        && wanted.every((word) => textOf(element).includes(word));
      element.hidden = !stays;
      count += stays;
    }
    for (const group of document.querySelectorAll('.group')) {
      group.hidden = !group.querySelector('[data-verdicts]:not([hidden])');
    }
    shown.textContent = `${count} of ${cases.length} cases`;
  };

  const only = (verdict) => {
    words.value = '';
    for (const box of verdicts) box.checked = box.value === verdict;
    apply();
  };

  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target?.dataset.verdicts) return;
    if (target.hidden) {
      words.value = '';
      for (const box of verdicts) box.checked = true;
      if (differing) differing.checked = false;
      apply();
    }
    (target.matches('details') ? target : target.querySelector('details')).open = true;
    target.scrollIntoView();
  };

  filter.hidden = false;
  filter.addEventListener('input', apply);
  filter.addEventListener('submit', (event) => event.preventDefault());
  addEventListener('hashchange', reveal);
  document.addEventListener('click', (event) => {
    const cell = event.target.closest('a[data-only]');
    if (cell) only(cell.dataset.only);
    const copy = event.target.closest('button[data-copy]');
    if (copy) {
      const text = copy.parentElement.nextElementSibling.textContent;
      navigator.clipboard?.writeText(text).then(() => { copy.textContent = 'Copied'; }, () => {});
    }
  });
  if (navigator.clipboard) {
    for (const button of document.querySelectorAll('button[data-copy]')) button.hidden = false;
  }
  apply();
  reveal();
})();
