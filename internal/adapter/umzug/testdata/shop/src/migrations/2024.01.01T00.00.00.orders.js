exports.up = async ({ context: client }) => {
  await client.query('CREATE TABLE orders (id bigint PRIMARY KEY, note text)')
}

exports.down = async ({ context: client }) => {
  await client.query('DROP TABLE way_down')
}
