package stalls

import "strings"

// base is the deployed schema; rows are added after it.
const base = `CREATE TABLE customers (id integer PRIMARY KEY, name text NOT NULL, seen integer NOT NULL DEFAULT 0);
CREATE TABLE orders (id integer NOT NULL, number integer NOT NULL, customer_id integer NOT NULL, code text NOT NULL, quantity integer NOT NULL,
	status text NOT NULL DEFAULT 'open', country text DEFAULT 'SE', note text, created timestamptz NOT NULL DEFAULT '2026-01-01', CONSTRAINT orders_pkey PRIMARY KEY (id));
CREATE INDEX orders_customer_id_idx ON orders (customer_id);
CREATE TABLE items (id integer PRIMARY KEY, order_id integer NOT NULL, sold integer NOT NULL DEFAULT 0);
`

// rows fill it: there are $ROWS orders, $NEAR customers and $NEAR items.
const rows = `INSERT INTO customers SELECT i, 'customer ' || i FROM generate_series(1, $NEAR) AS i;
INSERT INTO orders (id, number, customer_id, code, quantity, note, created)
	SELECT i, i + 7, 1 + i % $NEAR, md5(i::text), i % 100, repeat('n', 20 + i % 30), '2026-01-01'::timestamptz + i * interval '1 second' FROM generate_series(1, $ROWS) AS i;
INSERT INTO items SELECT i, i FROM generate_series(1, $NEAR) AS i;
VACUUM (ANALYZE);
`

// names are what code calls the things that a change may call by another name.
type names struct{ table, column string }

var deployed = names{"orders", "status"}

// change is one of the classic twelve.
type change struct {
	name, sql string
	// after are the names that code uses after the change.
	after names
	// done is a query that returns true after the change was made.
	done string
	// pgroll are the operations of its migration in JSON; "" if there are none, and then without is the reason.
	pgroll, without string
}

const column = "SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = '$TABLE'::regclass AND NOT attisdropped AND "

const constraint = "SELECT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'orders'::regclass AND convalidated AND "

var changes = []change{
	{
		name: "column with a volatile default", sql: "ALTER TABLE orders ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();",
		done:   column + "attname = 'token' AND attnotnull) AND NOT EXISTS (SELECT FROM orders WHERE token IS NULL)",
		pgroll: `{"add_column": {"table": "orders", "up": "gen_random_uuid()", "column": {"name": "token", "type": "uuid", "default": "gen_random_uuid()", "nullable": false}}}`,
	},
	{
		name: "NOT NULL column", sql: "ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';\nALTER TABLE orders ALTER COLUMN channel DROP DEFAULT;",
		done:   column + "attname = 'channel' AND attnotnull AND NOT atthasdef)",
		pgroll: `{"add_column": {"table": "orders", "up": "'web'", "column": {"name": "channel", "type": "text", "nullable": false}}}`,
	},
	{
		name: "SET NOT NULL", sql: "ALTER TABLE orders ALTER COLUMN country SET NOT NULL;",
		done:   column + "attname = 'country' AND attnotnull)",
		pgroll: `{"alter_column": {"table": "orders", "column": "country", "nullable": false, "up": "coalesce(country, 'SE')", "down": "country"}}`,
	},
	{
		name: "CHECK", sql: "ALTER TABLE orders ADD CONSTRAINT orders_quantity_check CHECK (quantity >= 0);",
		done:   constraint + "contype = 'c')",
		pgroll: `{"create_constraint": {"type": "check", "table": "orders", "name": "orders_quantity_check", "columns": ["quantity"], "check": "quantity >= 0", "up": {"quantity": "quantity"}, "down": {"quantity": "quantity"}}}`,
	},
	{
		name: "FOREIGN KEY", sql: "ALTER TABLE orders ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES customers (id);",
		done:   constraint + "contype = 'f')",
		pgroll: `{"create_constraint": {"type": "foreign_key", "table": "orders", "name": "orders_customer_id_fkey", "columns": ["customer_id"], "references": {"table": "customers", "columns": ["id"]}, "up": {"customer_id": "customer_id"}, "down": {"customer_id": "customer_id"}}}`,
	},
	{
		name: "UNIQUE", sql: "ALTER TABLE orders ADD CONSTRAINT orders_code_key UNIQUE (code);",
		done:   constraint + "contype = 'u')",
		pgroll: `{"create_constraint": {"type": "unique", "table": "orders", "name": "orders_code_key", "columns": ["code"], "up": {"code": "code"}, "down": {"code": "code"}}}`,
	},
	{
		name: "PRIMARY KEY of another column", sql: "ALTER TABLE orders ADD CONSTRAINT orders_id_key UNIQUE (id);\n" +
			"ALTER TABLE orders DROP CONSTRAINT orders_pkey, ADD CONSTRAINT orders_pkey PRIMARY KEY (number);",
		done:    constraint + "contype = 'p' AND pg_get_constraintdef(oid) = 'PRIMARY KEY (number)')",
		without: "it has no operation that changes a primary key for another one",
	},
	{
		name: "index", sql: "CREATE INDEX orders_created_idx ON orders (created);",
		done:   "SELECT coalesce((SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('orders_created_idx')), false)",
		pgroll: `{"create_index": {"name": "orders_created_idx", "table": "orders", "columns": [{"column": "created"}]}}`,
	},
	{
		name: "integer to bigint", sql: "ALTER TABLE orders ALTER COLUMN quantity TYPE bigint;",
		done:   column + "attname = 'quantity' AND atttypid = 'bigint'::regtype)",
		pgroll: `{"alter_column": {"table": "orders", "column": "quantity", "type": "bigint", "up": "quantity", "down": "quantity"}}`,
	},
	{
		name: "new name of a column", sql: "ALTER TABLE orders RENAME COLUMN status TO state;", after: names{"orders", "state"},
		done:   column + "attname = 'state') AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'status')",
		pgroll: `{"rename_column": {"table": "orders", "from": "status", "to": "state"}}`,
	},
	{
		name: "new name of a table", sql: "ALTER TABLE orders RENAME TO purchases;", after: names{"purchases", "status"},
		done:   "SELECT to_regclass('public.purchases') IS NOT NULL AND to_regclass('public.orders') IS NULL",
		pgroll: `{"rename_table": {"from": "orders", "to": "purchases"}}`,
	},
	{
		name: "column that goes", sql: "ALTER TABLE orders DROP COLUMN note;",
		done:   "SELECT NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'note')",
		pgroll: `{"drop_column": {"table": "orders", "column": "note", "down": "'n'"}}`,
	},
}

// namesAfter returns the names that code uses after a change.
func (c *change) namesAfter() names {
	if c.after == (names{}) {
		return deployed
	}
	return c.after
}

// checkQuery is the query that says true when the change was made.
func (c *change) checkQuery() string {
	return strings.ReplaceAll(c.done, "$TABLE", c.namesAfter().table)
}

// loadQueries are the queries of the load: by key, three reads of the table and its neighbours, and three
// writes.
func (n names) loadQueries() []string {
	return []string{
		"SELECT id, customer_id, " + n.column + " FROM " + n.table + " WHERE id = $1",
		"SELECT o.id, c.name FROM " + n.table + " AS o JOIN customers AS c ON c.id = o.customer_id WHERE o.id = $1",
		"SELECT sold FROM items WHERE id = $1",
		"UPDATE " + n.table + " SET " + n.column + " = 'sent' WHERE id = $1",
		"UPDATE customers SET seen = seen + 1 WHERE id = $1",
		"UPDATE items SET sold = sold + 1 WHERE id = $1",
	}
}

// loadProgram is a program that sends these queries, as a planner reads it.
func (n names) loadProgram() string {
	var b strings.Builder
	b.WriteString("package store\n\nvar queries = []string{\n")
	for _, q := range n.loadQueries() {
		b.WriteString("\t`" + q + "`,\n")
	}
	return b.String() + "}\n"
}
