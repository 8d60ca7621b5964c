package rule

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/onward"
)

// lockingForms lock tables in all strengths, drop them, make them again and rename them; %[1]s and %[2]s are tables, %[3]d is a number.
var lockingForms = []string{
	"ALTER TABLE %[1]s ADD COLUMN c%[3]d int", "LOCK TABLE %[1]s IN SHARE MODE", "LOCK TABLE %[1]s IN EXCLUSIVE MODE",
	"LOCK TABLE %[1]s IN SHARE ROW EXCLUSIVE MODE", "CREATE INDEX i%[3]d ON %[1]s (a)", "UPDATE %[1]s SET a = %[3]d", "DROP TABLE %[1]s",
	"DROP TABLE %[1]s; CREATE TABLE %[1]s (id bigint PRIMARY KEY, a int)", "ALTER TABLE %[1]s RENAME TO r%[3]d; ALTER TABLE r%[3]d RENAME TO %[1]s",
	"ALTER TABLE %[1]s ADD FOREIGN KEY (a) REFERENCES %[2]s (id)", "CREATE OR REPLACE VIEW v AS SELECT id FROM %[1]s", "DROP VIEW v",
	"ALTER TABLE %[1]s ALTER COLUMN a TYPE bigint", "TRUNCATE %[1]s",
}

// The index of a transaction's locks says what a search through all of them says: which locks are named, and how many tables more are locked.
func TestLocksUnderLongWork(t *testing.T) {
	t.Parallel()
	const most = 2
	random := rand.New(rand.NewPCG(1, 2))
	works, counted := 0, 0
	for range 60 {
		var before, sql []string
		forms := lockingForms
		if random.IntN(2) == 0 {
			forms = lockingForms[1:6] // locked against writes only
		}
		for i := range 9 {
			before = append(before, fmt.Sprintf("CREATE TABLE t%d (id bigint PRIMARY KEY, a int)", i))
		}
		for i := range 5 + random.IntN(30) {
			sql = append(sql, fmt.Sprintf(forms[random.IntN(len(forms))], fmt.Sprint("t", random.IntN(9)), fmt.Sprint("t", random.IntN(9)), i))
		}
		text := "BEGIN;\n" + strings.Join(sql, ";\n") + ";\nCOMMIT"
		e, m := judged(t, Config{}, strings.Join(before, ";"), text, onward.TransactionNone)
		for _, s := range m.Statements {
			if s.Node == nil {
				continue
			}
			e.pass.current, e.pass.at = s.After, s.Tx.Index
			locks, more, work := e.pass.LongUnderLock(s, most)
			wanted, wantedMore := searchLocks(e.pass, s, most)
			if !slices.Equal(locks, wanted) || more != wantedMore {
				t.Errorf("%s\nat line %d: %d locks and %d more, want %d and %d", text, s.Line, len(locks), more, len(wanted), wantedMore)
			}
			if work != nil {
				works++
				counted += more
			}
		}
	}
	if works < 100 || counted < 100 {
		t.Errorf("only %d statements work long under locks, with %d more tables", works, counted)
	}
}

// searchLocks is [Pass.LongUnderLock] without an index.
func searchLocks(p *Pass, s *Stmt, most int) (locks []*Held, more int) {
	work := p.LongWork(s)
	if work == nil {
		return nil, 0
	}
	for h := range s.Held.All() {
		if h.Lock >= onward.ShareLock && s.Tx.isFelt(&h.Effect) &&
			!(analysis.SameRelation(&h.Effect, work) && work.Lock >= onward.ShareLock) && !s.blocksViewReaders(h) {
			locks = append(locks, h)
		}
	}
	slices.SortStableFunc(locks, func(x, y *Held) int { return cmp.Compare(y.Lock, x.Lock) })
	if len(locks) == 0 {
		return nil, 0
	}
	first := locks[0]
	locks = slices.DeleteFunc(locks, func(h *Held) bool {
		return h != first && (!first.Kind.IsTable() || !h.Kind.IsTable() || h.Lock.BlocksReads() != first.Lock.BlocksReads())
	})
	shown := min(most, len(locks))
	return locks[:shown], len(locks) - shown
}
