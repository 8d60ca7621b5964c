package plan_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rotation"
)

// kind is a type of values that a generated scene has.
type kind struct {
	typ    string
	values []string
	left   string // a default
	// to is the new type, using is the conversion, and want is the new value of c.value.
	to, using, want string
}

var kinds = []kind{
	{typ: "text", values: []string{"'Aa{n}'", "'aA{n}'", "''", "' größer {n} '"}, left: "'d'", to: "varchar(200)"},
	{typ: "varchar(40)", values: []string{"'Aa{n}'", "'ß '"}, left: "'d'", to: "text"},
	{typ: "smallint", values: []string{"({n}) % 30000", "-1"}, left: "7", to: "integer"},
	{typ: "integer", values: []string{"{n}", "-{n}"}, left: "7", to: "bigint"},
	{typ: "bigint", values: []string{"{n}", "-{n}00000"}, left: "7", to: "numeric"},
	{typ: "numeric", values: []string{"{n}.50", "1", "1.0", "'NaN'"}, left: "0.0"},
	{typ: "numeric(20,2)", values: []string{"{n}.50", "1"}, left: "0", to: "numeric(24,4)", want: "c.value::numeric(24,4)"},
	{typ: "real", values: []string{"({n}) % 1000000", "-0.0", "'NaN'"}, left: "0.5", to: "double precision", want: "c.value::double precision"},
	{typ: "boolean", values: []string{"true", "false"}, left: "false"},
	{typ: "date", values: []string{"date '2000-01-01' + ({n}) % 9000", "'infinity'"}, left: "'2020-02-02'", to: "timestamp", want: "c.value::timestamp"},
	{
		typ:    "timestamp",
		values: []string{"timestamp '2000-01-01' + ({n}) * interval '1 ms'"},
		left:   "'2020-02-02'",
		to:     "timestamptz",
		using:  "AT TIME ZONE 'UTC'",
		want:   "c.value AT TIME ZONE 'UTC'",
	},
	{typ: "uuid", values: []string{"md5('{n}')::uuid"}, left: "'00000000-0000-0000-0000-000000000001'"},
	{typ: "bytea", values: []string{`'\x00ff'`, "decode(md5('{n}'), 'hex')"}, left: `'\x'`},
	{typ: "json", values: []string{`'{"n": {n}}'`, `'[1,2 ]'`}, left: "'{}'", to: "jsonb", want: "c.value::jsonb"},
	{typ: "jsonb", values: []string{`'{"n": {n}, "a": [null]}'`, "'null'"}, left: "'{}'"},
	{typ: "integer[]", values: []string{"ARRAY[{n}, NULL]", "'{}'"}, left: "'{1}'", to: "bigint[]"},
	{typ: "inet", values: []string{"'10.0.0.1'", "'::1/64'"}, left: "'127.0.0.1'"},
	{typ: "interval", values: []string{"({n}) * interval '1 s'", "'1 mon'"}, left: "'0'"},
	{typ: "public.mood", values: []string{"'so so'", "'Good'"}, left: "'Good'"},
	{typ: "public.short", values: []string{"'s{n}'", "'x'"}, left: "'d'"},
}

const ownTypes = "CREATE TYPE mood AS ENUM ('so so', 'Good'); CREATE DOMAIN short AS varchar(80); "

// names of a table and of its column, old and new.
var nameSets = [][3]string{
	{"t", "a", "b"},
	{"Order Items", "Größe", `Maß "x"`},
	{long[:60] + "tab", long, long[:60] + "new"},
	{"user", "order", "group"},
	{"t", "new", "old"},
}

// generated is a scene at random: a type, whether it may be null, a default, a key, indexes and names.
func generated(rng *rand.Rand) *scene {
	k := kinds[rng.IntN(len(kinds))]
	names := nameSets[rng.IntN(len(nameSets))]
	table, column := "public."+pgparse.QuoteIdent(names[0]), pgparse.QuoteIdent(names[1])
	s := &scene{typ: k.typ, values: k.values, old: place{table: table, id: "id", column: column}, new: place{table: table, id: "id", column: column}}
	def := column + " " + k.typ
	nulls := append(k.values[:len(k.values):len(k.values)], "NULL")
	switch rng.IntN(4) {
	case 0:
		def += " NOT NULL"
	case 1:
		def += " NOT NULL DEFAULT " + k.left
		s.left = k.left
	case 2: // new code that writes NULL under the new name would get the default, so only old rows have NULL
		def += " DEFAULT " + k.left
		s.left, s.filled = k.left, nulls
	default:
		s.values, s.left = nulls, "NULL"
	}
	if rng.IntN(3) == 0 {
		def += " CHECK (" + column + " IS NOT NULL OR id > -1)"
	}
	key := []string{"id bigint PRIMARY KEY", "id integer PRIMARY KEY", "id numeric PRIMARY KEY", "id bigint UNIQUE NOT NULL, part integer DEFAULT " +
		"floor(random() * 5), PRIMARY KEY (part, id)",
		"id bigint UNIQUE NOT NULL, part text COLLATE \"C\" DEFAULT md5(random()::text), PRIMARY KEY (part)"}[rng.IntN(5)]
	s.base = fmt.Sprintf("%sCREATE TABLE %s (%s, other integer, %s); ", ownTypes, table, key, def)
	sorts := k.typ != "json"
	for i, index := range []string{"(" + column + ")", "(other, " + column + " DESC)", "(" + column + ") WHERE other > 500", "(other) INCLUDE (" + column + ")"} {
		if rng.IntN(3) == 0 && (sorts || i > 2) {
			s.base += fmt.Sprintf("CREATE INDEX i%d ON %s %s; ", i, table, index)
		}
	}
	s.name = fmt.Sprintf("%s of %s", k.typ, names[0])
	switch way := rng.IntN(4); {
	case way == 0 && k.to != "":
		s.name = "retype " + s.name
		using := ""
		if k.using != "" {
			using = " USING " + column + " " + k.using
		}
		s.release = fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s%s;", table, column, k.to, using)
		s.want = k.want
	case way == 1:
		s.name, s.keysStay = "volatile default beside "+s.name, true
		s.release = fmt.Sprintf("ALTER TABLE %s ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();", table)
		s.also = fmt.Sprintf("SELECT FROM %s GROUP BY token HAVING count(*) > 1 OR token IS NULL", table)
	default:
		s.name = "rename " + s.name
		s.new.column = pgparse.QuoteIdent(names[2])
		s.release = fmt.Sprintf("ALTER TABLE %s RENAME COLUMN %s TO %s;", table, column, s.new.column)
	}
	if rng.IntN(2) == 0 {
		s.limited = true // of policies a plan wants to know more: it refuses tables that have some
		s.name += " by a role"
		known := fmt.Sprintf("(id, other, %s)", column)
		s.base += fmt.Sprintf("GRANT SELECT %[1]s, INSERT %[1]s, UPDATE %[1]s, DELETE ON %[2]s TO %[3]s; ", known, table, limitedRole)
	}
	if rng.IntN(2) == 0 {
		s.name += " with kids"
		s.kids = fmt.Sprintf("CREATE TABLE {kids} (id bigint PRIMARY KEY, up {type} REFERENCES {table} (id) ON DELETE %s ON UPDATE CASCADE); ", []string{
			"SET NULL", "CASCADE",
		}[rng.IntN(2)])
		s.base += strings.NewReplacer("{kids}", "kids", "{table}", table, "{type}", strings.Fields(key)[1]).Replace(s.kids) + "CREATE INDEX ON kids (up); "
	}
	return s
}

// limitedRole is what code of a limited scene connects as.
const limitedRole = "onward_plan_writer"

// TestGenerated plays scenes that are made at random, as TestWriters plays those that were thought of.
// ONWARD_PLAN_ROUNDS is how many hundreds there are.
func TestGenerated(t *testing.T) {
	t.Parallel()
	rounds, _ := strconv.Atoi(os.Getenv("ONWARD_PLAN_ROUNDS"))
	seeds := rotation.Pick(t, 3, []uint64{1, 2, 3, 4, 5, 6})
	if rounds > 0 {
		seeds = nil
		for range 100 * rounds {
			seeds = append(seeds, rand.Uint64())
		}
	}
	for i, seed := range seeds {
		// Adjacent seeds must give different sequences.
		s := generated(rand.New(rand.NewPCG(seed*0x9e3779b97f4a7c15, 3)))
		t.Run(fmt.Sprintf("%d %s", seed, s.name), func(t *testing.T) {
			t.Parallel()
			steps, missing := s.planned(t)
			if len(missing) > 0 {
				t.Fatalf("%s\nis not planned: %s", s.base+s.release, strings.Join(missing, "\n"))
			}
			t.Log(s.base + s.release)
			newStage(t, s, steps, seed).play([]string{"cut", "back"}[i%2])
		})
	}
}
