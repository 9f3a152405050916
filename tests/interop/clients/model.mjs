// A language model of few ideas, on loopback, in the three dialects that agents speak: it calls the tool
// whose name ends in Get-Projects once, when it is offered one, and is content with whatever comes back.
import { createServer } from "node:http";

const wanted = (names) => names.find((n) => /Get.Projects$/.test(n));
const event = (value, name) => (name ? `event: ${name}\n` : "") + `data: ${JSON.stringify(value)}\n\n`;

// OpenAI's chat completions.
const openai = {
  tools: (q) => (q.tools ?? []).map((t) => t.function?.name),
  results: (q) => q.messages.filter((m) => m.role === "tool").map((m) => JSON.stringify(m.content)),
  stream: (q) => q.stream,
  body(q, tool) {
    const message = tool ? { role: "assistant", tool_calls: [{ index: 0, id: "call-1", type: "function", function: { name: tool, arguments: "{}" } }] }
      : { role: "assistant", content: "That is all." };
    const base = { id: "answer-1", created: 1, model: q.model }, usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
    const reason = tool ? "tool_calls" : "stop";
    if (!q.stream)
      return JSON.stringify({ ...base, object: "chat.completion", choices: [{ index: 0, message, finish_reason: reason }], usage });
    return event({ ...base, object: "chat.completion.chunk", choices: [{ index: 0, delta: message, finish_reason: null }] }) +
      event({ ...base, object: "chat.completion.chunk", choices: [{ index: 0, delta: {}, finish_reason: reason }], usage }) + "data: [DONE]\n\n";
  },
};

// Anthropic's messages.
const anthropic = {
  tools: (q) => (q.tools ?? []).map((t) => t.name),
  results: (q) => q.messages.flatMap((m) => Array.isArray(m.content) ? m.content : []).filter((c) => c.type === "tool_result")
    .map((c) => JSON.stringify(c.content)),
  stream: (q) => q.stream,
  body(q, tool) {
    const block = tool ? { type: "tool_use", id: "toolu_1", name: tool, input: {} } : { type: "text", text: "That is all." };
    const message = { id: "msg_1", type: "message", role: "assistant", model: q.model, usage: { input_tokens: 1, output_tokens: 1 } };
    const reason = tool ? "tool_use" : "end_turn";
    if (!q.stream)
      return JSON.stringify({ ...message, content: [block], stop_reason: reason, stop_sequence: null });
    const delta = tool ? { type: "input_json_delta", partial_json: "{}" } : { type: "text_delta", text: block.text };
    const named = (value) => event(value, value.type);
    return named({ type: "message_start", message: { ...message, content: [], stop_reason: null, stop_sequence: null } }) +
      named({ type: "content_block_start", index: 0, content_block: tool ? block : { type: "text", text: "" } }) +
      named({ type: "content_block_delta", index: 0, delta }) + named({ type: "content_block_stop", index: 0 }) +
      named({ type: "message_delta", delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 1 } }) +
      named({ type: "message_stop" });
  },
};

// Google's generateContent.
const google = {
  tools: (q) => (q.tools ?? []).flatMap((t) => t.functionDeclarations ?? []).map((f) => f.name),
  results: (q) => q.contents.flatMap((c) => c.parts ?? []).filter((p) => p.functionResponse).map((p) => JSON.stringify(p.functionResponse.response)),
  stream: (_, url) => url.includes(":stream"),
  body(q, tool, streamed) {
    const part = tool ? { functionCall: { name: tool, args: {} } } : { text: "That is all." };
    const answer = { candidates: [{ index: 0, content: { role: "model", parts: [part] }, finishReason: "STOP" }],
      usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1, totalTokenCount: 2 } };
    return streamed ? event(answer) : JSON.stringify(answer);
  },
};

function dialect(url) {
  return url.includes("/chat/completions") ? openai : url.includes("/messages") ? anthropic : url.includes("enerateContent") ? google : null;
}

// seen.tools: most tools of mpmcp's that it was offered; seen.results: what came back from the call.
export async function startModel() {
  const seen = { tools: 0, results: [] };
  const http = createServer(async (req, res) => {
    const chunks = [];
    for await (const c of req) chunks.push(c);
    const d = dialect(req.url);
    if (!d || req.method !== "POST" || req.url.includes("count_tokens")) {
      res.writeHead(404);
      return res.end();
    }
    const q = JSON.parse(Buffer.concat(chunks)), tools = d.tools(q), results = d.results(q);
    const streamed = Boolean(d.stream(q, req.url));
    seen.tools = Math.max(seen.tools, tools.filter((n) => n.includes("mixpanel")).length);
    if (results.length)
      seen.results = results;
    res.writeHead(200, { "Content-Type": streamed ? "text/event-stream" : "application/json" });
    res.end(d.body(q, results.length ? undefined : wanted(tools), streamed));
  });
  await new Promise((ready) => http.listen(0, "127.0.0.1", ready));
  return { seen, url: `http://127.0.0.1:${http.address().port}`, stop() { http.closeAllConnections(); http.close(); } };
}
