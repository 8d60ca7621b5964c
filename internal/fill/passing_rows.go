package fill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgparse"
)

// mode is one way to fill a column: with its own values, unchanged or in upper case,
// with NULL, or with a constant. A combination has a mode for each column.
type mode struct {
	own, upper, null bool
	text             string
}

// upperCase converts the ASCII letters from start on; generators make no others.
func upperCase(b []byte, start int) []byte {
	for k := start; k < len(b); k++ {
		if b[k] >= 'a' && b[k] <= 'z' {
			b[k] -= 'a' - 'A'
		}
	}
	return b
}

// applyPassingCombinations finds, for the columns of failing conditions, combinations of values that
// pass. For CHECK ((state = 'open') = (closed_at IS NULL)) it finds ('open', NULL) and others.
func (f *filler) applyPassingCombinations(ctx context.Context, t *table, failing []*check) (string, error) {
	for len(failing) > 0 {
		// Conditions that share a column are tried together.
		columns := slices.Clone(failing[0].columns)
		names := []string{failing[0].name}
		rest := failing[1:]
		for changed := true; changed; {
			changed = false
			for k, c := range rest {
				if slices.ContainsFunc(c.columns, func(i int) bool { return slices.Contains(columns, i) }) {
					columns = append(columns, c.columns...)
					names = append(names, c.name)
					rest = slices.Delete(slices.Clone(rest), k, k+1)
					changed = true
					break
				}
			}
		}
		failing = rest
		slices.Sort(columns)
		columns = slices.DeleteFunc(slices.Compact(columns), func(i int) bool { return i < 0 || t.columns[i].skip })
		var touching []*check
		for _, c := range t.listConditions() {
			if slices.ContainsFunc(c.columns, func(i int) bool { return slices.Contains(columns, i) }) {
				touching = append(touching, c)
			}
		}
		for _, i := range columns {
			// From now on, NULL is a choice of the combination.
			if c := t.columns[i]; !c.full && !c.replaced {
				c.full, c.value = true, nil
				if err := f.buildColumn(ctx, t, c); err != nil {
					return "", err
				}
			}
		}
		found := false
		for phase := range 2 {
			combos, err := f.findPassingCombinations(ctx, t, columns, touching, phase)
			if err != nil || t.rows == 0 {
				return "", err
			}
			if len(combos) > 0 {
				t.setCombinations(columns, combos, seedOf(f.plan.Seed, t.schema, t.rel, names[0]))
				found = true
				break
			}
		}
		if !found {
			return strings.Join(names, " and "), nil
		}
	}
	return "", nil
}

// setCombinations makes the columns take the combinations together.
func (t *table) setCombinations(columns []int, combos [][]mode, seed uint64) {
	for k, i := range columns {
		c := t.columns[i]
		originalValue := c.value
		c.escape = true
		c.ord = nil
		c.value = func(b []byte, i int64) ([]byte, bool) {
			switch m := combos[reduceTo(randomAt(seed, i), int64(len(combos)))][k]; {
			case m.own:
				start := len(b)
				b, ok := originalValue(b, i)
				if m.upper {
					b = upperCase(b, start)
				}
				return b, ok
			case m.null:
				return b, false
			default:
				return append(b, m.text...), true
			}
		}
	}
}

// listFillModes returns the ways in which a column may be filled. In the second phase its
// own values are tried as constants, because some may pass although not all do.
func (f *filler) listFillModes(ctx context.Context, t *table, c *column, touching []*check, phase int) ([]mode, error) {
	var out []mode
	plain := c.ref == nil && !c.unique && c.digit == nil
	if phase == 0 || !plain {
		out = append(out, mode{own: true})
		if base, _ := f.schema.resolveDomain(c.typ, c.typmod); base.category == 'S' && c.ref == nil {
			out = append(out, mode{own: true, upper: true})
		}
	}
	// This also applies in a key, because NULLs differ from each other.
	if !c.notNull {
		out = append(out, mode{null: true})
	}
	if !plain {
		return out, nil
	}
	var texts []string
	for _, k := range touching {
		if n := pgparse.ParseExpression(k.sql); n != nil {
			texts = append(texts, listLiterals(n)...)
		}
	}
	base, typmod := f.schema.resolveDomain(c.typ, c.typmod)
	switch {
	case base.kind == 'e':
		texts = slices.Clone(base.labels)
	case base.name == "bool":
		texts = []string{"f", "t"}
	case base.name == "json" || base.name == "jsonb":
		texts = append(texts, `{}`, `[]`, `"a"`, `1`, `[1]`, `["a"]`)
	case base.category == 'A':
		texts = append(texts, "{}", "{a}", "{1}", "{a,b}", "{1,2}")
	case base.category == 'N':
		texts = append(texts, "0", "1", "-1", "10", "100", "1000", "0.5")
	case base.category == 'S':
		texts = append(texts, "", "a", "A", "1", "abc", "ABC", "Abc", "123456", "a@example.com", "https://example.com", "US", "2020-01-01", strings.Repeat("0123456789abcdef", 2), strings.Repeat("0123456789abcdef", 4))
	}
	if phase == 1 {
		for k := range int64(10) {
			if b, ok := c.value(nil, k*(t.rows-1)/9); ok {
				texts = append(texts, string(b))
				if base.category == 'S' {
					texts = append(texts, strings.ToUpper(string(b)))
				}
			}
		}
	}
	slices.Sort(texts)
	texts, err := f.validTexts(ctx, f.typeText(base, typmod), slices.Compact(texts))
	if err != nil {
		return nil, err
	}
	for _, v := range texts {
		out = append(out, mode{text: v})
	}
	return out, nil
}

// findPassingCombinations returns the combinations with which rows satisfy the conditions.
func (f *filler) findPassingCombinations(ctx context.Context, t *table, columns []int, touching []*check, phase int) ([][]mode, error) {
	var modes [][]mode
	total := 1.0
	for _, i := range columns {
		m, err := f.listFillModes(ctx, t, t.columns[i], touching, phase)
		if err != nil || len(m) == 0 {
			return nil, err
		}
		modes = append(modes, m)
		total *= float64(len(m))
	}
	var combos [][]mode
	if total <= mostCombos {
		for n := range int(total) {
			var combo []mode
			for _, m := range modes {
				combo = append(combo, m[n%len(m)])
				n /= len(m)
			}
			combos = append(combos, combo)
		}
	} else {
		for n := range int64(mostCombos) {
			h := randomAt(f.plan.Seed+uint64(phase), n)
			var combo []mode
			for _, m := range modes {
				h = mixBits(h)
				combo = append(combo, m[reduceTo(h, int64(len(m)))])
			}
			combos = append(combos, combo)
		}
	}
	if err := f.createStage(ctx, t); err != nil {
		return nil, f.reportFailure(t, "a copy of it for samples", err)
	}
	insertedColumns, names := t.listInsertedColumns()
	src := rowSource{columns: insertedColumns, rows: int64(len(combos) * eachCombo),
		row:   func(n int64) int64 { return (n % eachCombo) * (t.rows - 1) / (eachCombo - 1) },
		extra: func(b []byte, n int64) []byte { return strconv.AppendInt(b, n/eachCombo, 10) },
		override: func(b []byte, n int64, column int) ([]byte, bool, bool) {
			k := slices.Index(columns, insertedColumns[column].index)
			if k < 0 {
				return b, false, false
			}
			m := combos[n/eachCombo][k]
			if m.upper {
				start := len(b)
				b, ok := insertedColumns[column].value(b, (n%eachCombo)*(t.rows-1)/(eachCombo-1))
				return upperCase(b, start), !ok, true
			}
			return append(b, m.text...), m.null, !m.own
		}}
	if err := f.copyRows(ctx, stageName, append(names, `"onward fill"`), src); err != nil {
		return nil, f.reportFailure(t, "samples of it", err)
	}
	var conditions []string
	for _, c := range touching {
		conditions = append(conditions, "("+c.sql+") IS NOT FALSE")
	}
	var good [][]mode
	sql := fmt.Sprintf(`SELECT "onward fill" FROM %s AS %s GROUP BY 1 HAVING pg_catalog.bool_and(%s) ORDER BY 1`, stageName, quoteIdent(t.rel), strings.Join(conditions, " AND "))
	err := eachRow(ctx, f.conn, "samples of "+t.name(), sql, func(r pgx.Rows) error {
		var n int
		if err := r.Scan(&n); err != nil {
			return err
		}
		good = append(good, combos[n])
		return nil
	})
	if err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) {
			return nil, nil // a condition cannot be evaluated for some combination
		}
		return nil, err
	}
	// Rows with values are preferred over rows of NULLs.
	slices.SortStableFunc(good, func(a, b []mode) int { return rankCombination(b) - rankCombination(a) })
	if len(good) > 0 {
		least := rankCombination(good[0]) - 2
		if rankCombination(good[0]) == 2*len(columns) {
			least += 2 // only NULL was the problem
		}
		if n := slices.IndexFunc(good, func(c []mode) bool { return rankCombination(c) < least }); n > 0 {
			good = good[:n]
		}
	}
	return good[:min(len(good), mostPool)], nil
}

func rankCombination(combo []mode) int {
	n := 0
	for _, m := range combo {
		switch {
		case m.own:
			n += 2
		case !m.null:
			n++
		}
	}
	return n
}
