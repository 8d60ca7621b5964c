package prove

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestCombinedCommands joins commands of the forms at random into one ALTER TABLE, of which each
// meets what the others have changed, and compares model and server. COMBINED is how many are made
// (40 if it is not set), and PROVE_SEED chooses them. Which of several errors comes first is not compared.
func TestCombinedCommands(t *testing.T) {
	count := readNumber(t, "COMBINED", 40)
	base := fold(t, catalog.New(), read(t, "fixture.sql"))
	base.Complete = true
	for _, major := range pgservertest.ProofMajors() {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, major)
			commands := commandsByTable(t, base, major)
			var tables []string // one for each command, so that larger tables come more often
			for table, list := range commands {
				if len(list) > 1 {
					tables = append(tables, slices.Repeat([]string{table}, len(list))...)
				}
			}
			slices.Sort(tables)
			random := rand.New(rand.NewPCG(uint64(readNumber(t, "PROVE_SEED", 1)), 0))
			equal := 0
			for range count {
				table := tables[random.IntN(len(tables))]
				list := commands[table]
				parts := make([]string, 0, 3)
				for _, n := range random.Perm(len(list))[:min(2+random.IntN(2), len(list))] {
					parts = append(parts, list[n])
				}
				form := Form{SQL: "ALTER TABLE " + table + " " + strings.Join(parts, ", "), Also: "*"}
				if slices.ContainsFunc(differing, func(r *regexp.Regexp) bool { return r.MatchString(form.SQL) }) {
					continue
				}
				bad, _ := b.prove(t, base, form, false)
				if len(bad) > 0 && !unpredicted.MatchString(bad[0]) {
					t.Errorf("%s: the model differs from the server:\n\t%s", form.SQL, strings.Join(bad, "\n\t"))
					continue
				}
				equal++
			}
			t.Logf("%d of %d statements equal", equal, count)
		})
	}
}

func readNumber(t *testing.T, variable string, unset int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return unset
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("the variable %s is not a number: %v", variable, err)
	}
	return n
}

// differing are combinations on which model and server are known to differ.
var differing = []*regexp.Regexp{
	// A table that counts as one of the catalog is not rewritten: the model of refusals does not know rewrites.
	regexp.MustCompile(`user_catalog_table`),
	// A new sequence keeps its owner when its table gets another in the same statement.
	regexp.MustCompile(`IDENTITY.*OWNER TO|OWNER TO.*IDENTITY|serial.*OWNER TO|OWNER TO.*serial`),
	// The second change of a foreign key's enforcement reads only one of its tables.
	regexp.MustCompile(`ENFORCED.*ENFORCED`),
	// An index with the constraint's name is made anew under another name.
	regexp.MustCompile(`USING INDEX.* TYPE |TYPE .*USING INDEX`),
	// The same constraint again is accepted.
	regexp.MustCompile(`NOT NULL x.*NOT NULL x NOT VALID|NOT NULL x NOT VALID.*NOT NULL x`),
	regexp.MustCompile(`NO INHERIT`),
	regexp.MustCompile(`nn NOT NULL id`),
	// A command that was sent to children before the column was dropped there does not find it.
	regexp.MustCompile(`DROP COLUMN name`),
	// What only some versions refuse ends the fold on all of them.
	regexp.MustCompile(`DROP COLUMN total`),
	// The indexes of partitions are built without a scan that the server counts.
	regexp.MustCompile(`event .*(SET ACCESS METHOD|SET UNLOGGED|SET LOGGED)`),
}

// unpredicted are errors that the model does not predict: they depend on the rows, or on which operators a type has, or
// are faults of the server.
var unpredicted = regexp.MustCompile(`server "(could not create unique index|cache lookup failed|operator does not exist|cannot use type)`)

var alterTable = regexp.MustCompile(`^ALTER TABLE (ONLY )?([a-z_0-9.]+) (.+)$`)

// commandsByTable returns the commands that the version accepts alone, of forms without a setup, by their table.
func commandsByTable(t *testing.T, base *catalog.Catalog, major int) map[string][]string {
	t.Helper()
	commands := map[string][]string{}
	for _, form := range parse(t, "forms.txt") {
		match := alterTable.FindStringSubmatch(form.SQL)
		if match == nil || form.Setup != "" || form.Set != "" {
			continue
		}
		f, err := pgparse.SplitText(form.SQL)
		if err != nil || len(f.Stmts) != 1 {
			t.Fatalf("%q is not one statement: %v", form.SQL, err)
		}
		s, ok := pgparse.Unwrap(f.Stmts[0].Node).(*pgparse.AlterTableStmt)
		if !ok || len(s.GetCmds()) != 1 {
			continue
		}
		switch s.GetCmds()[0].GetAlterTableCmd().GetSubtype() {
		case pgparse.AlterTableType_AT_AttachPartition, pgparse.AlterTableType_AT_DetachPartition, pgparse.AlterTableType_AT_DetachPartitionFinalize:
			continue // the grammar has them alone
		}
		_, problems := base.Judge(f.Stmts[0].Node, form.SQL, false)
		in := effect.Inputs{TimeZone: "UTC", Problems: problems}
		if effect.EffectOf(f.Stmts[0].Node, base, effect.NewVersion(major), in).Refused != nil {
			continue
		}
		table := match[1] + match[2]
		commands[table] = append(commands[table], match[3])
	}
	return commands
}
