package plan_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// TestRandomReleases plans releases of random changes over random schemas, and proves them under traffic. Each change must be
// proven, or be left with a reason other than a proof that fails: such a proof means that a recipe is wrong, or that the chains are.
//
// ONWARD_RANDOM is the number of releases; make soak sets it. The seed is the release's number, so that a failure repeats with
// -run.
func TestRandomReleases(t *testing.T) {
	t.Parallel()
	count := 24
	if n, err := strconv.Atoi(os.Getenv("ONWARD_RANDOM")); err == nil {
		count = n
	}
	seeds := make([]uint64, count)
	for i := range seeds {
		seeds[i] = uint64(i)
	}
	if os.Getenv("ONWARD_RANDOM") == "" {
		seeds = rotation.Pick(t, 6, seeds)
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			r := newRandomRelease(seed)
			major := []int{13, 18}[seed%2]
			dir := repository(t, r.schema, r.release)
			p, _, err := plan.Make(t.Context(), plan.Config{Config: rehearse.Config{
				Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{major},
			}})
			if err != nil {
				t.Fatalf("plan the release: %v\nschema:\n%s\nrelease:\n%s", err, r.schema, r.release)
			}
			if failure := findFailure(p); failure != "" {
				t.Errorf("%s\nthe schema:\n%s\nthe release:\n%s\n%s", failure, r.schema, r.release, told(p))
			}
		})
	}
}

// ownCode finds an SQLSTATE in the sentence of a proof. A proof that fails without one saw a wait, which a busy machine may have caused: what
// these releases lock is known, and other tests measure it.
var ownCode = lazyregexp.New(`\([0-9A-Z]{5}\): `)

func isWait(sentence string) bool {
	return strings.Contains(sentence, " waited for ") && !ownCode.MatchString(sentence)
}

// findFailure returns the sentence of a proof that fails; "" if there is none.
func findFailure(p *onward.Plan) string {
	for _, l := range p.Left {
		for _, reason := range l.Why {
			if isWait(reason) {
				continue
			}
			if strings.Contains(reason, "the proof of its steps fails") || strings.Contains(reason, "fail together") || strings.Contains(reason, "stopped looking") {
				return reason
			}
		}
		if len(l.Why) == 0 {
			return "no reason for " + l.SQL
		}
	}
	for _, c := range p.Proof.Checks {
		if !c.OK && c.Name != "no step has a finding" && c.Name != "the release runs" && len(p.Proof.Missing) == 0 && !isWait(c.Detail) {
			return c.Name + ": " + c.Detail
		}
	}
	return ""
}

// randomRelease is a schema and the changes of a release.
type randomRelease struct {
	*rand.Rand
	schema, release string
	tables          []*randomTable
	number          int // of new names
}

type randomTable struct {
	name    string
	columns []*randomColumn
	indexes []string
}

type randomColumn struct {
	name, typ string
	notNull   bool
	indexed   bool
	changed   int // by how many changes
}

func newRandomRelease(seed uint64) *randomRelease {
	r := &randomRelease{Rand: rand.New(rand.NewPCG(seed, 38))}
	for i := range 2 + r.IntN(3) {
		r.schema += r.addTable(i)
	}
	var changes []string
	for range 1 + r.IntN(9) {
		if sql := r.makeChange(); sql != "" {
			changes = append(changes, sql)
		}
	}
	if len(changes) == 0 {
		changes = []string{"CREATE TABLE extra (id bigint PRIMARY KEY);"}
	}
	r.release = strings.Join(changes, "\n")
	return r
}

// addTable returns the statements that create a table of the base.
func (r *randomRelease) addTable(i int) string {
	t := &randomTable{name: fmt.Sprintf("t%d", i)}
	keys := []string{"integer", "bigint"}
	sql := fmt.Sprintf("CREATE TABLE %s (id %s PRIMARY KEY", t.name, keys[r.IntN(2)])
	types := []string{"integer", "text", "varchar(20)", "timestamptz", "boolean", "numeric(10, 2)"}
	for n := range 3 + r.IntN(4) {
		c := &randomColumn{name: fmt.Sprintf("c%d", n), typ: types[r.IntN(len(types))], notNull: r.IntN(3) == 0}
		sql += ", " + c.name + " " + c.typ
		if c.notNull {
			sql += " NOT NULL"
		}
		t.columns = append(t.columns, c)
	}
	sql += ");\n"
	for _, c := range t.columns {
		if r.IntN(3) == 0 {
			c.indexed = true
			t.indexes = append(t.indexes, fmt.Sprintf("%s_%s_idx", t.name, c.name))
			sql += fmt.Sprintf("CREATE INDEX %s_%s_idx ON %[1]s (%[2]s);\n", t.name, c.name)
		}
	}
	r.tables = append(r.tables, t)
	return sql
}

// makeChange returns a random change; "" if the schema has nothing left for it.
func (r *randomRelease) makeChange() string {
	t := r.tables[r.IntN(len(r.tables))]
	free := slices.DeleteFunc(slices.Clone(t.columns), func(c *randomColumn) bool { return c.changed > 0 })
	r.number++
	fresh := fmt.Sprintf("n%d", r.number)
	switch kind := r.IntN(13); {
	case kind == 0:
		return fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s text;", t.name, fresh)
	case kind == 1:
		return fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s integer NOT NULL DEFAULT 7; CREATE INDEX ON %[1]s (%[2]s);", t.name, fresh)
	case kind == 2:
		return fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s uuid NOT NULL DEFAULT gen_random_uuid();", t.name, fresh)
	case kind == 3:
		return fmt.Sprintf("CREATE TABLE %s_%s (id bigint PRIMARY KEY, note text); CREATE INDEX ON %[1]s_%[2]s (note);", t.name, fresh)
	case kind == 4 && len(t.indexes) > 0:
		index := t.indexes[0]
		t.indexes = t.indexes[1:]
		return "DROP INDEX " + index + ";"
	case len(free) == 0:
		return ""
	default:
		c := free[r.IntN(len(free))]
		c.changed++
		return r.changeColumn(t, c, fresh, kind)
	}
}

// changeColumn returns a change of a column of the base.
func (r *randomRelease) changeColumn(t *randomTable, c *randomColumn, fresh string, kind int) string {
	alter := "ALTER TABLE " + t.name + " "
	switch {
	case kind <= 5:
		return alter + "DROP COLUMN " + c.name + ";"
	case kind == 6:
		return alter + "RENAME COLUMN " + c.name + " TO " + fresh + ";"
	case kind == 7 && c.typ == "integer":
		return alter + "ALTER COLUMN " + c.name + " TYPE bigint;"
	case kind == 7 && c.typ == "varchar(20)":
		return alter + "ALTER COLUMN " + c.name + " TYPE text;"
	case kind == 7 && c.typ == "numeric(10, 2)":
		return alter + "ALTER COLUMN " + c.name + " TYPE numeric(14, 3);"
	case kind == 8 && !c.notNull && (c.typ == "integer" || c.typ == "text"):
		value := map[string]string{"integer": "1", "text": "'x'"}[c.typ]
		return fmt.Sprintf("UPDATE %s SET %s = %s WHERE %[2]s IS NULL; %s", t.name, c.name, value, alter+"ALTER COLUMN "+c.name+" SET NOT NULL;")
	case kind == 9:
		return fmt.Sprintf("%sADD CONSTRAINT %s_%s CHECK (%[3]s IS NULL OR %[3]s IS NOT NULL);", alter, fresh, c.name)
	case kind == 10 && c.notNull:
		return alter + "ALTER COLUMN " + c.name + " DROP NOT NULL;"
	case kind == 11:
		return fmt.Sprintf("CREATE UNIQUE INDEX %s_key ON %s (%s, id);", fresh, t.name, c.name)
	}
	return fmt.Sprintf("CREATE INDEX %s_idx ON %s (%s);", fresh, t.name, c.name)
}
