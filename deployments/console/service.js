// Calls of the service, with the errors that it sends.

const AGAIN_MS = 1000;

export class ServiceError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

// The address of a path of the service, whatever a proxy has put before it.
export function address(path) {
  return new URL(`..${path}`, document.baseURI).href;
}

// Return the JSON at a path; raises ServiceError.
export async function read(path, signal) {
  return answer(() => fetch(address(path), { headers: { Accept: "application/json" }, signal }));
}

// Send JSON, with the token without which a session changes nothing.
export async function send(method, path, body, signal) {
  const token = session.csrf_token;
  const headers = { "Content-Type": "application/json", ...(token && { "X-CSRF-Token": token }) };
  const text = body === undefined ? undefined : JSON.stringify(body);
  return answer(() => fetch(address(path), { method, headers, body: text, signal }));
}

const NOBODY = { name: null, role: null, calls: [], csrf_token: null };
let session = NOBODY;

// Learn who looks and what they may do; raises ServiceError where a key is needed.
export async function loadSession() {
  session = NOBODY;
  session = await read("/console/session");
  return session;
}

// Exchange a key for a cookie.
export async function openSession(key) {
  session = await send("POST", "/console/session", { key });
}

// Have the browser forget the key.
export async function endSession() {
  await send("DELETE", "/console/session");
  session = NOBODY;
}

// Whether a page that makes a call is offered: where nobody has signed in yet, all are.
export function offers(call) {
  return !session.role || may(call);
}

// Whether the caller may make a call, as docs/security.md names it.
export function may(call) {
  return session.calls.includes(call);
}

async function answer(call) {
  let response;
  try {
    response = await call();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ServiceError(0, "The service does not answer. Is it running?");
  }
  if (response.status === 204) return null;
  const document = await response.json().catch(() => null);
  if (response.ok && document !== null) return document;
  const message = document?.error?.message ?? `The answer is ${response.status}, and none of PBA's.`;
  throw new ServiceError(response.status, message);
}

// Call `on` with each event of a stream until the signal ends it.
//
// Not EventSource: it has to be told the kinds of events beforehand.
//
// It begins after the event with the id `last`, or with what happens from now on.
export async function follow(path, on, signal, last = null) {
  while (!signal.aborted) {
    try {
      const headers = { Accept: "text/event-stream", ...(last !== null && { "Last-Event-ID": last }) };
      const response = await fetch(address(path), { headers, signal });
      if (!response.ok && response.status < 500 && response.status !== 429) return;
      for await (const event of response.ok ? parts(response.body) : []) {
        if (event.kind === "error") break; // a refusal ends it by its status, the next time
        last = event.id ?? last;
        if (event.data) on(JSON.parse(event.data));
      }
    } catch {
      // The stream broke off: it is opened again, unless the page was left.
    }
    await pause(AGAIN_MS, signal);
  }
}

// Wait so long, or until the signal ends the wait.
function pause(ms, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}

// The events of a stream, as the HTML standard reads them.
async function* parts(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += value;
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const event = {};
      for (const line of block.split("\n")) {
        const [name, rest] = [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)];
        event[{ event: "kind" }[name] ?? name] = rest.replace(/^ /, "");
      }
      yield event;
    }
  }
}

// Return a function that runs `work` and shows its result, unless a newer run has begun meanwhile.
export function latest(work, shown, failed) {
  let newest = 0;
  return async () => {
    const mine = ++newest;
    try {
      const result = await work();
      if (mine === newest) shown(result);
    } catch (error) {
      if (mine === newest && error.name !== "AbortError") failed(error);
    }
  };
}

// Do `work` again and again, one after the other, until the signal ends it or it fails.
export async function repeat(work, everyMs, signal, failed) {
  for (;;) {
    await pause(everyMs, signal);
    if (signal.aborted) return;
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) failed(error);
      return;
    }
  }
}
