package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Migrations write values that differ from run to run: random keys, times, the order of rows without an ORDER BY. Statements that call a
// volatile function directly are known; other values hide in functions of the project, or are copied from a random column.

// findRandomValues runs the release twice and records the columns whose values differ. If a key is among them, the other columns of its
// table are compared without it.
func (r *proofs) findRandomValues(v *prover) error {
	r.ranTwice = true
	for range 2 {
		var runs [2]*state
		for i := range runs {
			var err error
			if runs[i], err = v.stateAfter(func(conn *pgx.Conn) error { return runMigrations(v.ctx, conn, r.folds, v.beyond) }); err != nil {
				return err
			}
		}
		found := map[string]bool{}
		for name, sum := range runs[0].values {
			if other := runs[1].values[name]; sum != other && valueCountText(sum) == valueCountText(other) {
				found[name] = true
			}
		}
		keys := maps.Clone(found)
		maps.DeleteFunc(keys, func(name string, _ bool) bool { return !runs[0].keys[name] || v.volatile[name] })
		if len(keys) == 0 {
			r.random = found
			return nil
		}
		v.volatile = maps.Clone(v.volatile)
		maps.Copy(v.volatile, keys)
		r.random = found
	}
	return nil
}

// noteRandomValues names the columns whose values are not compared.
func (v *prover) noteRandomValues() {
	if len(v.random) == 0 {
		return
	}
	var names []string
	for name := range v.random {
		names = append(names, strings.TrimPrefix(name, "public."))
	}
	slices.Sort(names)
	v.plan.Notes = append(v.plan.Notes, fmt.Sprintf("two runs of the migrations write different values into %s: the proof compares how many there are",
		joinClipped(names[:min(len(names), mostDifferences)], len(names))))
}
