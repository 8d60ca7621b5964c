// The world of migrations that get a client of the database: one of "pg", Drizzle's of Payload, the function of "postgres".
(function (kit) {
  'use strict';
  const { report, recorderOf, recorders, unknown, isObject, infoOf, host, hasUnknown, sendText, bindValues, others, isArray, settings } = kit;
  const payload = settings.payload;
  const fragments = new WeakMap(); // what the tag sql has made

  // sqlOf joins the texts and the values of a tag. values that are fragments are parts of the text.
  function sqlOf(texts, values) {
    let text = '';
    const bound = [];
    texts.forEach((part, i) => {
      text += part;
      if (i >= values.length) return;
      const v = values[i];
      const inner = isObject(v) && !infoOf(v) && fragments.get(v);
      if (inner) {
        text += inner.text.replace(/\$(\d+)/g, (_, n) => '$' + (Number(n) + bound.length));
        bound.push(...inner.values);
      } else if (payload && isArray(v)) { // a list in parentheses
        text += '(' + v.map((x) => '$' + bound.push(x)).join(', ') + ')';
      } else text += '$' + bound.push(v);
    });
    return { text, values: bound };
  }

  // send sends a text with values. formats is set if the client writes them into the text: one that is not known may be a part of it.
  // pg-promise does so for its formats, as in "$1:name". inside is the transaction and the connection.
  function send(name, text, values, inside, formats) {
    const place = host.place();
    const isFormatted = typeof text === 'string' && /\$\d+:[a-z]/i.test(text) === true;
    if (formats && hasUnknown(values) || isFormatted) {
      report({ name, unread: 'not all of its values are known', place, ...inside });
    } else sendText(name.split('.').at(-1), values && values.length > 0 ? bindValues(text, values) : text, place, inside);
    return unknown({ settles: true });
  }

  const fragment = (made) => {
    const value = { queryChunks: [] };
    fragments.set(value, made);
    return value;
  };
  const quote = (name) => '"' + String(name).replace(/"/g, '""') + '"';
  const sql = (texts, ...values) => fragment(sqlOf(texts, values));
  sql.raw = (text) => fragment({ text: String(text), values: [] });
  sql.identifier = (name) => fragment({ text: quote(name), values: [] });
  sql.empty = () => fragment({ text: '', values: [] });
  sql.join = (list, separator) => list.reduce((all, v, i) => {
    const next = fragments.has(v) ? fragments.get(v) : { text: '$1', values: [v] };
    const between = i > 0 && separator ? fragments.get(separator).text : '';
    const shifted = next.text.replace(/\$(\d+)/g, (_, n) => '$' + (Number(n) + fragments.get(all).values.length));
    return fragment({ text: fragments.get(all).text + between + shifted, values: [...fragments.get(all).values, ...next.values] });
  }, fragment({ text: '', values: [] }));

  // execute is Drizzle's: it gets a fragment or a text.
  const execute = (inside) => (query) => {
    if (typeof query === 'string') return send('db.execute', query, [], inside);
    const made = isObject(query) && !infoOf(query) && fragments.get(query);
    if (made) return send('db.execute', made.text, made.values, inside, true);
    report({ name: 'db.execute', unread: 'its SQL is known only when it runs' });
    return unknown({ settles: true });
  };

  // query is the one of "pg": a text or an object, values, a callback.
  const query = (inside, formats) => (first, ...list) => {
    const callback = list.find((f) => typeof f === 'function' && !infoOf(f));
    const text = isObject(first) && !infoOf(first) ? first.text : first;
    const values = isArray(list[0]) || infoOf(list[0]) ? list[0] : first?.values;
    const result = infoOf(text) && !infoOf(text).chain ? (report({ name: 'client.query', unread: 'its SQL is known only when it runs' }), unknown({}))
      : send('client.query', text, infoOf(values) ? [values] : values, inside, formats);
    if (callback) Promise.resolve().then(() => callback(null, unknown({})));
    return callback ? undefined : result;
  };

  // clientOf returns the client. inside has its connection, and the number of the transaction that the program opened with its methods.
  function clientOf(inside, isDrizzle) {
    const begin = (...list) => {
      const body = list.find((f) => typeof f === 'function');
      const inner = kit.beginOn(inside);
      if (body) return Promise.resolve(kit.runWithin(inner, inside, () => body(clientOf(inner, isDrizzle))));
      kit.open.add(inner.connection);
      return Promise.resolve(clientOf(inner, isDrizzle));
    };
    const nothing = async () => undefined;
    // A pool gives another connection to each caller that wants to keep one.
    const reserve = async () => clientOf({ block: 0, connection: host.block() }, isDrizzle);
    const special = isDrizzle
      ? { then: undefined, execute: execute(inside), transaction: begin, run: execute(inside) }
      : {
        then: undefined, query: query(inside), none: query(inside, true), any: query(inside, true), one: query(inside, true),
        oneOrNone: query(inside, true), unsafe: query(inside), begin, tx: begin, release: nothing, end: nothing,
        connect: reserve, reserve, on: () => undefined, json: (v) => v,
      };
    const name = isDrizzle ? 'db' : 'client';
    return recorderOf({
      name, sends: true, special, encode: () => ({ k: 'c', n: [{ n: name }] }),
      starts(links, called, list) {
        if (called && !isDrizzle && isArray(list[0])) {
          const made = sqlOf(list[0], list.slice(1));
          return send('client.sql', made.text, made.values, inside, true);
        }
        report({ name: called ? name : [name, ...links.map((l) => l.n)].slice(0, 3).join('.'), unread: 'its SQL is known only when it runs' });
        return unknown({ settles: true });
      },
    });
  }

  const client = clientOf({ block: 0, connection: 0 }, payload);

  // payloadOf returns Payload's own object. Its handles of the database send on other connections than the migration's transaction, except
  // by the migration's own handle.
  function payloadOf() {
    const apart = clientOf({ block: 0, connection: -1 }, true);
    const session = others({ db: client }, 'payload', true);
    const sessions = new Proxy({}, { get: () => session });
    recorders.set(sessions, { sends: true, encode: () => ({ k: 'u' }) });
    const executeBy = (...list) => {
      const { db, drizzle, raw, sql: query } = list[0] ?? {};
      const handle = db ?? drizzle;
      if (list.length === 1 && isObject(handle) && recorders.has(handle) && handle.execute) return handle.execute(raw || query);
      report({ name: 'payload.db.execute', unread: 'its SQL is known only when it runs' });
      return unknown({ settles: true });
    };
    return kit.apiOf('payload', {
      db: kit.apiOf('payload.db', { drizzle: apart, pool: clientOf({ block: 0, connection: -1 }, false), execute: executeBy, sessions, name: 'postgres' }),
    });
  }
  const isPayload = /^@payloadcms\/(db-|drizzle)|^drizzle-orm/;
  return {
    modules: {},
    findModule: (name) => (isPayload.test(name) ? others({ sql }, name, true) : undefined),
    start(up) {
      if (payload) {
        const api = payloadOf();
        return up({ db: client, payload: api, req: others({ payload: api }, 'req', true) });
      }
      return up(settings.context ? kit.contextOf(client) : client, unknown({ settles: true }));
    },
    end() {},
  };
})
