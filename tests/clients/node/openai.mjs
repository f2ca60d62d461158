// The official `openai` package for Node.
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";
import { all, key, run, url } from "./run.mjs";

const client = new OpenAI({ baseURL: url, apiKey: key, maxRetries: 0, timeout: 15_000 });
const chat = client.chat.completions;
const said = (content) => [{ role: "user", content }];
const ask = (content, more = {}) => ({ model: "gpt-4o", messages: said(content), ...more });
const usage = { stream_options: { include_usage: true } };

const City = z.object({ name: z.string(), people: z.number().int(), river: z.string().nullable() });
const Country = z.object({
  title: z.string(),
  kind: z.enum(["republic", "kingdom"]),
  capital: City,
  cities: z.array(City).min(1),
});
const format = (schema = Country) => ({ response_format: zodResponseFormat(schema, "country") });

// Two functions that the package itself calls, and what they were called with.
function functions(calls) {
  const made = (name) => ({
    type: "function",
    function: {
      name,
      description: "d",
      parse: JSON.parse,
      parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
      function: (given) => {
        calls.push([name, given]);
        return { n: calls.length, где: given.city };
      },
    },
  });
  return [made("weather"), made("time")];
}
const LOOP = 'sandbox:call weather {"city": "Омск"}; call time {"city": "Тула"}';

const cases = {
  async text(content, more = {}) {
    const { data, response, request_id } = await chat.create(ask(content, more)).withResponse();
    const { headers } = response;
    return { ...data, request_id, told: [headers.get("x-gateway-adapted"), headers.get("x-gateway-dropped")] };
  },

  async chunks(content, more = {}) {
    return all(await chat.create(ask(content, { stream: true, ...more })));
  },

  // The package's own reading of a stream: its events, and what it puts together.
  async stream(content, more = {}) {
    const events = [];
    const stream = chat.stream(ask(content, { ...usage, ...more }));
    for (const name of ["connect", "content", "chunk", "message", "finalContent", "end"]) {
      stream.on(name, () => events.at(-1) !== name && events.push(name));
    }
    const final = await stream.finalChatCompletion();
    return { final, content: await stream.finalContent(), usage: await stream.totalUsage(), events };
  },

  async together(texts) {
    const answers = await Promise.all(texts.map((text) => chat.create(ask(text))));
    return answers.map((answer) => answer.choices[0].message.content);
  },

  async left() {
    const stream = await chat.create(ask("sandbox:long 9", { stream: true }));
    for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
    return { aborted: stream.controller.signal.aborted };
  },

  // Calls side by side, as another provider made them, and their results in the other order.
  async history() {
    const call = (id, name) => ({ id, type: "function", function: { name, arguments: '{"city":"Омск"}' } });
    const messages = [
      ...said("q"),
      { role: "assistant", content: null, tool_calls: [call("a", "weather"), call("b", "time")] },
      { role: "tool", tool_call_id: "b", content: "полдень" },
      { role: "tool", tool_call_id: "a", content: '{"t": 20}' },
    ];
    const tools = functions([]).map(({ type, function: { function: _, parse, ...one } }) => ({ type, function: one }));
    return chat.create({ model: "GigaChat-2", messages, tools });
  },

  async runTools(stream) {
    const calls = [];
    const runner = chat.runTools({ ...ask(LOOP), tools: functions(calls), stream, ...(stream ? usage : {}) });
    const content = await runner.finalContent();
    return { content, calls, messages: runner.messages, usage: await runner.totalUsage() };
  },

  async parse(model) {
    return (await chat.parse(ask("x", { model, ...format() }))).choices[0].message;
  },

  async parseStream(model) {
    const stream = chat.stream(ask("x", { model, ...format() }));
    const parts = [];
    stream.on("content.delta", ({ delta }) => parts.push(delta));
    const { choices } = await stream.finalChatCompletion();
    return { ...choices[0].message, parts };
  },

  async parseRecursive() {
    const Node = z.object({
      name: z.string(),
      get children() {
        return z.array(Node).max(1);
      },
    });
    return (await chat.parse(ask("x", format(Node)))).choices[0].message.parsed;
  },

  async parseCut() {
    return chat.parse(ask("sandbox:finish length", format()));
  },

  async parseCall(more = {}) {
    const Spin = z.object({ times: z.union([z.literal(1), z.literal(2)]), where: z.string().nullable() });
    const tools = [zodFunction({ name: "spin", parameters: Spin, description: "Turn around." })];
    const { choices } = await chat.parse(ask('sandbox:call spin {"times": "2"}', { tools, ...more }));
    return choices[0].message.tool_calls.map((call) => [call.function.name, call.function.parsed_arguments]);
  },

  async embeddings(input, more = {}) {
    const { data, usage, model } = await client.embeddings.create({ model: "text-embedding-3-small", input, ...more });
    return { vectors: data.map(({ embedding }) => embedding), order: data.map(({ index }) => index), usage, model };
  },

  async models() {
    const list = await all(client.models.list());
    return { ids: list.map(({ id }) => id), one: await client.models.retrieve("gpt-4o") };
  },

  async wrongKey() {
    return client.withOptions({ apiKey: "no-such-key" }).chat.completions.create(ask("x"));
  },

  async retried() {
    return client.withOptions({ maxRetries: 2 }).chat.completions.create(ask("x"));
  },
};

await run(cases, ({ status, code, param, type, requestID }) => ({ status, code, param, type, requestID }));
