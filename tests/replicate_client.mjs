// What Replicate's own client for JavaScript sees of the stand-in, as one JSON object.
import http from "node:http";
import { readFile } from "node:fs/promises";
import Replicate, { validateWebhook } from "replicate";

const replicate = new Replicate({ baseUrl: `${process.env.REPLICATE_BASE_URL}/v1` });
const input = { prompts: ["a harbour", "night"], width: 64, height: 64, num_inference_steps: 2, seed: 5 };
const sizes = (files) => Promise.all(files.map(async (file) => (await file.blob()).size));
const message = (promise) => promise.then(() => "no error", (error) => error.message);

const ran = await sizes(await replicate.run("me/next-scene", { input }));

const image = await readFile(process.argv[2]);
const states = [];
const polled = await replicate.run(
  "me/next-scene:1",
  { input: { ...input, image }, wait: { mode: "poll", interval: 50 } },
  (prediction) => states.push(prediction.status),
);

const secret = (await replicate.webhooks.default.secret.get()).key;
const hooks = [];
let ended;
const end = new Promise((resolve) => (ended = resolve));
const receiver = http.createServer(async (request, response) => {
  let body = "";
  for await (const piece of request) body += piece;
  response.end();
  const { status, output } = JSON.parse(body);
  hooks.push([status, await validateWebhook({ headers: request.headers, body }, secret)]);
  if (status === "succeeded") ended(output);
});
await new Promise((resolve) => receiver.listen(0, "127.0.0.1", resolve));
const webhook = `http://127.0.0.1:${receiver.address().port}/`;
await replicate.predictions.create({ model: "me/next-scene", input, webhook, webhook_events_filter: ["start", "completed"] });
const hooked = (await end).length;
receiver.close();

const streamed = [];
for await (const { event, data } of replicate.stream("me/next-scene", { input })) {
  streamed.push(event === "output" ? (await data.blob()).size : event);
}

const long = { ...input, prompts: Array(50).fill("a"), num_inference_steps: 100 };
const begun = await replicate.predictions.create({ version: "1", input: long });
const cancelled = (await replicate.predictions.cancel(begun.id)).status;

const refused = await message(replicate.run("me/next-scene", { input: { ...input, strength: 7 } }));
const failed = await message(replicate.run("me/next-scene", { input: {} }));
const known = (await replicate.predictions.list()).results.map((prediction) => prediction.id).includes(begun.id);
console.log(JSON.stringify({ ran, polled: await sizes(polled), states, hooks, hooked, streamed, cancelled, refused, failed, known }));
