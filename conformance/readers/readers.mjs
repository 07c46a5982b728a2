// Reports of a good server and of a hostile one, read by others. See `run`.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const { CHROMIUM, PLACE, XSD } = process.env;
const suite = process.argv[2];
const require = createRequire(join(PLACE, 'node_modules', '_'));
const { chromium } = require('playwright-core');
const { Parser } = require('tap-parser');
const { validateXML } = require('xmllint-wasm');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const at = (name) => join(PLACE, name);

/// Runs the suite, which may well end with another code than 0.
function run(...args) {
  try {
    execFileSync(suite, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    return 0;
  } catch (error) {
    assert.equal(typeof error.status, 'number', `${suite} cannot be run: ${error.message}`);
    return error.status;
  }
}

/// A report as a server would like to have it that wants its readers' browsers, terminals and parsers.
function hostile(report) {
  const trick = '</pre></details></script></style><script>document.title="taken"</script>'
    + '<img src=x onerror=\'document.title="taken"\'>]]> \u0000\u001b[31m \u202e\u2028 ``` | # \nok 1 - more\n  ...\n';
  const verdicts = ['passed', 'failed', 'passed', 'unsupported', 'passed', 'not-exercised', 'known-failing', 'stale'];
  report.target = `a <server> that lies ${trick}`;
  report.cases.forEach((one, at) => {
    one.verdict = verdicts[at % verdicts.length];
    if (one.verdict === 'passed') return;
    one.reason = trick;
    one.exchanges.forEach((exchange) => { exchange.body = trick + exchange.body; });
    one.mismatch = { what: trick, expected: [trick, '409'], actual: trick, exchange: one.exchanges.length - 1 };
  });
  return report;
}

async function checkJunit(name, isRed) {
  const result = await validateXML({
    xml: { fileName: name, contents: readFileSync(at(name), 'utf8') },
    schema: readFileSync(XSD, 'utf8'),
  });
  assert.ok(result.valid, `${name}: ${JSON.stringify(result.errors.slice(0, 3))}`);
  assert.equal(/<(failure|error)\b/.test(readFileSync(at(name), 'utf8')), isRed);
}

function checkTap(name, report, isRed) {
  let results;
  const strays = [];
  const parser = new Parser({ strict: true }, (all) => { results = all; });
  parser.on('extra', (line) => strays.push(line));
  parser.end(readFileSync(at(name), 'utf8'));
  assert.deepEqual(strays, [], `${name} has lines that are no TAP`);
  assert.equal(results.count, report.cases.length);
  assert.equal(results.ok, !isRed, JSON.stringify(results.failures.slice(0, 3)));
}

/// Opens a page, and holds it to asking nobody for anything and to complaining about nothing.
async function open(browser, name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on('console', (message) => assert.fail(`${name} says ${message.text()}`));
  page.on('pageerror', (error) => assert.fail(`${name} fails: ${error.message}`));
  page.on('request', (request) => assert.ok(request.url().startsWith('file:'), `${name} asks for ${request.url()}`));
  await page.goto(`file://${at(name)}`);
  return page;
}

const shownCases = (page) => page.locator('[data-verdicts]:not([hidden])').count();

async function checkLooks(browser, name) {
  for (const [look, options] of Object.entries({
    light: { colorScheme: 'light' },
    dark: { colorScheme: 'dark' },
    narrow: { colorScheme: 'light', viewport: { width: 360, height: 800 } },
  })) {
    const page = await open(browser, name, options);
    assert.doesNotMatch(await page.title(), /^taken/);
    const [width, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(width <= room, `${name} is ${width} wide where there are ${room}`);
    await page.screenshot({ path: at(`${name}.${look}.png`) });
    await page.context().close();
    // The policy of the page lets nobody in, so whoever looks for barriers goes by it.
    const bare = await open(browser, name, { ...options, bypassCSP: true });
    await bare.addScriptTag({ content: axe });
    const { violations } = await bare.evaluate(() => axe.run());
    const told = violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`);
    assert.deepEqual(told, [], `${name}, ${look}: barriers`);
    await bare.context().close();
  }
  const page = await open(browser, name);
  const pdf = await page.pdf({ path: at(`${name}.pdf`) });
  assert.ok(pdf.length > 10_000);
  await page.context().close();
}

async function checkFilter(browser, name, report) {
  const page = await open(browser, name);
  const all = report.cases.length;
  const of = (verdict) => report.cases.filter((one) => one.verdict === verdict).length;
  assert.equal(await shownCases(page), all);
  await page.getByRole('checkbox', { name: /^passed/ }).uncheck();
  assert.equal(await shownCases(page), all - of('passed'));
  await page.getByRole('searchbox').fill('cancel AFTER-completed');
  const words = await shownCases(page);
  assert.ok(words > 0 && words < all / 4, `${words} cases have these words`);
  assert.equal(await page.locator('output').textContent(), `${words} of ${all} cases`);
  // A number of the table shows what it has counted.
  await page.locator('a[data-only="failed"]').first().click();
  assert.equal(await shownCases(page), of('failed'));
  // A link to a case that is filtered out shows it.
  const passed = report.cases.find((one) => one.verdict === 'passed').id;
  await page.evaluate((id) => { location.hash = id; }, passed);
  const target = page.locator(`details[id="${passed}"]`);
  await target.locator('.told').waitFor({ state: 'visible' });
  await page.context().close();

  const still = await open(browser, name, { javaScriptEnabled: false });
  assert.equal(await shownCases(still), all, 'all is there without scripts');
  assert.ok(await still.locator('.filter').isHidden(), 'what would do nothing is not shown');
  await still.context().close();
}

// Enough for every kind of thing that a page can show; of all, a look for barriers takes minutes.
const some = ['auth/*', 'batches/cancel/*', 'results/*'].flatMap((pattern) => ['--only', pattern]);
assert.equal(run('run', ...some, '--report', `json=${at('good.json')}`), 0);
const good = JSON.parse(readFileSync(at('good.json'), 'utf8'));
const bad = hostile(structuredClone(good));
writeFileSync(at('bad.json'), JSON.stringify(bad));
for (const [name, code] of [['good', 0], ['bad', 1]]) {
  const forms = Object.entries({ junit: 'xml', tap: 'tap', html: 'html' });
  const as = forms.flatMap(([form, end]) => ['--as', `${form}=${at(`${name}.${end}`)}`]);
  assert.equal(run('report', at(`${name}.json`), ...as), code);
}
assert.equal(run('matrix', at('good.json'), at('bad.json'), '--as', `html=${at('matrix.html')}`), 0);

await checkJunit('good.xml', false);
await checkJunit('bad.xml', true);
console.log('JUnit: as the schema wants it');
checkTap('good.tap', good, false);
checkTap('bad.tap', bad, true);
console.log('TAP: as the parser wants it');
if (!CHROMIUM) {
  console.log('pages: nobody has looked at them, since there is no Chromium; install one, or name it with CHROMIUM=/path');
  process.exit();
}
const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
try {
  for (const name of ['good.html', 'bad.html', 'matrix.html']) await checkLooks(browser, name);
  await checkFilter(browser, 'bad.html', bad);
} finally {
  await browser.close();
}
console.log(`pages: quiet, accessible and safe in ${CHROMIUM}; pictures in ${PLACE}`);
