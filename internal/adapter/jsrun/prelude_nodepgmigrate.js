// The world of node-pg-migrate's migrations: its builder, whose calls make SQL. What a call makes is one message, or one
// for each item of a list.
(function (kit) {
  'use strict';
  const { report, recorderOf, unknown, others, host, hasUnknown, sendText, bindValues, isArray, settings } = kit;
  let shorthands = settings.shorthands || {};
  let sent = 0;

  // Names and values.
  const listOf = (v) => (isArray(v) ? v.slice() : [v]);
  const isText = (v) => typeof v === 'string';
  const isMap = (v) => typeof v === 'object' && v !== null;
  const isLiteral = (v) => isMap(v) && v.literal === true;
  const isName = (v) => isMap(v) && 'name' in v;
  const separate = (name) => (name.length < 2 ? name : name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2').replace(/([A-Z])([A-Z][a-z]+)/g, '$1_$2')).toLowerCase();
  const spell = (name) => (settings.decamelize ? separate(name) : name);
  const quote = (name) => '"' + spell(name).replace(/"/g, '""') + '"';
  const isExpression = (v) => /->>?|#>>?|@\?|@@|@>|<@|\?[|&]?|#-|\|\||::/.test(v) || /^[\w.]+\(/.test(v) ||
    /\s+[+*/-]\s+/.test(v) || (/[=<>!]+/.test(v) && /[a-zA-Z0-9]/.test(v));

  // writeName writes a name, which may have a schema, with the given function for its parts.
  function writeName(v, write) {
    if (isLiteral(v)) return v.value;
    if (isMap(v) && v.name !== undefined) return (v.schema ? write(v.schema) + '.' : '') + write(v.name);
    return write(String(v));
  }
  const id = (v) => writeName(v, quote);
  const bare = (v) => (isText(v) && isExpression(v) ? '(' + v + ')' : writeName(v, spell));
  const ids = (list) => listOf(list).map(id).join(', ');

  function value(v) {
    if (v === null) return 'NULL';
    if (isText(v)) {
      let tag = 'a';
      for (let i = 0; v.includes('$pg' + tag + '$'); i++) tag = 'abcdefghijklmnopqrstuvwxyz'[i + 1] || abort();
      return '$pg' + tag + '$' + v + '$pg' + tag + '$';
    }
    if (typeof v === 'boolean' || typeof v === 'number') return String(v);
    if (isArray(v)) return 'ARRAY[' + v.map(value).join(',').replace(/ARRAY/g, '') + ']';
    return isLiteral(v) ? String(v.value) : '';
  }
  const abort = () => kit.abortRun('a text has all of the marks that could quote it');
  const lines = (list, before, separator = ',') => list
    .map((l) => l.replace(/(?:\r\n|\r|\n)+/g, ' ')).join(separator + '\n').replace(/^/gm, before);
  const words = (...list) => list.filter((w) => w !== undefined && w !== false && w !== '').join(' ');
  const when = (condition, text) => (condition ? text : undefined);

  // Types.
  const adapters = {
    int: 'integer', string: 'text', float: 'real', double: 'double precision', datetime: 'timestamp', bool: 'boolean',
  };
  const adapt = (type) => (isText(type) && Object.hasOwn(adapters, type) ? adapters[type] : type);
  const typed = (v) => (isText(v) ? { type: v } : v);

  // expand replaces a shorthand, which may be made of others.
  function expand(v) {
    const options = typed(v), all = { id: { type: 'serial', primaryKey: true }, ...shorthands }, seen = [options.type];
    let found;
    for (let name = options.type; isText(name) && all[name]; name = found.type) {
      const { type: ignored, ...before } = found || {};
      found = { ...typed(all[name]), ...before };
      if (seen.includes(found.type)) throw new Error('Shorthands contain cyclic dependency');
      seen.push(found.type);
    }
    return { ...found, ...options, type: adapt(found?.type ?? options.type) };
  }

  // Columns and constraints.
  const comment = (object, name, text) => 'COMMENT ON ' + object + ' ' + name + ' IS ' + value(text) + ';';
  function references(o) {
    const written = isText(o.references) && (o.references.startsWith('"') || o.references.endsWith(')'));
    return words('REFERENCES', written ? o.references : id(o.references), when(o.match, 'MATCH ' + o.match),
      when(o.onDelete, 'ON DELETE ' + o.onDelete), when(o.onUpdate, 'ON UPDATE ' + o.onUpdate));
  }
  const deferrable = (o) => 'DEFERRABLE INITIALLY ' + (o.deferred ? 'DEFERRED' : 'IMMEDIATE');

  function sequence(o) {
    const bound = (word, v) => (v ? word + ' ' + v : when(v === null || v === false, 'NO ' + word));
    return [
      when(o.type, 'AS ' + (o.type && expand(o.type).type)), when(o.increment, 'INCREMENT BY ' + o.increment),
      bound('MINVALUE', o.minvalue), bound('MAXVALUE', o.maxvalue),
      when(o.start, 'START WITH ' + o.start), when(o.cache, 'CACHE ' + o.cache),
      o.cycle ? 'CYCLE' : when(o.cycle === false, 'NO CYCLE'),
      o.owner ? 'OWNED BY ' + o.owner : when(o.owner === null || o.owner === false, 'OWNED BY NONE'),
    ].filter((c) => c !== undefined);
  }
  const identity = (o) => 'GENERATED ' + o.precedence + ' AS IDENTITY' +
    (sequence(o).length > 0 ? ' (' + sequence(o).join(' ') + ')' : '');

  function columnsOf(table, columns) {
    const all = Object.keys(columns).map((name) => ({ name, o: expand(columns[name]) }));
    const keys = all.filter(({ o }) => o.primaryKey).map(({ name }) => name);
    const comments = all.filter(({ o }) => o.comment !== undefined)
      .map(({ name, o }) => comment('COLUMN', id(table) + '.' + id(name), o.comment));
    const list = all.map(({ name, o }) => {
      const key = o.referencesConstraintName || (o.referencesConstraintComment ? table + '_fk_' + name : '');
      if (o.references && o.referencesConstraintComment) {
        comments.push(comment('CONSTRAINT ' + id(key) + ' ON', id(table), o.referencesConstraintComment));
      }
      const type = isMap(o.type) ? id(o.type) : o.type;
      const array = o.array === true ? ' ARRAY' : typeof o.array === 'number' ? ' ARRAY[' + o.array + ']' : '';
      return words(id(name), type + array, when(o.collation, 'COLLATE ' + o.collation),
        when(o.default !== undefined, 'DEFAULT ' + (o.default !== undefined && value(o.default))), when(o.unique, 'UNIQUE'),
        when(o.primaryKey && keys.length < 2, 'PRIMARY KEY'), when(o.notNull, 'NOT NULL'),
        when(o.check, 'CHECK (' + o.check + ')'),
        o.references && words(when(key, 'CONSTRAINT ' + (key && id(key))), references(o)) || undefined,
        when(o.deferrable, deferrable(o)), o.sequenceGenerated ? identity(o.sequenceGenerated) : undefined,
        when(o.expressionGenerated, 'GENERATED ALWAYS AS (' + o.expressionGenerated + ') STORED'));
    });
    return { list, comments, constraints: keys.length > 1 ? { primaryKey: keys } : {} };
  }

  function constraintsOf(table, o, name) {
    const base = isName(table) ? table.name : table;
    const list = [], comments = [];
    const add = (usual, text) => list.push('CONSTRAINT ' + id(name || base + usual) + ' ' + text);
    if (isArray(o.check)) o.check.forEach((c, i) => add('_chck_' + (i + 1), 'CHECK (' + c + ')'));
    else if (o.check) add('_chck', 'CHECK (' + o.check + ')');
    if (o.unique) {
      const sets = listOf(o.unique);
      for (const set of sets.some(isArray) ? sets : [sets]) {
        add('_uniq_' + listOf(set).join('_'), 'UNIQUE (' + ids(set) + ')');
      }
    }
    if (o.primaryKey) add('_pkey', 'PRIMARY KEY (' + ids(o.primaryKey) + ')');
    for (const key of o.foreignKeys ? listOf(o.foreignKeys) : []) {
      const usual = id(key.referencesConstraintName || name || base + '_fk_' + listOf(key.columns).join('_'));
      list.push('CONSTRAINT ' + usual + ' FOREIGN KEY (' + ids(key.columns) + ') ' + references(key));
      if (key.referencesConstraintComment) {
        comments.push(comment('CONSTRAINT ' + usual + ' ON', id(table), key.referencesConstraintComment));
      }
    }
    if (o.exclude) add('_excl', 'EXCLUDE ' + o.exclude);
    if (o.comment) {
      if (!name) throw new Error('cannot comment on unspecified constraints');
      comments.push(comment('CONSTRAINT ' + id(name) + ' ON', id(table), o.comment));
    }
    return { list: o.deferrable ? list.map((c) => c + ' ' + deferrable(o)) : list, comments };
  }

  function like(v) {
    const options = isMap(v) && v.options;
    const all = (word, list) => (list === undefined ? [] : listOf(list)).map((o) => ' ' + word + ' ' + o).join('');
    return 'LIKE ' + id(isMap(v) && 'table' in v ? v.table : v) +
      (options ? all('INCLUDING', options.including) + all('EXCLUDING', options.excluding) : '');
  }

  // Indexes.
  function indexName(table, columns, o) {
    if (o.name) return o.name;
    const names = columns.map((c) => {
      if (isLiteral(c)) throw new Error('Index name must be provided when using PgLiteral columns');
      return bare(isName(c) && isText(c.name) ? c.name : c);
    }).join('_');
    return table + '_' + names + (o.unique ? '_unique' : '') + '_index';
  }
  function indexColumn(c) {
    const one = (v) => {
      if (isLiteral(v)) return v.value;
      const name = bare(v);
      return !/[^\w".]/.test(name) ? id(name) : /\)$/.test(name) ? name : '(' + name + ')';
    };
    return isText(c) || isLiteral(c) ? one(c) : words(one(c.name), c.opclass && id(c.opclass), c.sort);
  }

  const parameters = (list) => '(' + list.map((p) => {
    const o = expand(p);
    return words(o.mode, o.name && id(o.name), o.type, when(o.default !== undefined, 'DEFAULT ' + (o.default !== undefined && value(o.default))));
  }).join(', ') + ')';
  const pairs = (o, keys = Object.keys(o)) => keys.map((k) => k + (o[k] === true ? '' : ' = ' + o[k])).join(', ');
  const dropOf = (kind) => (name, o = {}) =>
    words('DROP ' + kind, when(o.ifExists, 'IF EXISTS'), id(name), when(o.cascade, 'CASCADE')) + ';';
  const renameOf = (kind) => (name, to) => 'ALTER ' + kind + ' ' + id(name) + ' RENAME TO ' + id(to) + ';';
  const renamePart = (kind, part) => (name, from, to) =>
    'ALTER ' + kind + ' ' + id(name) + ' RENAME ' + part + id(from) + ' TO ' + id(to) + ';';
  const withData = (data) => when(data !== undefined, data ? 'WITH DATA' : 'WITH NO DATA');
  const defaultOf = (v) => (v === null ? ['DROP DEFAULT'] : v === undefined ? [] : ['SET DEFAULT ' + value(v)]);
  const nullOf = (o) => (o.notNull ? ['SET NOT NULL'] : o.notNull === false || o.allowNull ? ['DROP NOT NULL'] : []);
  const joined = (first, others) => [first, ...others].join('\n');

  function createFunction(name, list = [], o, definition) {
    if (!o.language) throw new Error('Language for function have to be specified');
    const { behavior = 'VOLATILE', security = 'INVOKER' } = o;
    const options = [
      behavior, 'LANGUAGE ' + o.language, security !== 'INVOKER' && 'SECURITY ' + security, o.window && 'WINDOW',
      o.onNull && 'RETURNS NULL ON NULL INPUT', o.parallel && 'PARALLEL ' + o.parallel,
      ...(o.set || []).map((s) => 'SET ' + id(s.configurationParameter) +
        (s.value === 'FROM CURRENT' ? ' FROM CURRENT' : ' TO ' + s.value)),
    ].filter(Boolean);
    return 'CREATE' + (o.replace ? ' OR REPLACE' : '') + ' FUNCTION ' + id(name) + parameters(list) + '\n  RETURNS ' +
      (o.returns ?? 'void') + '\n  AS ' + value(definition) + '\n  ' + options.join('\n  ') + ';';
  }

  function createTrigger(table, name, o, definition) {
    const instead = /instead\s+of/i.test(o.when);
    const time = o.constraint ? 'AFTER' : o.when, events = listOf(o.operation).join(' OR ');
    const called = definition && o.function === undefined ? name : o.function;
    if (!time || !called || !events) throw new Error('the trigger has no time, no function or no operation');
    const deferred = o.constraint ? (o.deferrable ? deferrable(o) : 'NOT DEFERRABLE') + '\n  ' : '';
    const trigger = 'CREATE' + (o.constraint ? ' CONSTRAINT' : '') + ' TRIGGER ' + id(name) + '\n  ' + time + ' ' + events +
      ' ON ' + id(table) + '\n  ' + deferred + 'FOR EACH ' + (instead ? 'ROW' : o.level ?? 'STATEMENT') + '\n  ' +
      (o.condition ? 'WHEN (' + o.condition + ')\n  ' : '') + 'EXECUTE PROCEDURE ' + id(called) + '(' +
      (o.functionParams || []).map(value).join(', ') + ');';
    return (definition ? createFunction(called, [], { ...o, returns: 'trigger' }, definition) + '\n' : '') + trigger;
  }

  const policy = (o) => words(when(listOf(o.role).join(', '), 'TO ' + listOf(o.role).join(', ')),
    when(o.using, 'USING (' + o.using + ')'), when(o.check, 'WITH CHECK (' + o.check + ')'));

  // builders are the methods of the builder. Each returns what it makes.
  const builders = {
    createExtension: (list, o = {}) => listOf(list).map((e) =>
      words('CREATE EXTENSION', when(o.ifNotExists, 'IF NOT EXISTS'), id(e), when(o.schema, 'SCHEMA ' + (o.schema && id(o.schema)))) + ';'),
    dropExtension: (list, o) => listOf(list).map((e) => dropOf('EXTENSION')(e, o)),
    createTable(name, columns, o = {}) {
      const c = columnsOf(name, columns);
      const twice = Object.keys(o.constraints || {}).some((k) => k in c.constraints);
      if (twice || (o.temporary && o.unlogged)) throw new Error('The options of a table contradict each other.');
      const constraints = constraintsOf(name, { ...o.constraints, ...c.constraints }, '');
      const all = [...c.list, ...constraints.list, ...(o.like ? [like(o.like)] : [])];
      const partition = o.partition && ' PARTITION BY ' + o.partition.strategy + ' (' + listOf(o.partition.columns).map((p) =>
        (isText(p) ? id(p) : words(id(p.name), when(p.collate, 'COLLATE ' + p.collate), p.opclass))).join(', ') + ')';
      return joined(words('CREATE', when(o.temporary, 'TEMPORARY'), when(o.unlogged, 'UNLOGGED'), 'TABLE',
        when(o.ifNotExists, 'IF NOT EXISTS'), id(name)) + ' (\n' + lines(all, '  ') + '\n)' +
        (o.inherits ? ' INHERITS (' + id(o.inherits) + ')' : '') + (partition || '') + ';',
      [...c.comments, ...constraints.comments, ...(o.comment !== undefined ? [comment('TABLE', id(name), o.comment)] : [])]);
    },
    dropTable: dropOf('TABLE'),
    renameTable: renameOf('TABLE'),
    alterTable(name, o) {
      const list = [];
      if (o.levelSecurity) list.push(o.levelSecurity + ' ROW LEVEL SECURITY');
      if (o.unlogged === true || o.unlogged === false) list.push(o.unlogged ? 'SET UNLOGGED' : 'SET LOGGED');
      if (list.length === 0) throw new Error('No table options provided for alterTable');
      return 'ALTER TABLE ' + id(name) + '\n  ' + lines(list, '  ') + ';';
    },
    addColumns(table, columns, o = {}) {
      const c = columnsOf(table, columns);
      return joined('ALTER TABLE ' + id(table) + '\n' + lines(c.list, '  ADD ' + (o.ifNotExists ? 'IF NOT EXISTS ' : '')) + ';', c.comments);
    },
    dropColumns(table, columns, o = {}) {
      const list = isText(columns) ? [columns] : isArray(columns) ? columns : Object.keys(columns);
      return 'ALTER TABLE ' + id(table) + '\n' + lines(list.map((c) =>
        words('DROP', when(o.ifExists, 'IF EXISTS'), id(c), when(o.cascade, 'CASCADE'))), '  ') + ';';
    },
    renameColumn: renamePart('TABLE', ''),
    alterColumn(table, column, o) {
      const list = [...defaultOf(o.default)];
      if (o.type) {
        list.push(words('SET DATA TYPE', adapt(o.type), when(o.collation, 'COLLATE ' + o.collation), when(o.using, 'USING ' + o.using)));
      }
      list.push(...nullOf(o));
      if (o.sequenceGenerated !== undefined) list.push(o.sequenceGenerated ? 'ADD ' + identity(o.sequenceGenerated) : 'DROP IDENTITY');
      if (isText(o.expressionGenerated)) list.push('SET EXPRESSION AS (' + o.expressionGenerated + ')');
      if (o.expressionGenerated === null) list.push('DROP EXPRESSION');
      const out = list.length > 0 ? ['ALTER TABLE ' + id(table) + '\n' + lines(list, '  ALTER ' + id(column) + ' ') + ';'] : [];
      if (o.comment !== undefined) out.push(comment('COLUMN', id(table) + '.' + id(column), o.comment));
      return out.join('\n');
    },
    addConstraint(table, name, o) {
      const c = isText(o) ? { list: [words(when(name, 'CONSTRAINT ' + (name && id(name))), o)], comments: [] } : constraintsOf(table, o, name);
      if (c.list.length === 0) throw new Error('No constraint options provided for addConstraint');
      return joined('ALTER TABLE ' + id(table) + '\n' + lines(c.list, '  ADD ') + ';', c.comments);
    },
    dropConstraint: (table, name, o = {}) => words('ALTER TABLE', when(o.ifTableExists, 'IF EXISTS'), id(table), 'DROP CONSTRAINT',
      when(o.ifExists, 'IF EXISTS'), id(name), when(o.cascade, 'CASCADE')) + ';',
    renameConstraint: renamePart('TABLE', 'CONSTRAINT '),
    createType: (name, o) => 'CREATE TYPE ' + id(name) + ' AS ' + (isArray(o) ? 'ENUM (' + o.map(value).join(', ') + ');'
      : '(\n' + Object.keys(o).map((a) => id(a) + ' ' + expand(o[a]).type).join(',\n') + '\n);'),
    dropType: dropOf('TYPE'),
    renameType: renameOf('TYPE'),
    renameTypeAttribute: renamePart('TYPE', 'ATTRIBUTE '),
    renameTypeValue: (name, from, to) => 'ALTER TYPE ' + id(name) + ' RENAME VALUE ' + value(from) + ' TO ' + value(to) + ';',
    addTypeAttribute: (name, a, type) => 'ALTER TYPE ' + id(name) + ' ADD ATTRIBUTE ' + id(a) + ' ' + expand(type).type + ';',
    dropTypeAttribute: (name, a, o = {}) => words('ALTER TYPE', id(name), 'DROP ATTRIBUTE', id(a), when(o.ifExists, 'IF EXISTS')) + ';',
    setTypeAttribute: (name, a, type) => 'ALTER TYPE ' + id(name) + ' ALTER ATTRIBUTE ' + id(a) + ' SET DATA TYPE ' + expand(type).type + ';',
    addTypeValue: (name, v, o = {}) => words('ALTER TYPE', id(name), 'ADD VALUE', when(o.ifNotExists, 'IF NOT EXISTS'), value(v),
      when(o.before, 'BEFORE ' + (o.before && value(o.before))), when(o.after, 'AFTER ' + (o.after && value(o.after)))) + ';',
    createIndex(table, columns, o = {}) {
      if (o.nulls && !o.unique) throw new Error('The "nulls" option can only be used with unique indexes.');
      const list = listOf(columns), name = indexName(isName(table) ? table.name : table, list, o);
      return words('CREATE', when(o.unique, 'UNIQUE'), 'INDEX', when(o.concurrently, 'CONCURRENTLY'), when(o.ifNotExists, 'IF NOT EXISTS'),
        id(name), 'ON', id(table), when(o.method, 'USING ' + o.method), '(' + list.map(indexColumn).join(', ') + ')',
        when(o.include, 'INCLUDE (' + (o.include && ids(o.include)) + ')'), when(o.nulls, 'NULLS ' + String(o.nulls).toUpperCase()),
        when(o.where, 'WHERE ' + o.where)) + ';';
    },
    dropIndex(table, columns, o = {}) {
      const name = indexName(isName(table) ? table.name : table, listOf(columns), o);
      const schema = isName(table) && (o.name ? isText(table.schema) : true) ? table.schema : undefined;
      return words('DROP INDEX', when(o.concurrently, 'CONCURRENTLY'), when(o.ifExists, 'IF EXISTS'),
        id(isMap(name) ? name : { schema, name }), when(o.cascade, 'CASCADE')) + ';';
    },
    renameIndex: renameOf('INDEX'),
    createFunction,
    dropFunction: (name, list = [], o = {}) => words('DROP FUNCTION', when(o.ifExists, 'IF EXISTS'), id(name) +
      parameters(list.map((p) => (isMap(p) ? { ...p, default: undefined } : p))), when(o.cascade, 'CASCADE')) + ';',
    renameFunction: (name, list = [], to) => 'ALTER FUNCTION ' + id(name) + parameters(list) + ' RENAME TO ' + id(to) + ';',
    createTrigger,
    dropTrigger: (table, name, o = {}) => words('DROP TRIGGER', when(o.ifExists, 'IF EXISTS'), id(name), 'ON', id(table),
      when(o.cascade, 'CASCADE')) + ';',
    renameTrigger: (table, from, to) => 'ALTER TRIGGER ' + id(from) + ' ON ' + id(table) + ' RENAME TO ' + id(to) + ';',
    createSchema: (name, o = {}) => words('CREATE SCHEMA', when(o.ifNotExists, 'IF NOT EXISTS'), id(name),
      when(o.authorization, 'AUTHORIZATION ' + o.authorization)) + ';',
    dropSchema: dropOf('SCHEMA'),
    renameSchema: renameOf('SCHEMA'),
    createDomain(name, type, o = {}) {
      if (o.notNull && o.check) throw new Error('"notNull" and "check" can\'t be specified together');
      return words('CREATE DOMAIN', id(name), 'AS', expand(type).type, when(o.collation, 'COLLATE ' + o.collation),
        when(o.default !== undefined, 'DEFAULT ' + (o.default !== undefined && value(o.default))),
        when(o.constraintName && (o.notNull || o.check), 'CONSTRAINT ' + (o.constraintName && id(o.constraintName))),
        when(o.notNull, 'NOT NULL'), when(o.check, 'CHECK (' + o.check + ')')) + ';';
    },
    alterDomain: (name, o) => [...defaultOf(o.default), ...nullOf(o), ...(o.check
      ? [words(when(o.constraintName, 'CONSTRAINT ' + (o.constraintName && id(o.constraintName))), 'CHECK (' + o.check + ')')] : [])]
      .map((a) => 'ALTER DOMAIN ' + id(name) + ' ' + a).join(';\n') + ';',
    dropDomain: dropOf('DOMAIN'),
    renameDomain: renameOf('DOMAIN'),
    createSequence: (name, o = {}) => words('CREATE', when(o.temporary, 'TEMPORARY'), 'SEQUENCE', when(o.ifNotExists, 'IF NOT EXISTS'),
      id(name)) + '\n  ' + sequence(o).join('\n  ') + ';',
    alterSequence(name, o) {
      const list = sequence(o);
      if (o.restart) list.push(o.restart === true ? 'RESTART' : 'RESTART WITH ' + o.restart);
      if (list.length === 0) throw new Error('No sequence options provided for alterSequence');
      return 'ALTER SEQUENCE ' + id(name) + '\n  ' + list.join('\n  ') + ';';
    },
    dropSequence: dropOf('SEQUENCE'),
    renameSequence: renameOf('SEQUENCE'),
    createPolicy: (table, name, o = {}) => words('CREATE POLICY', id(name), 'ON', id(table), 'FOR ' + (o.command ?? 'ALL'),
      policy({ ...o, role: o.role ?? 'PUBLIC' })) + ';',
    dropPolicy: (table, name, o = {}) => words('DROP POLICY', when(o.ifExists, 'IF EXISTS'), id(name), 'ON', id(table)) + ';',
    alterPolicy: (table, name, o = {}) => words('ALTER POLICY', id(name), 'ON', id(table), policy(o)) + ';',
    renamePolicy: (table, from, to) => 'ALTER POLICY ' + id(from) + ' ON ' + id(table) + ' RENAME TO ' + id(to) + ';',
    createView(name, o, definition) {
      const columns = ids(o.columns || []), options = pairs(o.options || {});
      return words('CREATE', when(o.replace, 'OR REPLACE'), when(o.temporary, 'TEMPORARY'), when(o.recursive, 'RECURSIVE'), 'VIEW',
        id(name) + (columns ? '(' + columns + ')' : ''), when(options, 'WITH (' + options + ')'), 'AS', definition,
        when(o.checkOption, 'WITH ' + o.checkOption + ' CHECK OPTION')) + ';';
    },
    dropView: dropOf('VIEW'),
    alterView(name, o) {
      const options = { ...o.options, ...(o.checkOption !== undefined && { check_option: o.checkOption }) };
      const keys = Object.keys(options), reset = keys.filter((k) => options[k] === null);
      const set = pairs(options, keys.filter((k) => options[k] !== null));
      return [...(set ? ['SET (' + set + ')'] : []), ...(reset.length > 0 ? ['RESET (' + reset.join(', ') + ')'] : [])]
        .map((c) => 'ALTER VIEW ' + id(name) + ' ' + c + ';').join('\n');
    },
    alterViewColumn: (name, column, o) =>
      defaultOf(o.default).map((a) => 'ALTER VIEW ' + id(name) + ' ALTER COLUMN ' + id(column) + ' ' + a + ';').join('\n'),
    renameView: renameOf('VIEW'),
    createMaterializedView(name, o, definition) {
      const columns = ids(o.columns || []), options = pairs(o.storageParameters || {});
      return words('CREATE MATERIALIZED VIEW', when(o.ifNotExists, 'IF NOT EXISTS'), id(name) + (columns ? '(' + columns + ')' : ''),
        when(options, 'WITH (' + options + ')'), when(o.tablespace, 'TABLESPACE ' + (o.tablespace && id(o.tablespace))), 'AS', definition,
        withData(o.data)) + ';';
    },
    dropMaterializedView: dropOf('MATERIALIZED VIEW'),
    renameMaterializedView: renameOf('MATERIALIZED VIEW'),
    renameMaterializedViewColumn: renamePart('MATERIALIZED VIEW', 'COLUMN '),
    refreshMaterializedView: (name, o = {}) => words('REFRESH MATERIALIZED VIEW', when(o.concurrently, 'CONCURRENTLY'), id(name),
      withData(o.data)) + ';',
    sql(text, values) {
      let out = String(text);
      for (const key of Object.keys(values || {})) {
        const v = values[key];
        const by = v === undefined ? '' : isText(v) || isName(v) ? id(v) : value(v).replace(/\$/g, '$$$$');
        out = out.replace(new RegExp('{' + key + '}', 'g'), by);
      }
      return out;
    },
  };
  Object.assign(builders, {
    addExtension: builders.createExtension, addColumn: builders.addColumns, dropColumn: builders.dropColumns,
    createConstraint: builders.addConstraint, addType: builders.createType, addIndex: builders.createIndex,
  });

  // query sends at once: before everything that the builder was told.
  function query(name) {
    return async (text, values) => {
      const place = host.place();
      const sql = bindValues(isMap(text) && isText(text.text) ? text.text : text, values || text?.values || []);
      if (sent > 0 && !/^\s*(select|with|show)\b/i.test(sql)) {
        report({ name: 'pgm.db.' + name, unread: 'node-pg-migrate sends it before the calls above it', place });
      } else sendText('query', sql, place);
      return unknown({});
    };
  }

  const literal = (text) => ({ literal: true, value: text, toString: () => text });
  const special = { then: undefined, func: literal, db: others({ query: query('query'), select: query('select') }, 'pgm.db', true) };
  const pgm = recorderOf({
    name: 'pgm', sends: true, special, encode: () => ({ k: 'c', n: [{ n: 'pgm' }] }),
    starts(links) {
      report({ name: ['pgm', ...links.map((l) => l.n)].slice(0, 3).join('.'), unread: 'its SQL is known only when it runs' });
      return unknown({});
    },
  });
  special.isUsingTransaction = () => unknown({});
  special.noTransaction = () => (sendText('noTransaction', ''), pgm);
  for (const name of Object.keys(builders)) {
    special[name] = (...list) => {
      const place = host.place();
      sent++;
      if (name === 'sql' ? hasUnknown(list[1]) : hasUnknown(list)) {
        report({ name: 'pgm.' + name, unread: 'not all of its arguments are known', place });
        return;
      }
      for (const sql of listOf(builders[name](...list))) sendText(name, sql, place);
    };
  }
  class PgLiteral {
    constructor(text) {
      return literal(text);
    }

    static create(text) {
      return literal(text);
    }
  }
  const PgType = new Proxy({}, {
    get: (_, key) => (key === 'BIT_1' ? 'bit' : /^(PG|TXID)_/.test(key) ? key.toLowerCase() : String(key).toLowerCase().replace(/_/g, ' ')),
  });
  return {
    modules: { 'node-pg-migrate': others({ PgLiteral, PgType, default: unknown({}) }, 'node-pg-migrate', true) },
    start(up) {
      const own = up.exports?.shorthands;
      if (own) {
        if (hasUnknown(own)) throw new Error('its shorthands are not known');
        shorthands = { ...shorthands, ...own };
        sendText('shorthands', JSON.stringify(own));
      }
      return up.parameters === 2 ? new Promise((resolve) => up(pgm, resolve)) : up(pgm);
    },
    end() {},
  };
})
