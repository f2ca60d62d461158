// Cases asked for on standard input: a line is `["case", argument, ...]`, and what the case gives, or the error that it
// ends with, is a line on standard output. GATEWAY_URL ends in /v1, GATEWAY_KEY is its key.
import { createInterface } from "node:readline";

export const url = process.env.GATEWAY_URL;
export const key = process.env.GATEWAY_KEY;

/** What a `for await` gives. */
export async function all(items) {
  const found = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Answer the lines until they end; `shown` makes plain values of an error. */
export async function run(cases, shown) {
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, ...given] = JSON.parse(line);
    let answer;
    try {
      answer = await cases[name](...given);
    } catch (error) {
      answer = { error: { name: error?.constructor?.name, message: String(error?.message), ...shown(error) } };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
}
