// The AI SDK with its provider for servers that speak OpenAI's API. AI_SDK names its major version: 6, or 7.
import { z } from "zod";
import { all, key, run, url } from "./run.mjs";

const [sdk, provider] =
  process.env.AI_SDK === "6"
    ? await Promise.all([import("ai-6"), import("openai-compatible-6")])
    : await Promise.all([import("ai"), import("@ai-sdk/openai-compatible")]);
const { embed, embedMany, generateObject, generateText, jsonSchema, Output, streamObject, streamText, tool } = sdk;
const steps = sdk.isStepCount ?? sdk.stepCountIs;
globalThis.AI_SDK_LOG_WARNINGS = false;

const made = (more) => provider.createOpenAICompatible({ name: "gw", baseURL: url, apiKey: key, includeUsage: true, ...more });
const gateway = made({ supportsStructuredOutputs: true });
const model = gateway("GigaChat-2");
const ask = (prompt, more = {}) => ({ model, prompt, maxRetries: 0, ...more });

const schema = z.object({
  name: z.string(),
  steps: z.array(z.object({ n: z.number().int().min(1), text: z.string(), unit: z.enum(["g", "ml"]).nullable() })).min(2),
});
const LOOP = 'sandbox:call weather {"city": "Омск"}; call time {"city": "Тула"}';

// The functions that the SDK calls itself, and what they were called with.
function functions(calls) {
  const one = (name) =>
    tool({
      description: "d",
      inputSchema: z.object({ city: z.string(), exact: z.boolean().optional() }),
      execute: async (given) => {
        calls.push([name, given]);
        return { n: calls.length, где: given.city };
      },
    });
  return { weather: one("weather"), time: one("time") };
}

const counts = ({ inputTokens, outputTokens, totalTokens }) => [inputTokens, outputTokens, totalTokens];
const told = async ({ steps, text, usage, totalUsage, finishReason }) => {
  const done = await steps;
  return {
    text: await text,
    finish: await finishReason,
    steps: done.map((step) => [step.finishReason, step.toolCalls.map((call) => [call.toolName, call.input])]),
    usage: counts(await usage),
    total: counts((await totalUsage) ?? (await usage)),
  };
};

// A stream read to its end, with the kinds of its parts in order.
async function heard(result) {
  const kinds = [];
  const errors = [];
  const whole = (sdk.isStepCount && result.stream) || result.fullStream;
  for await (const part of whole) {
    if (kinds.at(-1) !== part.type) kinds.push(part.type);
    if (part.type === "error") errors.push({ message: String(part.error?.message ?? part.error), ...shown(part.error) });
  }
  return errors.length ? { kinds, errors } : { kinds, ...(await told(result)) };
}

const quiet = { onError: () => {} };

const cases = {
  async text(prompt, more = {}) {
    const result = await generateText(ask(prompt, more));
    return { ...(await told(result)), reasoning: result.reasoningText, id: result.response.id, model: result.response.modelId };
  },

  async turns(messages) {
    return told(await generateText({ ...ask(), prompt: undefined, messages, allowSystemInMessages: true }));
  },

  async stream(prompt, more = {}) {
    return heard(streamText({ ...ask(prompt, more), ...quiet }));
  },

  async left() {
    const controller = new AbortController();
    const { textStream } = streamText({ ...ask("sandbox:long 9"), ...quiet, abortSignal: controller.signal });
    for await (const text of textStream) if (text) break;
    controller.abort();
    return {};
  },

  async loop() {
    const calls = [];
    const result = await generateText(ask(LOOP, { tools: functions(calls), stopWhen: steps(5) }));
    return { ...(await told(result)), calls };
  },

  async loopStream() {
    const calls = [];
    const result = streamText({ ...ask(LOOP, { tools: functions(calls), stopWhen: steps(5) }), ...quiet });
    return { ...(await heard(result)), calls };
  },

  async choice(prompt, toolChoice) {
    const result = await generateText(ask(prompt, { tools: functions([]), toolChoice, stopWhen: steps(1) }));
    return told(result);
  },

  // A schema of JSON's own, with keys that OpenAI's API never sees from zod.
  async plainSchema() {
    const inputSchema = jsonSchema({
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      properties: { kind: { const: "a" }, size: { type: ["integer", "null"], exclusiveMinimum: 0 } },
      propertyNames: { pattern: "^[a-z]+$" },
      required: ["kind", "size"],
      additionalProperties: false,
    });
    return told(await generateText(ask("sandbox:call make", { tools: { make: tool({ inputSchema }) } })));
  },

  async object() {
    const { object, usage, finishReason } = await generateObject(ask("x", { schema }));
    return { object, usage: counts(usage), finish: finishReason };
  },

  async objectStream() {
    const result = streamObject({ ...ask("x", { schema }), ...quiet });
    const parts = await all(result.partialObjectStream);
    return { object: await result.object, parts: parts.length, usage: counts(await result.usage) };
  },

  async output() {
    const result = await generateText(ask("x", { output: Output.object({ schema }) }));
    return { object: result.output };
  },

  async outputStream() {
    const result = streamText({ ...ask("x", { output: Output.object({ schema }) }), ...quiet });
    const parts = await all(result.partialOutputStream);
    return { object: parts.at(-1), parts: parts.length };
  },

  // Tools first, and then an object.
  async outputAfterTools() {
    const calls = [];
    const more = { tools: functions(calls), stopWhen: steps(5), output: Output.object({ schema }) };
    const result = await generateText(ask(LOOP, more));
    return { object: result.output, calls };
  },

  // A server that is not known to take schemas is asked for any JSON.
  async anyJson() {
    const { text } = await generateText({ ...ask("x"), model: made({})("GigaChat-2"), output: Output.json() });
    return { text };
  },

  async embed() {
    const model = gateway.embeddingModel("text-embedding-3-small");
    const one = await embed({ model, value: "раз", maxRetries: 0 });
    const many = await embedMany({ model, values: ["раз", "два"], maxRetries: 0 });
    return { one: one.embedding, many: many.embeddings, usage: [one.usage.tokens, many.usage.tokens] };
  },

  async wrongKey() {
    return generateText({ ...ask("x"), model: made({ apiKey: "no-such-key" })("GigaChat-2") });
  },

  async strangeModel() {
    return generateText({ ...ask("x"), model: gateway("none-such") });
  },

  async retried() {
    return told(await generateText(ask("x", { maxRetries: 2 })));
  },
};

function shown(error) {
  const { statusCode, isRetryable, data } = error?.lastError ?? error ?? {};
  return { status: statusCode, retryable: isRetryable, data: data?.error };
}

await run(cases, shown);
