// The world of db-migrate's migrations: the driver for Postgres, whose methods make SQL, and the object that setup gets.
(function (kit) {
  'use strict';
  const { report, recorderOf, unknown, isObject, infoOf, host, hasUnknown, sendText, bindValues, others, isArray } = kit;
  const types = {
    CHAR: 'char', STRING: 'string', TEXT: 'text', SMALLINT: 'smallint', BIGINT: 'bigint', INTEGER: 'int', SMALL_INTEGER: 'smallint',
    BIG_INTEGER: 'bigint', REAL: 'real', DATE: 'date', DATE_TIME: 'datetime', TIME: 'time', BLOB: 'blob', TIMESTAMP: 'timestamp',
    BINARY: 'binary', BOOLEAN: 'boolean', DECIMAL: 'decimal',
  };
  const renamed = { string: 'VARCHAR', datetime: 'TIMESTAMP', blob: 'BYTEA', int: 'INTEGER' };
  const spellType = (type) => (Object.hasOwn(renamed, type) ? renamed[type] : type.toUpperCase());
  const quote = (name) => '"' + name + '"'; // as the driver does: a quote in a name stays
  const text = (v) => "'" + v.replace(/'/g, "''") + "'";
  const specOf = (v) => (typeof v === 'string' ? { type: v } : v);
  const noAction = (rules, name) => (rules && rules[name]) || 'NO ACTION';

  // columnOf writes a column. It returns further statements about it, too.
  function columnOf(table, name, spec, withKey) {
    const zone = /^(time|timestamp)tz$/.exec(spec.type);
    const type = zone ? zone[1] : spec.type;
    let byDefault = spec.defaultValue;
    if (isObject(byDefault)) {
      if (byDefault.raw) byDefault = { sql: byDefault.raw };
      else if (byDefault.special === 'CURRENT_TIMESTAMP') byDefault = { sql: 'CURRENT_TIMESTAMP' };
      else throw new Error('its default value is not known to the driver');
    }
    const parts = [];
    if (zone || spec.timezone) parts.push('WITH TIME ZONE');
    if (spec.primaryKey && spec.autoIncrement) parts.push(type === 'bigint' ? 'BIGSERIAL' : 'SERIAL');
    if (spec.primaryKey && withKey) parts.push('PRIMARY KEY');
    if (spec.notNull === true) parts.push('NOT NULL');
    if (spec.unique) parts.push('UNIQUE');
    if (byDefault !== undefined) {
      parts.push('DEFAULT', typeof byDefault === 'string' ? "'" + byDefault + "'" : byDefault?.sql ?? String(byDefault));
    }
    const after = [];
    if (spec.foreignKey) {
      const key = spec.foreignKey;
      const mapping = typeof key.mapping === 'string' ? { [name]: key.mapping } : key.mapping;
      after.push(addForeignKey(table, key.table, key.name, mapping, key.rules));
    }
    if (spec.comment) after.push('COMMENT on COLUMN ' + table + '.' + name + " IS '" + spec.comment + "'");
    const sql = [
      name[0] === '"' ? name : quote(name), spec.primaryKey && spec.autoIncrement ? '' : spellType(type),
      spec.length ? '(' + spec.length + ')' : '', parts.join(' '),
    ].join(' ');
    return { sql, after };
  }

  function addForeignKey(table, other, name, mapping, rules) {
    const columns = Object.keys(mapping);
    return 'ALTER TABLE ' + quote(table) + ' ADD CONSTRAINT ' + quote(name) + ' FOREIGN KEY (' + columns.map(quote).join(', ') +
      ') REFERENCES ' + quote(other) + ' (' + columns.map((c) => quote(mapping[c])).join(', ') + ') ON DELETE ' +
      noAction(rules, 'onDelete') + ' ON UPDATE ' + noAction(rules, 'onUpdate');
  }

  function changeColumn(table, column, spec) {
    const alter = 'ALTER TABLE ' + quote(table) + ' ', this_ = alter + 'ALTER COLUMN ' + quote(column) + ' ';
    const key = quote(table + '_' + column + '_key');
    const out = [this_ + (spec.notNull === true ? 'SET' : 'DROP') + ' NOT NULL'];
    if (spec.unique === true) out.push(alter + 'ADD CONSTRAINT ' + key + ' UNIQUE (' + quote(column) + ')');
    if (spec.unique === false) out.push(alter + 'DROP CONSTRAINT ' + key);
    const { defaultValue: value } = spec;
    if (isObject(value)) throw new Error('its default value is not known to the driver');
    out.push(this_ + (value === undefined ? 'DROP DEFAULT' : 'SET DEFAULT ' + (typeof value === 'string' ? "'" + value + "'" : value)));
    if (spec.type !== undefined) {
      const type = spellType(spec.type);
      const using = spec.using !== undefined ? spec.using : 'USING ' + quote(column) + '::' + type;
      out.push(this_ + 'TYPE ' + type + ' ' + (spec.length ? '(' + spec.length + ')' : '') + ' ' + using);
    }
    return out;
  }

  // insert writes a row. With a callback, the driver sends each value as a text.
  function insert(table, columns, values, called) {
    if (!isArray(columns) || !isArray(values) || isObject(values[0])) {
      throw new Error('the driver for Postgres inserts one row: a list of columns and a list of values');
    }
    if (columns.length !== values.length) throw new Error('The number of columns does not match the number of values.');
    const literal = (v) => (typeof v === 'string' ? text(v) : called ? text(JSON.stringify(v)) : String(v));
    return 'INSERT INTO ' + quote(table) + ' (' + columns.map(quote).join(',') + ') VALUES (' + values.map(literal).join(',') + ');';
  }

  // builders are the methods of the driver. Each returns what it sends.
  const builders = {
    createTable(table, options) {
      const own = options.columns !== undefined, columns = own ? options.columns : options;
      const names = Object.keys(columns), specs = names.map((n) => specOf(columns[n]));
      const keys = names.filter((_, i) => specs[i].primaryKey);
      const list = names.map((n, i) => columnOf(table, n, specs[i], keys.length === 1));
      const key = keys.length > 1 ? ', PRIMARY KEY (' + keys.map(quote).join(', ') + ')' : '';
      return [
        'CREATE TABLE ' + (own && options.ifNotExists ? 'IF NOT EXISTS' : '') + ' ' + quote(table) + ' (' +
          list.map((c) => c.sql).join(', ') + key + ') ',
        ...list.flatMap((c) => c.after).reverse(),
      ];
    },
    dropTable: (table, o) => 'DROP TABLE ' + (o?.ifExists ? 'IF EXISTS' : '') + ' ' + quote(table),
    renameTable: (table, to) => 'ALTER TABLE ' + quote(table) + ' RENAME TO ' + quote(to),
    addColumn(table, column, spec) {
      const c = columnOf(table, column, specOf(spec), false);
      return ['ALTER TABLE ' + quote(table) + ' ADD COLUMN ' + c.sql + ' ', ...c.after];
    },
    removeColumn: (table, column) => 'ALTER TABLE ' + quote(table) + ' DROP COLUMN ' + quote(column),
    renameColumn: (table, from, to) => 'ALTER TABLE ' + quote(table) + ' RENAME COLUMN ' + quote(from) + ' TO ' + quote(to),
    changeColumn,
    addIndex: (table, name, columns, unique) => 'CREATE ' + (unique ? 'UNIQUE' : '') + ' INDEX ' + quote(name) + ' ON ' + quote(table) +
      ' (' + (isArray(columns) ? columns : [columns]).map(quote).join(', ') + ')',
    removeIndex: (table, name) => 'DROP INDEX ' + quote(name === undefined ? table : name),
    addForeignKey,
    removeForeignKey: (table, name) => 'ALTER TABLE ' + quote(table) + ' DROP CONSTRAINT ' + quote(name),
    insert,
    runSql: sendQuery,
    all: sendQuery,
    createDatabase: (name) => 'CREATE DATABASE ' + quote(name) + ' ',
    dropDatabase: (name, o) => 'DROP DATABASE ' + (o?.ifExists === true ? 'IF EXISTS' : '') + ' ' + quote(name),
    switchDatabase: (o) => 'SET search_path TO ' + (isObject(o) ? o.database ?? o.schema : o),
  };

  function sendQuery(sql, ...values) {
    if (values.length === 0 || values[0] === undefined) return sql;
    let n = 0;
    const list = isArray(values[0]) ? values[0] : values;
    return bindValues(sql.split('?').reduce((all, part) => all + '$' + ++n + part), list);
  }

  // call sends what a method makes, and tells its callback.
  function call(name, list) {
    const place = host.place();
    const callback = typeof list.at(-1) === 'function' && !infoOf(list.at(-1)) ? list.pop() : undefined;
    const isText = name === 'runSql' || name === 'all';
    if (!isText && hasUnknown(list)) {
      report({ name: 'db.' + name, unread: 'not all of its arguments are known', place });
    } else {
      const made = builders[name](...list, ...(name === 'insert' ? [callback !== undefined] : []));
      for (const sql of isArray(made) ? made : [made]) sendText(name, sql, place);
    }
    const result = Promise.resolve(unknown({}));
    result.nodeify = (f) => (f ? result.then((v) => f(null, v)) : result);
    if (callback) Promise.resolve().then(() => callback(null, unknown({})));
    return result;
  }

  const special = { then: undefined };
  const db = recorderOf({
    name: 'db', sends: true, special, encode: () => ({ k: 'c', n: [{ n: 'db' }] }),
    starts(links, called, list) {
      report({ name: ['db', ...links.map((l) => l.n)].slice(0, 3).join('.'), unread: 'its SQL is known only when it runs' });
      const callback = (list || []).find((f) => typeof f === 'function' && !infoOf(f));
      if (callback) Promise.resolve().then(() => callback(null, unknown({})));
      return unknown({ settles: true });
    },
  });
  for (const name of Object.keys(builders)) {
    special[name] = (...list) => call(name, list);
    special[name + 'Async'] = special[name];
  }

  // What the package "async" does with functions that get a callback.
  const whenCalled = (f, ...list) => new Promise((yes, no) => f(...list, (error, v) => (error ? no(error) : yes(v))));
  const finish = (work, callback) => {
    const done = work();
    if (!callback) return done;
    done.then((v) => callback(null, v), (error) => callback(error));
    return undefined;
  };
  const series = (tasks, callback) => finish(async () => {
    if (infoOf(tasks)) return unknown({});
    const out = isArray(tasks) ? [] : {};
    for (const key of Object.keys(tasks)) out[key] = await whenCalled(tasks[key]);
    return out;
  }, callback);
  const waterfall = (tasks, callback) => finish(async () => {
    let last = [];
    for (const f of tasks) last = [await whenCalled(f, ...last)].filter((v) => v !== undefined);
    return last[0];
  }, callback);
  const each = (list, f, callback) => finish(async () => {
    const out = [];
    for (const v of list) out.push(await whenCalled(f, v));
    return out;
  }, callback);
  const async = others({
    series, parallel: series, waterfall, each, eachSeries: each, forEach: each, forEachSeries: each, map: each, mapSeries: each,
  }, 'async', true);
  async.default = async;

  const dbmigrate = others({ dataType: types, version: 1 }, 'db-migrate', false);
  return {
    modules: { async },
    start(up) {
      const { setup } = up.exports || {};
      if (typeof setup === 'function') setup({ dbmigrate, dryRun: false, Promise, cwd: '/' }, unknown({ from: 'seedLink' }));
      return new Promise((yes, no) => {
        const made = up(db, (error) => (error ? no(error) : yes()));
        if (made === null || isObject(made) && typeof made.then === 'function') Promise.resolve(made).then(yes, no);
      });
    },
    end() {},
  };
})
