exports.names = ['a', 'b']
exports.columns = (type) => ({ id: { type: type.INTEGER, primaryKey: true, autoIncrement: true, notNull: true }, title: { type: type.STRING, length: 40 } })
