package effect_test

import (
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// fold applies a script to a catalog.
func fold(t testing.TB, c *catalog.Catalog, sql string) *catalog.Catalog {
	t.Helper()
	f, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Stmts {
		if s.Node == nil {
			t.Fatalf("parse %s: %v", f.Src[s.Start:s.End], s.Err)
		}
		c, _ = c.Apply(s.Node, f.Src[s.Start:s.End])
	}
	return c
}

// TestMeasured compares the model with a measurement of real servers that was
// made elsewhere: ONWARD_MEASURED names its table, and fixture.sql beside it
// is the schema.
func TestMeasured(t *testing.T) {
	t.Parallel()
	path := os.Getenv("ONWARD_MEASURED")
	if path == "" {
		component.Need(t, component.ByHand, errors.New("ONWARD_MEASURED names no table of measurements"))
	}
	text, err := os.ReadFile(filepath.Join(filepath.Dir(path), "fixture.sql"))
	if err != nil {
		t.Fatal(err)
	}
	base := fold(t, catalog.New(), string(text))
	base.Complete = true

	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comma, r.LazyQuotes = '\t', true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	col := map[string]int{}
	for i, name := range rows[0] {
		col[name] = i
	}
	type cell struct{ id, major string }
	var order []cell
	groups := map[cell][][]string{}
	for _, row := range rows[1:] {
		c := cell{row[col["id"]], row[col["pg_major"]]}
		if groups[c] == nil {
			order = append(order, c)
		}
		groups[c] = append(groups[c], row)
	}
	cells, wrong := 0, 0
	reports := map[string][]string{}
	var ids []string
	for _, cell := range order {
		group := groups[cell]
		get := func(row []string, name string) string { return row[col[name]] }
		first := group[0]
		var major int
		fmt.Sscan(cell.major, &major)
		if strings.HasPrefix(get(first, "error"), "setup refused") {
			continue
		}
		session := effect.Inputs{TimeZone: "UTC"}
		if s := get(first, "settings"); strings.Contains(s, "timezone") {
			session.TimeZone = strings.Trim(s[strings.Index(s, "=")+1:], " '")
		}
		c := fold(t, base, get(first, "setup"))
		file, _ := pgparse.SplitText(get(first, "sql"))
		if len(file.Stmts) == 0 || file.Stmts[0].Node == nil {
			t.Errorf("%s: does not parse: %s", cell.id, get(first, "sql"))
			continue
		}
		_, session.Problems = c.Judge(file.Stmts[0].Node, get(first, "sql"), false)
		got := effect.EffectOf(file.Stmts[0].Node, c, effect.NewVersion(major), session)

		want := map[string]string{}
		refused := false
		for _, row := range group {
			if get(row, "error") != "" {
				refused = true
				continue
			}
			name := get(row, "relation")
			for _, p := range []string{"new index ", "new table ", "new sequence ", "new relation "} {
				name = strings.TrimPrefix(name, p)
			}
			if name == "" || name == "(none)" {
				continue
			}
			want[name] = strings.TrimSpace(get(row, "lock_mode") + " " +
				flags(get(row, "rewrites_table") == "1", get(row, "rebuilds_index") == "1", get(row, "scans_table") == "1"))
		}
		have := map[string]string{}
		for i := range got.Effects {
			e := &got.Effects[i]
			have[e.Name.Name] = strings.TrimSpace(e.Lock.Words() + " " + flags(e.Rewrites, e.RebuildsIndex, e.Scans))
		}
		var bad []string
		if refused && byRows(get(first, "error")) {
			continue
		}
		if refused != (got.Refused != nil) {
			bad = append(bad, fmt.Sprintf("refused: model %q, server %q", got.Refused.Message(), get(first, "error")))
		}
		if !refused {
			if tx := get(first, "in_transaction_allowed") == "1"; tx != (got.NoTransaction == "") {
				bad = append(bad, fmt.Sprintf("in a transaction: model %q, server allows it: %v", got.NoTransaction, tx))
			}
			if got.Unmodelled != "" {
				bad = append(bad, "unmodelled: "+got.Unmodelled)
			}
			for name, w := range want {
				cells++
				if have[name] != w {
					bad = append(bad, fmt.Sprintf("%s: server %q, model %q", name, w, have[name]))
				}
			}
			for i := range got.Effects {
				e := &got.Effects[i]
				if _, ok := want[e.Name.Name]; !ok && (e.Lock >= onward.ShareUpdateExclusiveLock || e.HeaviestWork() != onward.NoWork) {
					cells++
					bad = append(bad, fmt.Sprintf("%s: server nothing, model %q (%s)", e.Name.Name, have[e.Name.Name], e.Why))
				}
			}
		} else {
			cells++
		}
		if len(bad) > 0 {
			sort.Strings(bad)
			wrong += len(bad)
			key := cell.id + ": " + get(first, "sql") + "\n\t" + strings.Join(bad, "\n\t")
			if reports[key] == nil {
				ids = append(ids, key)
			}
			reports[key] = append(reports[key], cell.major)
		}
	}
	for _, key := range ids {
		t.Errorf("Postgres %v: the model differs from the server: %s", reports[key], key)
	}
	t.Logf("%d of %d cells agree", cells-wrong, cells)
}

// byRows recognises errors that depend on the rows or on the machine (SQLSTATE
// classes 08, 23, 58 and XX), which no model of the schema can foresee.
func byRows(err string) bool {
	for _, class := range []string{"08", "23", "58", "XX"} {
		if strings.HasPrefix(err, class) {
			return true
		}
	}
	return false
}

func flags(rewrites, rebuilds, scans bool) string {
	var out []string
	if rewrites {
		out = append(out, "rewrites")
	}
	if rebuilds {
		out = append(out, "rebuilds index")
	}
	if scans && !rewrites { // a rewrite reads the table, be it empty
		out = append(out, "scans")
	}
	return strings.Join(out, " ")
}
