/**
 * The agent's program: the official SDK, unchanged. Its address and key come from OPENAI_BASE_URL and OPENAI_API_KEY,
 * the two things that differ from a program that holds the real key.
 */
import OpenAI from "openai";

const openai = new OpenAI();
const stream = await openai.chat.completions.create({
  model: "demo-model",
  stream: true,
  messages: [{ role: "user", content: "Say hello." }],
});
for await (const part of stream) process.stdout.write(part.choices[0]?.delta.content ?? "");
process.stdout.write("\n");
