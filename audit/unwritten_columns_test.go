package audit

import (
	"slices"
	"strings"
	"testing"
)

// What the code wrote at the base and writes no more at the head, in SQL and by a
// mapper, must do without a value.
func TestUnwritten(t *testing.T) {
	t.Parallel()
	const base = "-- go.mod --\nmodule shop\n\nrequire github.com/pressly/goose/v3 v3.24.0\n-- migrations/00001_init.sql --\n-- +goose Up\n" +
		"CREATE TABLE orders (id bigint PRIMARY KEY, total int NOT NULL, note text NOT NULL, code text, state text NOT NULL DEFAULT '');\n"
	const next = "-- migrations/00002_more.sql --\n-- +goose Up\nCREATE TABLE more (id int);\n"
	program := func(sql string) string {
		return "-- store/store.go --\npackage store\n\nconst q = `" + sql + "`\n"
	}
	constant := func(columns string) string {
		return "-- store/store.go --\npackage store\n\nconst columns = \"" + columns + "\"\n\n" +
			"const q = \"INSERT INTO orders (\" + columns + \") VALUES ($1, $2)\"\n"
	}
	entity := func(fields string) string {
		return "-- src/order.ts --\nimport { Entity, Column } from 'typeorm'\n\n@Entity('orders')\nexport class Order {\n  @Column({ name: 'id' })\n  id: number\n" + fields + "}\n"
	}
	const note = "  @Column({ name: 'note' })\n  note: string\n"
	for _, tt := range []struct{ name, before, after, up, want string }{
		{
			"left out", program("INSERT INTO orders (id, total, note) VALUES ($1, $2, $3)"),
			program("INSERT INTO orders (id, total) VALUES ($1, $2)"), "",
			"error store/store.go:3 column note of orders stays NOT NULL without a default, and the new code's INSERT leaves it out",
		},
		{
			"a column that may be null", program("INSERT INTO orders (id, total, note, code) VALUES ($1, $2, $3, $4)"),
			program("INSERT INTO orders (id, total, note) VALUES ($1, $2, $3)"), "", "",
		},
		{
			"a default", program("INSERT INTO orders (id, total, note, state) VALUES ($1, $2, $3, $4)"),
			program("INSERT INTO orders (id, total, note) VALUES ($1, $2, $3)"), "", "",
		},
		{
			"dropped", program("INSERT INTO orders (id, total, note) VALUES ($1, $2, $3)"),
			program("INSERT INTO orders (id, total) VALUES ($1, $2)"), "ALTER TABLE orders DROP COLUMN note;", "",
		},
		{
			"may be null from now on", program("INSERT INTO orders (id, total, note) VALUES ($1, $2, $3)"),
			program("INSERT INTO orders (id, total) VALUES ($1, $2)"), "ALTER TABLE orders ALTER COLUMN note DROP NOT NULL;",
			"",
		},
		{"it never named it", program("INSERT INTO orders (id) VALUES ($1)"), program("INSERT INTO orders (id) VALUES ($2)"), "", ""},
		{
			"a table that is not there", program("INSERT INTO others (id, total, note) VALUES ($1, $2, $3)"),
			program("INSERT INTO others (id, total) VALUES ($1, $2)"), "", "",
		},
		{
			"put together", program("INSERT INTO orders (id, total, note) VALUES ($1, $2, $3)"),
			"-- store/store.go --\npackage store\n\nvar q = \"INSERT INTO orders (id, total\" + more + \") VALUES ($1, $2)\"\n",
			"", "",
		},
		{
			"a constant of the file", constant("id, total, note"), constant("id, total"), "",
			"error store/store.go:5 column note of orders stays NOT NULL without a default, and the new code's INSERT leaves it out",
		},
		{
			"a mapper", entity(note), entity(""), "",
			"error src/order.ts:3 column note of orders stays NOT NULL without a default, and the new Order has no field for it",
		},
		{"a mapper's other field", entity(note), entity("  @Column({ name: 'note' })\n  remark: string\n"), "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := changelog0(t, Config{Dir: repository(t, base+tt.before, next+tt.up+"\n"+tt.after), Base: "main"})
			var got []string
			for _, f := range r.Findings {
				if f.Rule == "release-column-left-required" {
					got = append(got, f.Severity.String()+" "+f.Path+":"+string(rune('0'+f.Line))+" "+f.Fact)
				}
			}
			if tt.want == "" && len(got) > 0 || tt.want != "" && !slices.Equal(got, []string{tt.want}) {
				t.Errorf("%s, want %q", strings.Join(got, "\n"), tt.want)
			}
		})
	}
}
