const columns = ['note']

exports.up = async ({ context, name }) => {
  await context.query('BEGIN')
  for (const c of columns) await context.query({ text: `UPDATE orders SET ${c} = $1 WHERE ${c} IS NULL`, values: ["it's none"] })
  await context.query('COMMIT')
  await context.query(process.env.SQL)
  await context.copyFrom('orders')
}

exports.down = async ({ context }) => context.query('SELECT way_down')
