exports.names = ['a', 'b']
exports.withStamps = (pgm, columns) => ({ ...columns, made: { type: 'timestamptz', notNull: true, default: pgm.func('now()') } })
