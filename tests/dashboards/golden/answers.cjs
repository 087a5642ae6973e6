// Answers the cases on standard input as Grafana's own libraries do; generate.py installs them and writes the answers down.
const { JSDOM } = require('jsdom');

const page = new JSDOM('<!doctype html>', { url: 'http://localhost/' });
Object.assign(globalThis, { window: page.window, document: page.window.document, history: page.window.history });
Object.assign(globalThis, { navigator: page.window.navigator, localStorage: page.window.localStorage });
page.window.grafanaBootData = { settings: { featureToggles: {} } };
console.log = console.info = console.time = console.timeEnd = () => {};

const grafana = require('@grafana/data');
const { firstValueFrom } = require('rxjs');

const byId = new Map(Object.values(grafana.standardTransformers).map((each) => [each.id, each]));
grafana.standardTransformersRegistry.setInit(() =>
  [...byId.values()].map((each) => ({ id: each.id, name: each.name, transformation: each, editor: () => null }))
);

function frame({ name, ref, fields }) {
  const made = fields.map((field) => ({ config: {}, ...field }));
  return grafana.toDataFrame({ name: name || undefined, refId: ref, fields: made });
}

// JSON has neither of these; the translation's test writes them alike.
const plain = (value) =>
  value === undefined ? null : Number.isNaN(value) ? 'NaN' : Math.abs(value) === Infinity ? String(value) : value;

const shown = (frames) =>
  frames.map((each) =>
    each.fields.map((field) => [grafana.getFieldDisplayName(field, each, frames), [...field.values].map(plain)])
  );

const answers = {
  transform: async ({ steps, frames }) =>
    shown(await firstValueFrom(grafana.transformDataFrame(steps, frames.map(frame)))),
  calculate: ({ calculation, values }) =>
    grafana.reduceField({ field: { name: 'x', type: 'number', config: {}, values }, reducers: [calculation] })[calculation] ?? null,
  name: ({ calculation }) => grafana.fieldReducers.get(calculation).name,
  write: ({ unit, value, decimals }) =>
    grafana.formattedValueToString(grafana.getValueFormat(unit)(value, decimals ?? undefined)),
  interval: ({ from, to, points, least }) =>
    grafana.rangeUtil.calculateInterval({ from: grafana.dateTime(from), to: grafana.dateTime(to) }, points, least),
};

let text = '';
process.stdin.on('data', (some) => (text += some));
process.stdin.on('end', async () => {
  const found = [];
  for (const each of JSON.parse(text)) found.push(await answers[each.kind](each));
  process.stdout.write(JSON.stringify(found));
});
