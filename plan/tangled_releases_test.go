package plan_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/rotation"
)

// TestTangledReleases plans releases of twenty changes that fit each other by their names only. Each is proven, or the plan says what keeps
// it from that; no step fails because of the plan's own SQL. ONWARD_RANDOM is the number of releases.
func TestTangledReleases(t *testing.T) {
	t.Parallel()
	count := uint64(12)
	if n, err := strconv.ParseUint(os.Getenv("ONWARD_RANDOM"), 10, 64); err == nil {
		count = n
	}
	var seeds []uint64
	for seed := range count {
		seeds = append(seeds, seed+1)
	}
	for _, seed := range rotation.Pick(t, 6, seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			g := newReleaseMaker(seed)
			for range 20 {
				g.addChange()
			}
			p := planned(t, tangledBase, g.sql.String(), 13+int(seed)%6, nil, true)
			reasons := slices.Clone(p.Proof.Missing)
			for _, check := range p.Proof.Checks {
				if !check.OK {
					reasons = append(reasons, check.Name+": "+check.Detail)
				}
			}
			for _, left := range p.Left {
				reasons = append(reasons, left.Why...)
			}
			all := strings.Join(reasons, "\n")
			if p.Proof.Proven != (all == "") || ownMistake.MatchString(all) {
				t.Errorf("proven %t: %s\n%s\n%s", p.Proof.Proven, all, g.sql.String(), told(p))
			}
			t.Logf("proven %t, %d steps, %d of 20 changes left: %s", p.Proof.Proven, len(p.Steps), len(p.Left), all)
		})
	}
}

// ownMistake finds what the server says of a step that does not fit the steps before it.
var ownMistake = lazyregexp.New(`the proof of its steps fails|already exists|does not exist|invalid reference|syntax error|ambiguous|is not unique`)

const tangledBase = `
CREATE TYPE mood AS ENUM ('calm', 'glad');
CREATE TABLE a (id bigint PRIMARY KEY, n integer, s text NOT NULL, v varchar(40), m mood);
CREATE TABLE b (id bigint PRIMARY KEY, a_id bigint REFERENCES a ON DELETE CASCADE, n integer NOT NULL DEFAULT 3, s text, at timestamp);
CREATE TABLE c (id integer PRIMARY KEY, b_id bigint, n integer, s text UNIQUE, d numeric(10, 2));
CREATE INDEX b_a ON b (a_id);
CREATE INDEX c_n ON c (n);
`

// releaseMaker makes statements for what the base and the statements before have.
type releaseMaker struct {
	*rand.Rand
	sql    strings.Builder
	tables []*tangledTable
	made   int
}

type tangledTable struct {
	name        string
	columns     []tangledColumn
	constraints []string
	indexes     []string
}

type tangledColumn struct{ name, typ string }

func newReleaseMaker(seed uint64) *releaseMaker {
	return &releaseMaker{Rand: rand.New(rand.NewPCG(seed, 7)), tables: []*tangledTable{
		{name: "a", columns: []tangledColumn{{"n", "integer"}, {"s", "text"}, {"v", "varchar(40)"}, {"m", "mood"}}},
		{
			name: "b", columns: []tangledColumn{{"a_id", "bigint"}, {"n", "integer"}, {"s", "text"}, {"at", "timestamp"}}, constraints: []string{"b_a_id_fkey"},
			indexes: []string{"b_a"},
		},
		{
			name: "c", columns: []tangledColumn{{"b_id", "bigint"}, {"n", "integer"}, {"s", "text"}, {"d", "numeric(10, 2)"}}, constraints: []string{"c_s_key"},
			indexes: []string{"c_n"},
		},
	}}
}

// newName returns a name that nothing has.
func (g *releaseMaker) newName(prefix string) string {
	g.made++
	return fmt.Sprintf("%s%d", prefix, g.made)
}

// addChange adds one statement.
func (g *releaseMaker) addChange() {
	t := g.tables[g.IntN(len(g.tables))]
	alter := "ALTER TABLE " + t.name + " "
	if len(t.columns) < 2 {
		name := g.newName("x")
		t.columns = append(t.columns, tangledColumn{name, "text"})
		g.write(alter + "ADD COLUMN " + name + " text")
		return
	}
	i := g.IntN(len(t.columns))
	col := &t.columns[i]
	alterColumn := alter + "ALTER COLUMN " + col.name + " "
	switch g.IntN(20) {
	case 0:
		name, typ := g.newName("x"), []string{"text", "integer", "timestamptz", "mood"}[g.IntN(4)]
		t.columns = append(t.columns, tangledColumn{name, typ})
		g.write(alter + "ADD COLUMN " + name + " " + typ)
	case 1:
		name := g.newName("x")
		t.columns = append(t.columns, tangledColumn{name, "integer"})
		g.write(alter + "ADD COLUMN " + name + " integer NOT NULL DEFAULT 7")
	case 2:
		name := g.newName("x")
		g.write(alter + "RENAME COLUMN " + col.name + " TO " + name)
		col.name = name
	case 3:
		g.write(alter + "DROP COLUMN " + col.name + " CASCADE")
		t.columns = slices.Delete(t.columns, i, i+1)
		t.constraints, t.indexes = nil, nil // some of them are gone
	case 4:
		if col.typ == "integer" {
			col.typ = "bigint"
		} else {
			col.typ = "text"
		}
		g.write(alterColumn + "TYPE " + col.typ)
	case 5:
		g.write(alterColumn + "SET NOT NULL")
	case 6:
		g.write(alterColumn + "DROP NOT NULL")
	case 7:
		g.write(alterColumn + "SET DEFAULT NULL")
	case 8:
		t.constraints = append(t.constraints, g.newName("k"))
		g.write(alter + "ADD CONSTRAINT " + t.constraints[len(t.constraints)-1] + " CHECK (" + col.name + "::text <> 'never')")
	case 9:
		t.constraints = append(t.constraints, g.newName("k"))
		g.write(alter + "ADD CONSTRAINT " + t.constraints[len(t.constraints)-1] + " UNIQUE (id, " + col.name + ")")
	case 10, 11:
		if n := len(t.constraints); n > 0 {
			g.write(alter + "DROP CONSTRAINT " + t.constraints[n-1])
			t.constraints = t.constraints[:n-1]
		}
	case 12:
		t.indexes = append(t.indexes, g.newName("i"))
		g.write("CREATE INDEX " + t.indexes[len(t.indexes)-1] + " ON " + t.name + " (" + col.name + ")")
	case 13:
		if n := len(t.indexes); n > 0 {
			g.write("DROP INDEX " + t.indexes[n-1])
			t.indexes = t.indexes[:n-1]
		}
	case 14:
		g.write("UPDATE " + t.name + " SET " + col.name + " = " + col.name + " WHERE " + col.name + " IS NULL")
	case 15:
		g.write("DELETE FROM " + t.name + " WHERE id < 0 OR " + col.name + " IS NULL AND id % 50 = 0")
	case 16:
		name := g.newName("t")
		g.tables = append(g.tables, &tangledTable{name: name, columns: []tangledColumn{{"up", "bigint"}, {"s", "text"}}, constraints: []string{name + "_up"}})
		g.write("CREATE TABLE " + name + " (id bigint PRIMARY KEY, up bigint CONSTRAINT " + name + "_up REFERENCES a ON DELETE CASCADE, s text)")
	case 17:
		g.write("CREATE VIEW " + g.newName("w") + " AS SELECT id FROM " + t.name)
	case 18:
		g.write("COMMENT ON COLUMN " + t.name + "." + col.name + " IS 'said'")
	default:
		g.write("CREATE INDEX ON " + t.name + " (" + col.name + ", id)")
	}
}

func (g *releaseMaker) write(sql string) { g.sql.WriteString(sql + ";\n") }
