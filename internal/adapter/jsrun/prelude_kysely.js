// The world of Kysely's migrations: its object, whose builders are values that never change, and its package.
(function (kit) {
  'use strict';
  const { encode, unknown, truth, report, recorders, isObject, callOf, recorderOf, runCallback, others, mark, host } = kit;
  const senders = new WeakMap(); // how an object of Kysely sends: its transaction, and the calls that made it
  const compiled = new WeakMap(); // the builders of compiled queries
  const builders = []; // of statements
  const executions = ['execute', 'executeTakeFirst', 'executeTakeFirstOrThrow', 'stream'];
  // ofTypes are methods that change types only.
  const ofTypes = ['$castTo', '$narrowType', '$assertType', '$asScalar', '$asTuple', '$notNull'];

  // addCommon adds the methods that all builders have.
  function addCommon(special, proxy) {
    for (const name of ofTypes) special[name] = () => proxy;
    special.then = undefined; // nothing is sent if a builder is awaited
    special.$call = (f) => f(proxy);
    special.$if = (condition, f) => (truth(condition) ? f(proxy) : proxy);
    special[Symbol.toPrimitive] = mark;
  }

  // builderOf returns a builder: the calls that made it. Each call returns another one. inside says how it is sent; it is
  // undefined for one that is a part of a statement.
  function builderOf(links, inside, place) {
    const state = { links, place, used: false };
    const special = {};
    const recorder = {
      special, sends: !!inside, state,
      starts(more) {
        state.used = true;
        return builderOf([...links, ...more], inside, place);
      },
      encode() {
        state.used = true;
        return { k: 'c', n: links, p: place };
      },
    };
    const proxy = recorderOf(recorder);
    addCommon(special, proxy);
    if (!inside) return proxy;
    builders.push(state);
    for (const name of executions) {
      special[name] = async (...list) => {
        state.used = true;
        return sendLinks([...links, callOf(name, list)], inside, place);
      };
    }
    special.compile = () => compiledOf(proxy, state);
    return proxy;
  }

  // compiledOf returns a query that executeQuery sends.
  function compiledOf(builder, state) {
    const query = unknown({});
    if (state) state.used = true;
    compiled.set(query, builder);
    return query;
  }

  // sendLinks reports a statement, at once: Kysely does not wait for an await.
  function sendLinks(links, inside, place) {
    report({ value: { k: 'c', n: links, p: place }, place, ...inside });
    return unknown({});
  }

  // senderOf returns an object of Kysely. before are the calls that made it of the one that the migration gets.
  function senderOf(inside, before) {
    const special = {};
    const recorder = {
      links: before, sends: true, special,
      starts: (links) => builderOf([...before, ...links], inside, host.place()),
      encode: () => ({ k: 'c', n: before }),
    };
    const sender = recorderOf(recorder);
    senders.set(sender, inside);
    const changed = (name) => (...list) => senderOf(inside, [...before, callOf(name, list)]);
    Object.assign(special, {
      then: undefined, isTransaction: inside.block > 0 || !inside.connection && !kit.bare, dynamic: { ref: sql.ref, table: sql.table },
      withSchema: changed('withSchema'), withPlugin: changed('withPlugin'), withoutPlugins: changed('withoutPlugins'),
      withTables: () => sender, $extendTables: () => sender, introspection: unknown({ settles: true }),
      destroy: async () => undefined, fn: builderOf([...before, { n: 'fn' }]),
      transaction: () => beginningOf(inside, before, 'transaction', true),
      connection: () => beginningOf(inside, before, 'connection', false),
      startTransaction: () => beginningOf(inside, before, 'startTransaction', true),
      commit: () => endOf(inside), rollback: () => endOf(inside),
      executeQuery: async (query) => {
        const builder = isObject(query) && (compiled.get(query) || (recorders.get(query)?.state && query));
        if (builder) return builder.execute(sender);
        report({ name: 'db.executeQuery', unread: 'its SQL is known only when it runs' });
        return unknown({});
      },
    });
    return sender;
  }

  const endOf = (inside) => ({ execute: async () => kit.endOn(inside, {}) });

  // beginningOf returns the builder of a transaction, or of a connection.
  function beginningOf(inside, before, name, opens) {
    if (inside.block > 0 || !inside.connection && !kit.bare) {
      report({ name: 'db.' + name, unread: 'Kysely refuses it in the transaction in which a migration runs' });
    }
    const beginning = {
      setIsolationLevel: () => beginning, setAccessMode: () => beginning,
      execute: async (f) => {
        const inner = opens ? kit.beginOn(inside) : inside;
        const made = senderOf(inner, before);
        if (f) return kit.runWithin(inner, inside, () => f(made));
        if (opens) kit.open.add(inner.connection);
        return made;
      },
    };
    return beginning;
  }

  // recordCallback runs a function of a builder. What it returns counts: a chain of calls of its parameter is written as the
  // calls of a callback, another value stands for the function itself.
  function recordCallback(f, depth) {
    const root = builderOf([{ n: '' }]);
    const recorder = recorders.get(root);
    recorder.starts = (links, called) => builderOf(called ? links : [{ n: '' }, ...links], undefined, host.place());
    recorder.name = '';
    recorder.special.eb = root;
    const { read, result } = runCallback(() => f(root));
    if (result === root) return { k: 'f', r: read, f: [] };
    const links = isObject(result) && recorders.get(result)?.state?.links;
    if (links && links[0].n === '') return { k: 'f', r: read, f: [encode(result, depth + 1)] };
    return read ? encode(result, depth + 1) : { k: 'u' };
  }

  // expressionOf returns an expression of the tag sql, which may be a statement.
  function expressionOf(links) {
    const place = host.place();
    const special = {};
    const recorder = {
      special, state: { links }, starts: (more) => expressionOf([...links, ...more]),
      encode: () => ({ k: 'c', n: links, p: place }),
    };
    const proxy = recorderOf(recorder);
    addCommon(special, proxy);
    special.compile = () => compiledOf(proxy);
    special.execute = async (db) => {
      const inside = isObject(db) && senders.get(db);
      if (inside) return sendLinks([...links, callOf('execute', [db])], inside, place);
      report({ name: 'sql', unread: 'it is sent on a connection that is not known', place });
      return unknown({});
    };
    return proxy;
  }

  const sql = (texts, ...values) => {
    const items = [];
    texts.forEach((text, i) => {
      items.push({ k: 't', s: text });
      if (i < values.length) items.push(encode(values[i], 0));
    });
    return expressionOf([{ n: 'sql', c: true, t: true, a: [{ k: 'e', i: items }] }]);
  };
  for (const name of ['ref', 'table', 'id', 'lit', 'literal', 'raw', 'join', 'val', 'value']) {
    sql[name] = (...list) => expressionOf([{ n: 'sql' }, callOf(name, list)]);
  }

  const expressionBuilder = () => builderOf([{ n: '' }]);
  const apart = senderOf({ connection: -1, block: 0 }, [{ n: 'db' }]);
  function Kysely() {
    return apart;
  }
  const helper = (query) => (encode(query, 0), unknown({}));
  const helpers = { jsonArrayFrom: helper, jsonObjectFrom: helper, jsonBuildObject: helper, mergeAction: helper };
  return {
    modules: {
      kysely: others({ sql, Kysely, expressionBuilder }, 'kysely', false),
      'kysely/helpers/postgres': helpers, 'kysely/helpers/postgres.js': helpers,
    },
    recordCallback,
    start(up) {
      const sender = senderOf({ block: 0, connection: 0 }, [{ n: 'db' }]);
      return up.parameters > 1 ? up(sender, unknown({ settles: true })) : up(sender);
    },
    end() {
      for (const { links, place, used } of builders) {
        if (!used) kit.sendIdle({ k: 'c', n: links, p: place }, place);
      }
    },
  };
})
