// The world in which a migration runs: values that are not known, recorders in place of the tool's object, and stubs
// for packages.
// host has the functions of the program that runs this: place, send, block, abort, choose, read; enter, leave and opened for the transactions
// around a function. makeTool makes the world of a tool that has a file of its own. bare is set if the tool opens no transaction around a
// migration, joins if a call joins the transaction in whose callback it is made. settings are those of the tool, as JSON.
(function (host, root, client, makeTool, bare, joins, settings) {
  'use strict';
  const infos = new WeakMap(); // of unknown values
  const recorders = new WeakMap(); // of the tool's object, and of chains of calls
  const modules = new Map();
  const timers = [];
  const openChains = [];
  const markEnd = '\uE001';
  let counter = 0, conditional = 0, loops = 0, block = 0;
  let callback = null; // the function of a builder that is recorded now
  let tool; // what makeTool made
  const stringify = JSON.stringify, isArray = Array.isArray, listValues = Object.values, RealDate = Date;
  const isObject = (v) => v !== null && (typeof v === 'object' || typeof v === 'function');
  const infoOf = (v) => (isObject(v) ? infos.get(v) : undefined);
  const markOf = (id) => '\uE000' + id + markEnd;
  const { includes, startsWith, indexOf } = String.prototype;
  const hasMark = (v) => typeof v === 'string' && includes.call(v, markEnd);
  const isUnknown = (v) => infoOf(v) !== undefined || hasMark(v);

  // unknown returns a value that only the real program knows. Everything made of it is unknown, too.
  function unknown(info) {
    info = { ...info, id: ++counter, members: new Map(), answers: new Map() };
    const data = { ...info, settles: false };
    const proxy = new Proxy(function () {}.bind(), {
      get(_, key) {
        if (key === Symbol.toPrimitive) {
          return (hint) => (hint === 'number' ? abortRun('a number of an unknown value') : markOf(info.id));
        }
        if (key === Symbol.iterator) return () => iterateUnknown(data, false);
        if (typeof key === 'symbol') return undefined;
        if (key === '__esModule' && info.module) return true;
        if (info.stub && tool?.anywhere && Object.hasOwn(tool.anywhere, key)) return tool.anywhere[key];
        if (key === 'then') return info.settles ? (yes, no) => settle(unknown(data), yes, no) : undefined;
        if (key === 'toString' || key === 'toLocaleString') return () => markOf(info.id);
        if (!info.members.has(key)) {
          info.members.set(key, unknown({ settles: info.settles, from: info.from, name: key, asks: info.answer }));
        }
        return info.members.get(key);
      },
      getPrototypeOf: () => (info.module ? unknown({ ...info, module: false }) : null),
      apply: (_, self, list) => (list.length === 1 ? info.asks?.(list[0]) : undefined) ?? callUnknown(info, list),
      construct: (_, list) => callUnknown(info, list),
      set: (_, key, value) => (refuseSender(info, [value]), info.members.set(key, value), true),
      has: () => true,
      ownKeys: () => [],
      deleteProperty: () => true,
      defineProperty: () => true,
    });
    infos.set(proxy, info);
    return proxy;
  }

  const settle = (value, yes, no) => Promise.resolve(value).then(yes, no);

  // callUnknown is the call of a function that is not known. It may call the functions that it gets, or not.
  function callUnknown(info, list) {
    refuseSender(info, list);
    refuseForeign(info, list);
    if (callback && list.some((v) => isObject(v) && recorders.has(v))) callback.read = false;
    for (const f of list) {
      if (typeof f !== 'function' || infoOf(f) || recorders.has(f)) continue;
      runSometimes(() => f(unknown({}), unknown({}), unknown({})));
    }
    const make = () => unknown({ settles: info.settles, from: info.from });
    const known = list.length > 0 && !info.settles && list.every((v) => !isObject(v) && !hasMark(v));
    return known ? remember(info, stringify(list), make) : make();
  }

  // remember returns the same unknown value for the same question, so that both have the same answer.
  function remember(info, question, make) {
    if (!info.answers.has(question)) info.answers.set(question, make());
    return info.answers.get(question);
  }

  // compare compares values of which one is unknown.
  function compare(name, a, b) {
    const info = infoOf(a) || infoOf(b), other = infoOf(a) ? b : a;
    if (info?.answer && !isObject(other) && !hasMark(other)) {
      const answer = info.answer(String(other));
      if (answer !== undefined && name.endsWith('==') && name[0] !== '<' && name[0] !== '>') return name[0] === '!' ? !answer : answer;
    }
    if (!info || isObject(other) || hasMark(other)) return unknown({});
    return remember(info, name + (infoOf(a) ? 'a' : 'b') + stringify(other), () => unknown({}));
  }

  function runSometimes(run) {
    conditional++, loops++;
    if (callback) callback.read = false;
    const end = () => (conditional--, loops--);
    let result;
    try {
      result = run();
      if (isObject(result) && recorders.get(result)?.special?.then) result = result.then();
    } finally {
      if (isObject(result) && !infoOf(result) && result instanceof Promise) result.then(end, end);
      else end();
    }
  }

  // refuseSender reports that a function which is not known gets the tool's object.
  function refuseSender(info, list) {
    for (const v of list) {
      const r = isObject(v) && recorders.get(v);
      const held = isObject(v) && !r && !infoOf(v) && typeof v === 'object' &&
        listValues(v).some((x) => isObject(x) && recorders.get(x)?.sends);
      if (r?.sends || held) {
        report({ name: info.from || 'a function', unread: 'it gets the connection, and its code is not known' });
      }
    }
  }

  // ofConnections are methods of drivers, mappers and schema builders that send something.
  const ofConnections = new Set(('query execute raw unsafe runSql $executeRaw $executeRawUnsafe $queryRaw $queryRawUnsafe ' +
    'createTable dropTable alterTable renameTable addColumn removeColumn dropColumn changeColumn alterColumn renameColumn ' +
    'addIndex removeIndex createIndex dropIndex addConstraint removeConstraint bulkInsert bulkUpdate bulkDelete bulkCreate').split(' '));
  // isStatement matches the beginning of a statement.
  const isStatement = new RegExp('^\\s*(?:(?:--[^\\n]*\\n|/\\*[^]*?\\*/)\\s*)*(?:(?:create|alter|drop)\\s+(?:or\\s+replace\\s+)?' +
    '(?:unique|table|index|type|view|materialized|schema|extension|function|procedure|trigger|sequence|policy|role|domain|column|constraint)|' +
    'truncate\\s|insert\\s+into|update\\s+\\S+\\s+set|delete\\s+from|merge\\s+into|grant\\s|revoke\\s|comment\\s+on|' +
    'with\\s+\\w+\\s+as|select\\s|do\\s+\\$)', 'i');
  const isLog = /^(?:log|info|debug|warn|error|trace|verbose)$/;

  // refuseForeign reports a call of a package that may send SQL, on a connection of its own.
  function refuseForeign(info, list) {
    const from = info.from;
    if (!from || from === 'process.env' || isLog.test(info.name)) return;
    if (ofConnections.has(info.name) || list.some((v) => typeof v === 'string' && isStatement.test(v))) {
      report({ name: info.name && info.name !== 'default' ? from + '.' + info.name : from, unread: 'it may send SQL on a connection of its own' });
    }
  }

  function* iterateUnknown(info, once) {
    for (let i = 0; once ? i < 1 : true; i++) {
      if (i > 20) abortRun('a list of unknown length is copied');
      yield unknown({ from: info.from });
    }
  }

  function abortRun(why) {
    host.abort(why);
    throw new Error(why);
  }

  // truth decides about a condition.
  function truth(v) {
    const info = infoOf(v);
    const whole = hasMark(v) && startsWith.call(v, '\uE000') && indexOf.call(v, markEnd) === v.length - 1;
    if (!info && !whole) return v;
    if (callback) {
      callback.read = false;
      return v;
    }
    if (info && info.truth !== undefined) return info.truth ? v : undefined;
    const answer = host.choose(info && info.chain ? stringify(encode(info.chain, 0)) : '');
    if (info) info.truth = answer;
    return answer ? v : undefined;
  }

  let chosen; // the value of the switch whose cases are compared

  // anyProperty returns one of the properties of an object.
  function anyProperty(object) {
    const recorder = isObject(object) && recorders.get(object);
    if (recorder) return object[markOf(++counter)];
    if (isObject(object) && !infoOf(object) && listValues(object).some((v) => isObject(v) && recorders.get(v)?.sends)) {
      abortRun('an unknown value chooses between connections');
    }
    return unknown({ settles: infoOf(object)?.settles, from: infoOf(object)?.from });
  }

  // forget makes an object unknown: nobody knows which property has been set.
  function forget(object) {
    if (!isObject(object) || infoOf(object) || recorders.has(object)) return;
    for (const name of Object.keys(object)) object[name] = unknown({});
    Object.setPrototypeOf(object, unknown({}));
    infos.set(object, { id: ++counter, members: new Map(), answers: new Map() });
  }

  const operators = {
    '==': (a, b) => a == b, '===': (a, b) => a === b, '!=': (a, b) => a != b, '!==': (a, b) => a !== b,
    '<': (a, b) => a < b, '>': (a, b) => a > b, '<=': (a, b) => a <= b, '>=': (a, b) => a >= b,
    '-': (a, b) => a - b, '*': (a, b) => a * b, '/': (a, b) => a / b, '%': (a, b) => a % b,
    in: (a, b) => a in b, instanceof: (a, b) => a instanceof b,
  };
  const globals = {
    __onward_truth: truth,
    __onward_nullish: truth,
    __onward_compare: (name, a, b) => (isUnknown(a) || isUnknown(b) ? compare(name, a, b) : operators[name](a, b)),
    __onward_type: (v) => (infoOf(v) ? unknown({}) : typeof v),
    __onward_key: (key) => (isUnknown(key) ? abortRun('a property is chosen by an unknown value') : key),
    __onward_get: (object, key) => (isUnknown(key) ? anyProperty(object) : object[key]),
    __onward_set: (object, key, value) => (isUnknown(key) && forget(object), (object[key] = value)),
    __onward_choice: (v) => (chosen = v),
    // A case of an unknown value is taken if the answer to the comparison says so: then the value is the case's own.
    __onward_case: (v) => {
      if (!isUnknown(chosen) && !isUnknown(v)) return v;
      return truth(compare('===', chosen, v)) ? chosen : {};
    },
    __onward_spread: (list) => (infoOf(list) ? [unknown({})] : list),
    __onward_copy: (v) => (infoOf(v) ? { [markOf(infoOf(v).id)]: v } : v),
    __onward_each(list) {
      const info = infoOf(list);
      if (!info) return list;
      if (callback) callback.read = false;
      if (!truth(list)) return [];
      return {
        [Symbol.iterator]() {
          let turns = 0;
          const end = () => (turns === 1 && (conditional--, loops--), turns++, { done: true, value: undefined });
          return {
            next: () => (turns > 0 ? end() :
              (conditional++, loops++, turns++, { done: false, value: unknown({ from: info.from }) })),
            return: end,
          };
        },
      };
    },
    __onward_stub(name) {
      if (!modules.has(name)) {
        const builtin = builtins[name.replace(/^node:/, '')] || tool?.findModule?.(name);
        modules.set(name, builtin || unknown({ module: true, stub: true, settles: true, from: name }));
      }
      return modules.get(name);
    },
  };

  globals.__onward_require = globals.__onward_stub;
  globals.__onward_import = async (name) => globals.__onward_stub(name);

  // encode writes a value for the program that reads the records.
  let nodes = 0;
  function encode(v, depth) {
    if (depth > 30 || ++nodes > 200000) return { k: 'u' };
    switch (typeof v) {
      case 'string': return hasMark(v) ? { k: 'u' } : { k: 't', s: v };
      case 'number': return Number.isFinite(v) ? { k: 'n', s: String(v) } : { k: 'u' };
      case 'boolean': case 'undefined': return { k: 'w', s: String(v) };
      case 'bigint': case 'symbol': return { k: 'u' };
    }
    if (v === null) return { k: 'w', s: 'null' };
    const info = infos.get(v), recorder = recorders.get(v);
    if (info) return info.now ? { k: 'c', w: true, n: [{ n: 'Date', c: true, a: [] }] } : { k: 'u' };
    if (recorder) return recorder.encode(depth);
    if (typeof v === 'function') return (tool?.recordCallback || recordCallback)(v, depth);
    if (isArray(v)) return { k: 'l', i: v.map((x) => encode(x, depth + 1)) };
    if (v instanceof RealDate) {
      return { k: 'c', w: true, n: [{ n: 'Date', c: true, a: [encode(v.toISOString(), depth)] }] };
    }
    const parent = Object.getPrototypeOf(v);
    if (parent !== Object.prototype && parent !== null) return { k: 'u' };
    const fields = Object.keys(v);
    if (fields.some(hasMark)) return { k: 'u' };
    return { k: 'o', o: fields.map((n) => ({ n, v: encode(v[n], depth + 1) })) };
  }

  // runCallback runs a function of a builder. read is set if it does nothing that depends on unknown values.
  function runCallback(run) {
    const outer = callback, self = { read: true, result: undefined };
    callback = self;
    try {
      self.result = run();
    } catch (error) {
      self.read = false;
    } finally {
      callback = outer;
    }
    return self;
  }

  // recordCallback runs a function of a builder, and returns the chains that it begins with its parameter.
  function recordCallback(f, depth) {
    const list = [];
    const builder = recorderOf({
      starts: (links, called) => chainOf(called ? links : [{ n: '' }, ...links], { list }),
      encode: () => ({ k: 'u' }),
    });
    const { read } = runCallback(() => f.call(builder, builder, builder));
    return { k: 'f', r: read, f: list.map((c) => c.encode(depth + 1)) };
  }

  // recorderOf returns an object whose members are recorded. starts gets the first link that is called.
  function recorderOf(recorder) {
    const proxy = new Proxy(function () {}.bind(), {
      get: (_, key) => (recorder.special && Object.hasOwn(recorder.special, key)
        ? recorder.special[key] : memberOf(recorder, [], key)),
      apply: (_, self, list) => recorder.starts([callOf(recorder.name || '', list)], true, list),
      construct: (target, list, made) => recorder.construct?.(list) ?? Reflect.construct(target, list, made),
      getPrototypeOf: () => (recorder.module ? recorderOf({ ...recorder, module: false }) : null),
      set: () => true,
      has: () => true,
    });
    recorders.set(proxy, recorder);
    return proxy;
  }

  const callOf = (n, list) => ({ n, c: true, a: list.map((v) => encode(v, 0)) });

  function memberOf(recorder, path, key) {
    if (typeof key === 'symbol' || key === 'then') return undefined;
    const names = [...path, key];
    const known = recorder.known?.(names);
    if (known !== undefined) return known;
    const member = new Proxy(function () {}.bind(), {
      get: (_, next) => memberOf(recorder, names, next),
      apply(_, self, list) {
        const links = path.map((n) => ({ n }));
        return recorder.starts([...links, callOf(key, list)], false, list);
      },
      construct: (_, list) => valueOf([callOf(key, list)], true),
    });
    const first = recorder.links || (recorder.name && [{ n: recorder.name }]);
    recorders.set(member, {
      sends: recorder.sends,
      encode: () => (first ? { k: 'c', n: [...first, ...names.map((n) => ({ n }))] } : { k: 'u' }),
    });
    return member;
  }

  // chainOf returns a chain of calls. Later calls add to it, as they do to the builders of tools.
  function chainOf(links, { list, inside }) {
    // An await calls then later, and no longer in the function that has made the chain.
    const chain = { links, place: host.place(), used: false, inside, around: host.opened() };
    const recorder = {
      sends: !!inside,
      starts(more, _, list) {
        chain.links.push(...more);
        if (inside && more.at(-1).n === 'transacting') chain.inside = insideOf(list[0]) || inside;
        return proxy;
      },
      encode() {
        chain.used = true;
        return { k: 'c', n: chain.links.slice(), p: chain.place };
      },
      special: {
        [Symbol.toPrimitive]: () => ((chain.used = true), markOf(++counter)),
      },
    };
    chain.encode = recorder.encode;
    if (inside) {
      recorder.special.then = (yes, no) => settle(fire(chain, recorder), yes, no);
      recorder.special.catch = (no) => settle(fire(chain, recorder)).catch(no);
      recorder.special.finally = (f) => settle(fire(chain, recorder)).finally(f);
      openChains.push({ chain, recorder });
    }
    const proxy = recorderOf(recorder);
    for (const s of ['iterator', 'asyncIterator', 'toStringTag']) recorder.special[Symbol[s]] ??= undefined;
    chain.proxy = proxy;
    list?.push(chain);
    return proxy;
  }

  // fire is what happens when a chain is awaited.
  function fire(chain, recorder) {
    report({ value: recorder.encode(), place: chain.place, around: chain.around, ...chain.inside });
    return unknown({ chain: chain.proxy });
  }

  // open are the connections on which a transaction is open that the program ends by a call; ended are those whose transaction such a call has
  // ended early. Connection 0 is the tool's, and -1 any other one of its pool.
  const open = new Set(bare ? [] : [0]), ended = new Set();
  const isBegin = /^\s*(?:begin|start\s+transaction)\b/i, isEnd = /\b(?:commit|end|rollback)(?:\s+(?:work|transaction))?[\s;]*$/i;
  const listOpen = (around = host.opened()) => [...open, ...around].filter((k) => !ended.has(k));

  // beginOn returns how the statements of a new transaction are sent. It is a savepoint in an open one, and has a connection of its own
  // otherwise.
  function beginOn({ block: outer, connection = 0 }) {
    const block = outer || host.block();
    return { block, connection: outer || open.has(connection) ? connection : block };
  }

  // endOn ends the transaction of a connection.
  function endOn({ connection }, inside) {
    if (connection === inside.connection) return;
    open.delete(connection);
    ended.add(connection);
  }

  // runWithin runs a function that gets a transaction: it is open until the function has ended. Code beside the function does not hold it open.
  function runWithin(inner, outer, run) {
    if (inner.connection === outer.connection) return run();
    host.enter(inner.connection);
    try {
      return run();
    } finally {
      host.leave();
    }
  }

  function report(call) {
    const { block: inside = block, connection = 0, around, ...rest } = call;
    const beside = listOpen(around).filter((k) => k !== connection);
    const text = rest.value?.n?.at(-1)?.a?.[0]?.s;
    host.send(stringify({
      place: host.place(), ...rest, ...(connection && { connection }), ...(beside.length > 0 && { beside }),
    }), inside, conditional > 0, loops > 0);
    if (typeof text !== 'string') return;
    const ends = isEnd.test(text) && /^\s*(?:commit|end|rollback|begin|start)\b/i.test(text);
    if (ends) open.delete(connection);
    else if (isBegin.test(text)) open.add(connection);
  }

  // driver is the name of a client whose name is not known. It is one of Postgres: for others nothing is judged.
  const foreign = /sqlite|mysql|maria|mssql|oracle|cockroach|redshift/i;
  const driver = unknown({ from: 'client', answer: (name) => (foreign.test(name) ? false : undefined) });

  // insideOf returns how an object of the tool sends; undefined if it is none.
  const insideOf = (v) => (isObject(v) ? recorders.get(v)?.inside : undefined);

  // senderOf returns the tool's object: Knex, or one of its transactions. inside has its connection and the number of its transaction.
  function senderOf(inside) {
    const begin = () => {
      const inner = beginOn(inside);
      return { inner, made: senderOf(inner), end: async () => endOn(inner, inside) };
    };
    const transaction = (...list) => {
      const { inner, made, end } = begin();
      const ends = { commit: end, rollback: end };
      Object.assign(recorders.get(made).special, ends, { isCompleted: () => ended.has(inner.connection) });
      if (typeof list[0] === 'function') return Promise.resolve(runWithin(inner, inside, () => list[0](made, unknown({}), unknown({}))));
      open.add(inner.connection);
      return Promise.resolve(made);
    };
    const transactionProvider = () => {
      let made;
      return () => (made ??= transaction());
    };
    const properties = {
      driverName: !client ? driver : client === 'pgnative' ? client : 'pg', dialect: 'postgresql', version: unknown({}),
      constructor: { name: client === 'pgnative' ? 'Client_PgNative' : 'Client_PG' },
      connectionSettings: unknown({}), config: Object.assign(Object.create(unknown({})), { client: client || driver }),
    };
    const recorder = {
      name: root, sends: true, inside,
      starts: (links, called) => chainOf(called ? links : [{ n: root }, ...links], { inside }),
      encode: () => ({ k: 'c', n: [{ n: root }] }),
      special: {
        then: undefined, transaction, transactionProvider, commit: async () => undefined,
        client: new Proxy(properties, {
          get: (_, key) => (Object.hasOwn(properties, key) ? properties[key] : memberOf(recorder, ['client'], key)),
        }),
        isTransaction: inside.block > 0 ? true : unknown({}),
      },
    };
    return recorderOf(recorder);
  }

  // valueOf returns a value that a call gets as an argument: Sequelize.STRING(20), new Table(…).
  function valueOf(links, isNew) {
    if (isNew && /^(?:DataSource|Sequelize|Connection)$/.test(links[0].n)) return unknown({ settles: true, from: links[0].n });
    return recorderOf({
      links, starts: (more) => valueOf([...links, ...more]),
      encode: () => ({ k: 'c', n: links, ...(isNew && { w: true }) }),
      special: { then: undefined, [Symbol.toPrimitive]: () => markOf(++counter) },
    });
  }

  // libraryOf returns a package whose members are values: the types of Sequelize, the classes of TypeORM. Those in known are given.
  function libraryOf(name, known) {
    const special = { then: undefined, ...known };
    const library = recorderOf({
      name, module: true, special, starts: (links, called) => valueOf(called ? links : [{ n: name }, ...links]),
      encode: () => ({ k: 'c', n: [{ n: name }] }), construct: (list) => valueOf([callOf(name, list)], true),
    });
    special.default = special[name] = library;
    return library;
  }

  // expressions are methods of Sequelize that send nothing, and give a value for another call.
  const expressions = new Set(['literal', 'fn', 'col', 'cast', 'json', 'where', 'and', 'or']);
  const blocks = new WeakMap(); // how the statements of a transaction that a program opened are sent

  // eagerSender returns the object of a tool whose calls send at once: the query interface of Sequelize, the query
  // runner of TypeORM.
  function eagerSender(session = { block: 0, connection: 0 }) {
    const begin = (...list) => {
      const outer = readOption(list), inner = beginOn(outer);
      const end = async () => endOn(inner, outer);
      const opened = recorderOf({
        starts: () => unknown({}), encode: () => ({ k: 'u' }), special: { then: undefined, commit: end, rollback: end },
      });
      blocks.set(opened, inner);
      const body = list.find((f) => typeof f === 'function');
      if (body) return Promise.resolve(runWithin(inner, outer, () => body(opened)));
      open.add(inner.connection);
      return Promise.resolve(opened);
    };
    // readOption finds the option transaction. Without one a call may join the transaction of the callback that makes it.
    const readOption = (list) => {
      for (const v of list || []) {
        if (!isObject(v) || infoOf(v) || recorders.has(v) || v.transaction === undefined) continue;
        return blocks.get(v.transaction) || session;
      }
      const around = joins ? host.opened().filter((k) => !ended.has(k)).at(-1) : undefined;
      return around ? { block: around, connection: around, joined: true } : session;
    };
    const isName = (names) => /^(type|dialect)$/.test(names.at(-1)) && names.includes('options');
    const special = { then: undefined };
    const recorder = {
      name: root, sends: true, special,
      known: (names) => (isName(names) ? 'postgres' : undefined),
      starts(links, called, list) {
        const chain = called ? links : [{ n: root }, ...links];
        const last = links.at(-1).n;
        if (expressions.has(last)) return valueOf(chain);
        if (last === 'getDialect') return 'postgres';
        report({ value: { k: 'c', n: chain, p: host.place() }, ...readOption(list) });
        if (root === 'queryRunner' && last === 'startTransaction') open.add(session.connection);
        if (root === 'queryRunner' && /^(?:commit|rollback)Transaction$/.test(last) && (bare || session.connection)) open.delete(session.connection);
        return unknown({ settles: true, chain: valueOf(chain) });
      },
      encode: () => ({ k: 'c', n: [{ n: root }] }),
    };
    const sender = recorderOf(recorder);
    special.context = sender; // umzug's argument
    if (root === 'queryInterface') {
      special.transaction = begin;
      const members = { transaction: begin, getQueryInterface: () => sender, queryInterface: sender };
      special.sequelize = new Proxy(members, {
        get: (_, key) => (Object.hasOwn(members, key) ? members[key] : memberOf(recorder, ['sequelize'], key)),
      });
      recorders.set(special.sequelize, {
        sends: true, special: members, encode: () => ({ k: 'c', n: [{ n: root }, { n: 'sequelize' }] }),
      });
    } else if (root === 'queryRunner') special.connection = special.dataSource = sourceOf(memberOf(recorder, [], 'connection'));
    return sender;
  }

  // sourceOf returns TypeORM's object of the database, which takes another connection for each query. Other members are those of base.
  function sourceOf(base) {
    const query = (...list) => eagerSender({ block: 0, connection: -1 }).query(...list);
    const createQueryRunner = () => eagerSender({ block: 0, connection: host.block() });
    const transaction = (...list) => {
      const inner = beginOn({ connection: -1 });
      return Promise.resolve(runWithin(inner, {}, () => list.at(-1)({ query: eagerSender(inner).query, queryRunner: eagerSender(inner) })));
    };
    const members = { query, createQueryRunner, transaction, manager: { query, transaction } };
    const source = new Proxy(members, { get: (_, key) => (Object.hasOwn(members, key) ? members[key] : base[key]) });
    recorders.set(source, { sends: true, special: members, encode: () => ({ k: 'c', n: [{ n: root }, { n: 'connection' }] }) });
    return source;
  }

  // contextOf returns the object that umzug gives to a migration. It has the context, and is the context: a resolver of the program may give
  // that alone.
  function contextOf(sender) {
    const { name, path: file, context: wanted } = own;
    const parts = { connection: sender, sequelize: recorders.get(sender).special.sequelize, library: builtins.sequelize };
    const choose = (kind) => parts[kind] || unknown({ settles: true, from: 'context' });
    if (!isObject(wanted)) {
      const context = parts[wanted] || sender;
      Object.assign(recorders.get(context).special, { context, name, path: file });
      return context;
    }
    const fields = { name, path: file };
    for (const key of Object.keys(wanted)) fields[key] = choose(wanted[key]);
    return (fields.context = others(fields, 'context', true));
  }

  // What follows are the globals of a program.
  const now = () => unknown({ now: true });
  function FixedDate(...list) {
    if (!new.target) return markOf(++counter);
    if (list.length === 0 || list.some(isUnknown)) return now();
    return Reflect.construct(RealDate, list, new.target);
  }
  FixedDate.prototype = RealDate.prototype;
  FixedDate.prototype.constructor = FixedDate;
  FixedDate.now = now;
  FixedDate.UTC = RealDate.UTC;
  FixedDate.parse = RealDate.parse;
  globals.Date = FixedDate;
  Math.random = () => unknown({});

  // hide makes a function of the language unknown if an operand is.
  function hide(owner, names, result) {
    for (const name of names) {
      const real = owner[name];
      if (typeof real !== 'function') continue;
      const changed = function (...list) {
        if (isUnknown(this) || list.some(isUnknown)) return result();
        return real.apply(this, list);
      };
      Object.defineProperty(owner, name, { value: changed, writable: true, configurable: true });
    }
  }
  const anything = () => unknown({});
  hide(String.prototype, ['startsWith', 'endsWith', 'indexOf', 'lastIndexOf', 'match', 'matchAll', 'search',
    'localeCompare', 'charCodeAt', 'codePointAt', 'split', 'at', 'charAt', 'includes'], anything);
  hide(String.prototype, ['slice', 'substring', 'substr', 'replace', 'replaceAll', 'trim', 'padStart', 'padEnd',
    'normalize'], () => markOf(++counter));
  hide(Array.prototype, ['includes', 'indexOf', 'lastIndexOf'], anything);
  hide(Map.prototype, ['get', 'has', 'delete'], anything);
  hide(Set.prototype, ['has', 'delete'], anything);
  hide(RegExp.prototype, ['test', 'exec'], anything);
  hide(Object, ['keys', 'values', 'entries', 'fromEntries'], anything);
  hide(Array, ['from', 'isArray'], anything);
  hide(JSON, ['parse', 'stringify'], anything);
  hide(Promise, ['all', 'allSettled', 'race', 'any'], () => unknown({ settles: true }));
  hide(globalThis, ['parseInt', 'parseFloat', 'isNaN', 'isFinite', 'encodeURIComponent', 'decodeURIComponent'],
    anything);
  const RealNumber = Number;
  globals.Number = new Proxy(RealNumber, {
    apply: (f, self, list) => (list.some(isUnknown) ? unknown({}) : f(...list)),
  });

  const join = (...parts) => {
    const text = parts.map(String).filter((p) => p !== '').join('/');
    const out = [];
    for (const p of text.split('/')) {
      if (p === '..') out.pop();
      else if (p !== '' && p !== '.') out.push(p);
    }
    return (text[0] === '/' ? '/' : '') + out.join('/') || '.';
  };
  const path = {
    join, sep: '/', normalize: (p) => join(p), isAbsolute: (p) => p[0] === '/',
    resolve: (...parts) => parts.reduce((all, p) => (String(p)[0] === '/' ? join(p) : join(all, p)), '/'),
    basename: (p, end) => {
      const name = p.slice(p.lastIndexOf('/') + 1);
      return end && name.endsWith(end) ? name.slice(0, -end.length) : name;
    },
    dirname: (p) => p.slice(0, Math.max(p.lastIndexOf('/'), 1)),
    extname: (p) => /[^/](\.[^./]*)$/.exec(p)?.[1] ?? '',
  };
  path.posix = path.default = path;
  const readFile = (p) => {
    const text = isUnknown(p) ? unknown({}) : host.read(join('/', String(p)));
    if (text === undefined) throw new Error('ENOENT: no such file or directory, open ' + p);
    return text;
  };
  const others = (object, from, settles) => {
    const get = (o, key) => (Object.hasOwn(o, key) || typeof key === 'symbol' || key === '__esModule'
      ? o[key] : unknown({ from, settles }));
    // A bundle copies the names of a module that it finds, and asks the prototype for others.
    return new Proxy(object, { get, getPrototypeOf: () => new Proxy(object, { get }) });
  };
  const promises = others({ readFile: async (p) => readFile(p) }, 'fs', true);
  const existsSync = (p) => (isUnknown(p) ? unknown({}) : host.read(join('/', String(p))) !== undefined);
  const readLater = (p, ...list) => {
    const done = list.at(-1);
    let error = null, text;
    try {
      text = readFile(p);
    } catch (e) {
      error = e;
    }
    Promise.resolve().then(() => done(error, text));
  };
  const fs = others({ readFileSync: readFile, readFile: readLater, existsSync, promises }, 'fs', true);
  const promisify = (f) => (infoOf(f) ? unknown({ settles: true }) : (...list) => new Promise((yes, no) =>
    f(...list, (error, v) => (error ? no(error) : yes(v)))));
  const fileURLToPath = (u) => (isUnknown(u) ? unknown({}) : String(u).replace('file://', ''));
  const url = others({ fileURLToPath }, 'url', false);
  const builtins = { path, fs, url, 'fs/promises': promises, util: others({ promisify }, 'util', true) };
  if (root === 'queryInterface') {
    // The operators are symbols of the real package. Here they are names, which an object can show.
    const operators = new Proxy({}, { get: (_, key) => (typeof key === 'string' ? 'Op.' + key : undefined) });
    builtins.sequelize = builtins['@sequelize/core'] = libraryOf('Sequelize', { Op: operators });
  }
  if (root === 'queryRunner') builtins.typeorm = libraryOf('typeorm');
  // sendText reports a statement whose text is made by a method of a tool's object. Its text may be unknown.
  const sendText = (name, text, place = host.place(), inside = { block }) =>
    report({ value: { k: 'c', n: [{ n: root }, callOf(name, [text])], p: place }, place, ...inside });

  // hasUnknown reports whether a value is unknown, or something in it is.
  function hasUnknown(v, depth = 0) {
    if (isUnknown(v) || depth > 30) return true;
    if (!isObject(v) || recorders.has(v)) return false;
    return Object.keys(v).some((key) => hasMark(key) || hasUnknown(v[key], depth + 1));
  }

  // bindValues writes values into a text, in place of "$1" and so on. If one is unknown it leaves the text as the driver sends it.
  function bindValues(text, values) {
    if (hasUnknown(values)) return text;
    return text.replace(/\$(\d+)/g, (all, n) => (n > values.length ? all : quoteValue(values[n - 1])));
  }

  function quoteValue(v) {
    if (v === null || v === undefined) return 'NULL';
    return "'" + textOf(v).replace(/'/g, "''") + "'";
  }

  const textOf = (v) => (v instanceof RealDate ? v.toISOString() : isArray(v) ? arrayText(v) : isObject(v) ? stringify(v) : String(v));

  // arrayText writes an array as the driver "pg" does.
  function arrayText(list) {
    return '{' + list.map((v) => {
      if (v === null || v === undefined) return 'NULL';
      if (isArray(v)) return arrayText(v);
      return '"' + textOf(v).replace(/\\/g, '\\\\').replace(/"/g, '\\"') + '"';
    }).join(',') + '}';
  }

  // apiOf returns the object of a program that sends what is not known, except by the members in known. Its logger sends nothing.
  function apiOf(name, known) {
    const quiet = new Proxy({}, { get: () => () => undefined });
    return recorderOf({
      name, sends: true, special: { then: undefined, logger: quiet, log: quiet, ...known }, encode: () => ({ k: 'c', n: [{ n: name }] }),
      starts(links) {
        report({ name: [name, ...links.map((l) => l.n)].slice(0, 3).join('.'), unread: 'its SQL is known only when it runs' });
        return unknown({ settles: true });
      },
    });
  }
  const own = JSON.parse(settings || '{}');
  tool = makeTool?.({
    host, recorders, infoOf, isObject, unknown, truth, report, encode, callOf, recorderOf, runCallback, others, abortRun, bare,
    hasUnknown, sendText, bindValues, apiOf, contextOf, isArray, senderOf, globals, beginOn, endOn, runWithin, open, settings: own,
    mark: () => markOf(++counter),
    sendIdle: (value, place) => host.send(stringify({ value, place, idle: true }), 0, false, false),
  });
  Object.assign(builtins, tool?.modules);

  const quiet = new Proxy({}, { get: () => () => undefined });
  const env = new Proxy({}, {
    get: (o, key) => (typeof key === 'symbol' ? undefined : (o[key] ??= unknown({ from: 'process.env' }))),
    set: (o, key, value) => ((o[key] = value), true),
  });
  const later = (f, _, ...list) => timers.push(() => f(...list));
  const soon = (f, ...list) => timers.push(() => f(...list));
  const clock = () => abortRun('it waits for the clock');
  const exit = () => abortRun('the program ends itself');
  Object.assign(globals, {
    console: quiet, global: globalThis, performance: unknown({}), __onward_url: 'file:///',
    Buffer: unknown({ from: 'Buffer' }), crypto: unknown({ from: 'crypto' }),
    fetch: unknown({ settles: true, from: 'fetch' }),
    require: globals.__onward_stub,
    process: others({ argv: [], platform: 'linux', cwd: () => '/', exit, nextTick: soon, env }, 'process', false),
    setTimeout: later, setImmediate: soon, setInterval: clock, clearTimeout() {}, clearInterval() {},
    queueMicrotask: (f) => Promise.resolve().then(f),
  });
  for (const name of Object.keys(globals)) globalThis[name] = globals[name];

  return {
    find(exports) {
      const all = isObject(exports) && !infoOf(exports) ? [exports, exports.default, ...listValues(exports)] : [];
      for (const v of all) {
        if (!isObject(v) || infoOf(v) || recorders.has(v)) continue;
        if (typeof v.up === 'function') {
          return Object.assign((...list) => v.up(...list), { parameters: v.up.length, exports: v });
        }
        if (typeof v === 'function' && typeof v.prototype?.up === 'function') {
          return Object.assign((...list) => new v().up(...list), { make: () => new v() });
        }
      }
      return undefined;
    },
    start(up, done, fail) {
      const sender = root === 'knex' ? senderOf({ block: 0, connection: 0 }) : eagerSender();
      const second = root !== 'knex' ? builtins.sequelize : own.context ? unknown({ settles: true }) : Promise;
      const first = own.context ? contextOf(sender) : sender;
      const begin = () => (tool ? tool.start(up) : up(first, second));
      Promise.resolve().then(begin).then(done, (error) => fail(describe(error), isOfEngine(error)));
    },
    tick: () => (timers.length > 0 ? (timers.shift()(), true) : false),
    end() {
      for (const { chain, recorder } of openChains) {
        if (!chain.used) host.send(stringify({ value: recorder.encode(), place: chain.place, idle: true }), 0, false, false);
      }
      tool?.end();
    },
  };

  // isOfEngine reports whether the interpreter raised an error: the real program may not have it.
  function isOfEngine(error) {
    return !infoOf(error) && [TypeError, ReferenceError, RangeError, SyntaxError].some((kind) => error instanceof kind);
  }

  function describe(error) {
    if (infoOf(error)) return 'an unknown value';
    return String((error && error.message) || error).slice(0, 200);
  }
})
