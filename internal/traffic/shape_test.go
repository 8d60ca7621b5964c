package traffic

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func table() *relation {
	return &relation{
		name: "public.users", quoted: `"public"."users"`, kind: "r",
		columns: []column{
			{name: "id", quoted: `"id"`, kind: "int8", omitted: true, notNull: true},
			{name: "email", quoted: `"email"`, kind: "varchar", category: "S", length: 5, notNull: true},
			{name: "team", quoted: `"team"`, kind: "int4", category: "N", foreign: true},
			{name: "name", quoted: `"name"`, kind: "text", category: "S"},
		},
		keys: [][]int{{0}, {1}, {2, 3}},
	}
}

func text(values [][]byte) []string {
	var out []string
	for _, v := range values {
		if v == nil {
			out = append(out, "NULL")
		} else {
			out = append(out, string(v))
		}
	}
	return out
}

func TestShapes(t *testing.T) {
	t.Parallel()
	r := table()
	r.keys = [][]int{{0}, {1}}
	var got []string
	for _, list := range [][]*shape{newReadShapes(r), newUpdateShapes(r), newInsertShapes(r)} {
		for _, s := range list {
			got = append(got, s.kind+": "+s.sql)
		}
	}
	want := []string{
		`read: SELECT "id", "email", "team", "name" FROM "public"."users" WHERE "id" = $1`,
		`write: UPDATE "public"."users" SET "name" = $1 WHERE "id" = $2`,
		`write: INSERT INTO "public"."users" ("email", "team", "name") VALUES ($1, $2, $3)`,
		`write: INSERT INTO "public"."users" ("email", "team", "name") SELECT "email", "team", "name" FROM "public"."users" WHERE false`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	r.kind, r.keys = "v", nil
	if len(newUpdateShapes(r))+len(newInsertShapes(r)) > 0 {
		t.Error("a view is written")
	}
	if sql := newReadShapes(r)[0].sql; sql != `SELECT "id", "email", "team", "name" FROM "public"."users" LIMIT 1` {
		t.Errorf("the read of a view is %q, want one with LIMIT 1", sql)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	r, rnd := table(), rand.New(rand.NewPCG(1, 2))
	if got := text(newReadShapes(r)[0].values(rnd, 0, 4)); !cmp.Equal(got, []string{"NULL"}) {
		t.Errorf("an empty table is read by %v", got)
	}
	for _, row := range [][]string{{"1", "a@b", "7", "Ann"}, {"2", "b@b", "8", "Bob"}} {
		r.rows = append(r.rows, [][]byte{[]byte(row[0]), []byte(row[1]), []byte(row[2]), []byte(row[3])})
	}
	insert := newInsertShapes(r)
	emails := map[string]bool{}
	for range 50 {
		got := text(insert[0].values(rnd, 3, 4))
		// The key of team and name gets a new name: a team must exist.
		if emails[got[0]] || len(got[0]) > 5 || got[1] != "7" && got[1] != "8" || got[2] == "Ann" || got[2] == "Bob" {
			t.Errorf("inserts %v", got)
		}
		emails[got[0]] = true
		if got := text(insert[1].values(rnd, 3, 4)); got[0] != "a@b" && got[0] != "b@b" {
			t.Errorf("inserts %v, want a row that is there", got)
		}
	}
	// Each worker changes rows of its own; with fewer rows than workers,
	// some have none.
	r.keys = r.keys[:1]
	for worker, want := range [][]string{{"a@b", "1"}, {"b@b", "2"}, {"x", "NULL"}} {
		if diff := cmp.Diff(want, text(newUpdateShapes(r)[0].values(rnd, worker, 3))); diff != "" {
			t.Errorf("worker %d (-want +got):\n%s", worker, diff)
		}
	}
}

// New values fit their types, whoever makes them.
func TestFresh(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, worker := range []int{0, 3, 63, 64, 1000} {
		for _, kind := range []string{"int2", "int4"} {
			for range 100 {
				v := newUniqueValue(column{kind: kind}, rnd, worker)
				if n := len(v); kind == "int2" && (n > 5 || n == 5 && string(v) > "32767") || kind == "int4" && (n > 10 || n == 10 && string(v) > "2147483647") {
					t.Errorf("%s is no %s", v, kind)
				}
			}
		}
	}
}
